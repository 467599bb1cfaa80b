"""Commands open no connection and leave nothing outside the data folder; answering loads no training library.

Watched from inside a child: an audit hook sees what Python opens, and a seccomp filter, where the kernel takes one,
kills the child at any IPv4 or IPv6 socket, whichever library asks for it.
"""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

import pytest

from index.models import default_model_path
from tests.cli import ROOT, Ran, run_child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")

# The number of the system call `socket` and the value by which the kernel names the architecture.
SYSTEM_CALLS = {"x86_64": (41, 0xC000003E), "aarch64": (198, 0xC00000B7)}

# It also says so: a thread or a forked process may end in silence.
HOOK = """
import os, socket, sys

def watch(event, values):
    inet = event == "socket.__new__" and values[1] in (socket.AF_INET, socket.AF_INET6)
    if inet or event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.bind", "socket.sendto"):
        os.write(2, f"opened {event} {values[1:]}\\n".encode())
        raise SystemExit(1)

sys.addaudithook(watch)
"""

# Load the architecture, the call's number and its first argument; kill where all three name an internet socket.
FILTER = """
import ctypes, struct
CALL, ARCHITECTURE = {call}, {architecture}
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
program = b"".join(
    struct.pack("=HBBI", *step)
    for step in [
        (LOAD, 0, 0, 4), (EQUAL, 0, 6, ARCHITECTURE),
        (LOAD, 0, 0, 0), (EQUAL, 0, 4, CALL),
        (LOAD, 0, 0, 16), (EQUAL, 1, 0, 2), (EQUAL, 0, 1, 10),
        (RETURN, 0, 0, 0x80000000),
        (RETURN, 0, 0, 0x7FFF0000),
    ]
)

class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_void_p)]

buffer = ctypes.create_string_buffer(program, len(program))
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, ctypes.byref(Program(9, ctypes.addressof(buffer)))):
    raise SystemExit("no filter")
"""

# What switches a library off, or leads it elsewhere, may be set for whoever runs the tests, or by an import of ours.
BARE = """
import os
for name in list(os.environ):
    if name.startswith(("HF_", "XDG_", "TORCH")) or name in ("DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        del os.environ[name]
"""

REPORT = "import atexit, sys; atexit.register(lambda: print('modules', *sys.modules, file=sys.stderr))\n"


def seccomp() -> str:
    """Python that installs the filter; nothing where this machine has none."""
    if platform.machine() not in SYSTEM_CALLS:
        return ""
    call, architecture = SYSTEM_CALLS[platform.machine()]
    code = FILTER.format(call=call, architecture=architecture)
    return "" if "no filter" in run_child("--version", before=code).err else code


@pytest.fixture(scope="module")
def watched() -> str:
    return BARE + HOOK + seccomp() + REPORT


def test_the_hook_sees_what_python_opens() -> None:
    ran = run_child("--version", before=HOOK + "socket.socket(socket.AF_INET)")
    assert ran.code == 1
    assert "opened socket.__new__" in ran.err
    assert run_child("--version", before=HOOK + "socket.socket(socket.AF_UNIX).close()").code == 0


def test_the_filter_sees_what_a_library_opens_by_itself() -> None:
    code = seccomp()
    if not code:
        pytest.skip("this kernel takes no filter")
    for family, killed in ((2, True), (10, True), (1, False)):
        ran = run_child("--version", before=code + f"libc.socket({family}, 1, 0)")
        assert (ran.code < 0) == killed


def loaded(ran: Ran) -> set[str]:
    """The packages that a child had imported when it ended."""
    line = next(line for line in ran.err.splitlines() if line.startswith("modules "))
    return {name.partition(".")[0] for name in line.split()[1:]}


def test_asking_opens_no_connection_and_loads_no_training_library(sample_data: Path, watched: str) -> None:
    words = ("ask", "what deadline did Bessent mention?", "--json", "--data", str(sample_data))
    ran = run_child(*words, before=watched)
    assert (ran.code, "opened" in ran.err) == (0, False), ran.err
    assert json.loads(ran.out)["quotes"]
    if json.loads((sample_data / "snapshots/000001/manifest.json").read_text())["model"]["runtime"] != "torch":
        assert loaded(ran) & {"torch", "transformers", "sentence_transformers"} == set()
        assert {"faiss", "tantivy"} <= loaded(ran)


