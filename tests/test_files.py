"""Files that appear whole or not at all: one writer, several at once, and what a killed one leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from index.files import whole_file

ROOT = Path(__file__).parent.parent
_WRITER = """
import sys
from pathlib import Path
from index.files import whole_file
with whole_file(Path(sys.argv[1])) as file:
    file.write(b"half of it")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, content: bytes) -> None:
    with whole_file(path) as file:
        file.write(content)


def test_a_file_appears_with_the_rights_of_any_other_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "a.gz", b"one")
    (tmp_path / "other").touch()
    assert (tmp_path / "a.gz").read_bytes() == b"one"
    assert (tmp_path / "a.gz").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert names(tmp_path) == ["a.gz", "other"]


def test_a_file_is_on_the_disk_before_it_has_its_name_and_then_its_name_is(
    tmp_path: Path, to_disk: list[int | str]
) -> None:
    write(tmp_path / "a", b"one")
    assert to_disk == [(tmp_path / "a").stat().st_ino, "a", tmp_path.stat().st_ino]


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path / "a", b"one")
    with pytest.raises(RuntimeError), whole_file(tmp_path / "a") as file:
        file.write(b"two")
        raise RuntimeError
    assert (tmp_path / "a").read_bytes() == b"one"
    assert names(tmp_path) == ["a"]


def test_two_writers_at_once_do_not_share_a_file(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a") as first:
        first.write(b"fir")
        first.flush()
        write(tmp_path / "a", b"second")
        assert (tmp_path / "a").read_bytes() == b"second"
        first.write(b"st")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert names(tmp_path) == ["a"]


def test_what_a_killed_writer_left_goes_with_the_next_one_and_what_a_living_one_writes_does_not(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path / "a")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        write(tmp_path / "a", b"whole")
        assert len(names(tmp_path)) == 2
        writer.kill()
    assert len(names(tmp_path)) == 2
    for name in (".a.part", ".a.b.01234567.part", ".aa.01234567.part"):  # of somebody else
        (tmp_path / name).touch()
    (tmp_path / ".a.01234567.part").symlink_to("nowhere")
    write(tmp_path / "a", b"whole again")
    assert names(tmp_path) == [".a.01234567.part", ".a.b.01234567.part", ".a.part", ".aa.01234567.part", "a"]
    assert (tmp_path / "a").read_bytes() == b"whole again"