def test_ingest_opens_no_connection(sample_data: Path, tmp_path: Path, watched: str) -> None:
    (tmp_path / "models").symlink_to(sample_data / "models", target_is_directory=True)
    source = str(ROOT / "ingest" / "sample" / "articles.jsonl")
    ran = run_child("ingest", source, "--data", str(tmp_path), before=watched)
    assert (ran.code, "opened" in ran.err) == (0, False), ran.err
    assert "the live index is now 000001" in ran.err


def test_doctor_opens_no_connection(sample_data: Path, watched: str) -> None:
    ran = run_child("doctor", "--data", str(sample_data), before=watched)
    assert (ran.code, ran.out.count("ok "), "opened" in ran.err) == (0, 4, False), ran.err


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """Variables by which the home and the temporary folder are new and empty."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    return {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")}


def left_in(nowhere: dict[str, str]) -> list[str]:
    """What stands in those folders."""
    return [str(path) for name in ("HOME", "TMPDIR") for path in Path(nowhere[name]).rglob("*")]


@pytest.mark.parametrize(
    "words",
    [
        ("ask", "--batch", "-"),
        ("explain", "what deadline did Bessent mention?"),
        ("status",),
        ("sources",),
        ("export", "-"),
        ("reindex", "--dry-run"),
        ("feeds", "list"),
        ("cache",),
        ("feedback",),
        ("--help",),
    ],
    ids=" ".join,
)
def test_what_looks_opens_no_connection_and_leaves_no_file(
    words: tuple[str, ...], sample_data: Path, nowhere: dict[str, str], watched: str
) -> None:
    ran = run_child(*words, before=watched, env={"NEWSQUOTE_DATA": str(sample_data), **nowhere})
    assert (ran.code, "opened" in ran.err, left_in(nowhere)) == (0, False, []), ran.err


def test_with_torch_no_connection_is_opened_either(tmp_path: Path, nowhere: dict[str, str], watched: str) -> None:
    article = {"url": "https://a.example/1", "title": "Tulips", "text": "The tulips of Zeddam opened a week early."}
    (tmp_path / "one.jsonl").write_text(json.dumps(article), encoding="utf-8")
    words = ("ingest", str(tmp_path / "one.jsonl"), "--data", str(tmp_path / "data"))
    ran = run_child(*words, before=watched, env={"NEWSQUOTE_RUNTIME": "torch", **nowhere})
    assert (ran.code, "opened" in ran.err, left_in(nowhere)) == (0, False, []), ran.err
    assert "torch" in loaded(ran)


def test_a_model_by_its_name_is_looked_for_on_this_disk_alone(
    sample_data: Path, nowhere: dict[str, str], watched: str
) -> None:
    words = ("ask", "what deadline did Bessent mention?", "--data", str(sample_data))
    ran = run_child(*words, before=watched, env={"NEWSQUOTE_RERANKER": "nobody/no-reader", **nowhere})
    assert (ran.code, "opened" in ran.err, left_in(nowhere)) == (1, False, []), ran.err
    assert "The reranker nobody/no-reader cannot be loaded" in ran.err


@pytest.fixture
def fetched(nowhere: dict[str, str]) -> dict[str, str]:
    """A home folder in which the model `somebody/model` was fetched."""
    revision = "0" * 40
    cached = Path(nowhere["HOME"]) / ".cache/huggingface/hub/models--somebody--model"
    for part in ("refs", "snapshots"):
        (cached / part).mkdir(parents=True)
    (cached / "refs/main").write_text(revision, encoding="utf-8")
    (cached / "snapshots" / revision).symlink_to(default_model_path(), target_is_directory=True)
    return nowhere


EMBED = """
from index.embed import load_embedder
print(load_embedder("somebody/model", may_fetch={may_fetch}).embed_query("x").shape)
"""


def test_a_model_that_was_fetched_is_read_without_asking_for_it_again(fetched: dict[str, str], watched: str) -> None:
    ran = run_child("--version", before=watched + EMBED.format(may_fetch=False), env=fetched)
    assert (ran.code, "opened" in ran.err) == (0, False), ran.err
    assert "(384,)" in ran.out


def test_a_model_that_was_fetched_will_do_where_it_cannot_be_fetched_again(fetched: dict[str, str]) -> None:
    offline = BARE + "os.environ['HF_HUB_OFFLINE'] = '1'\n"
    ran = run_child("--version", before=offline + EMBED.format(may_fetch=True), env=fetched)
    assert (ran.code, "(384,)" in ran.out) == (0, True), ran.err
    ran = run_child("--version", before=offline + EMBED.format(may_fetch=True).replace("body", "where"), env=fetched)
    assert (ran.code, "offline mode is enabled" in ran.err) == (1, True), ran.err
