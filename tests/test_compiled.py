"""Models as they are kept ready to run, and inputs computed beside each other."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from filelock import FileLock

import index.compiled
from index.compiled import N_KEPT, Arrays, outputs
from index.rerank import FOLDER, OpenVinoReranker
from index.types import Reading

openvino = pytest.importorskip("openvino", reason="openvino has no build for this machine")

READINGS = [Reading("Ferry", ("The ferry will stay shut for 27 weeks.", "Nobody was hurt."))]


def scores(kept: Path | None, folder: Path = FOLDER) -> list[float]:
    return [*OpenVinoReranker(folder, kept=kept).judge("how long will it stay shut?", READINGS).scores.tolist()]


def test_what_is_kept_computes_the_same_and_is_made_anew_where_it_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "openvino-1.0" / "0123").mkdir(parents=True)
    expected = scores(None)
    assert scores(tmp_path) == expected
    (kept,) = tmp_path.glob("openvino-*/*/*.blob")  # and what another release left is gone
    size, inode = kept.stat().st_size, kept.stat().st_ino
    assert scores(tmp_path) == expected
    assert kept.stat().st_ino == inode
    for n_bytes in (0, 1_000, size // 2):
        kept.chmod(0o600)
        with kept.open("r+b") as file:
            file.truncate(n_bytes)
        assert scores(tmp_path) == expected
        assert kept.stat().st_size > 0.99 * size  # some bytes differ each time


def test_other_weights_of_the_same_name_and_date_are_never_taken_for_the_kept_ones(tmp_path: Path) -> None:
    folder = tmp_path / "reranker"
    shutil.copytree(FOLDER, folder)
    (tmp_path / "kept").mkdir()
    expected = scores(tmp_path / "kept", folder)
    weights = bytearray((folder / "model.bin").read_bytes())
    middle = len(weights) // 2
    weights[middle : middle + 400_000] = bytes(400_000)
    (folder / "model.bin").write_bytes(weights)
    manifest = (folder / "manifest.json").read_text(encoding="utf-8")
    (folder / "manifest.json").write_text(
        manifest.replace('"model_sha256": "', '"model_sha256": "f00'), encoding="utf-8"
    )
    assert scores(tmp_path / "kept", folder) != expected


def test_a_model_that_is_reached_by_links_or_moved_time_and_again_does_not_fill_the_disk(tmp_path: Path) -> None:
    folder, kept = tmp_path / "reranker", tmp_path / "kept"
    shutil.copytree(FOLDER, folder)
    kept.mkdir()
    expected = scores(kept, folder)
    link = tmp_path / "link"
    link.symlink_to(folder, target_is_directory=True)
    assert scores(kept, link) == expected
    assert len([*kept.glob("openvino-*/*/*.blob")]) == 1
    for n in range(N_KEPT + 2):
        folder = folder.rename(tmp_path / f"reranker{n}")
        assert scores(kept, folder) == expected
    assert len([*kept.glob("openvino-*/*/*.blob")]) == N_KEPT


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    assert scores(file / "models") == scores(tmp_path / "absent") == scores(None)
    assert not (tmp_path / "absent").exists()


def test_what_another_process_is_making_ready_is_waited_for_and_then_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = scores(tmp_path)
    (kept,) = tmp_path.glob("openvino-*/*/*.blob")
    kept.unlink()
    monkeypatch.setattr(index.compiled, "LOCK_WAIT_S", 0.1)
    with FileLock(kept.parent / "lock"):
        assert scores(tmp_path) == expected
        assert not kept.exists()
    assert scores(tmp_path) == expected
    assert kept.exists()


Core = openvino.Core


class FullDisk:
    """OpenVINO's `Core` where nothing that is to be kept can be written."""

    def __init__(self) -> None:
        self._core = Core()

    def compile_model(self, model: str, device: str, properties: dict[str, object]) -> object:
        if "CACHE_DIR" in properties:
            raise RuntimeError("filesystem error: cannot set permissions")
        return self._core.compile_model(model, device, properties)


def test_where_keeping_fails_a_model_is_made_ready_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = scores(None)
    monkeypatch.setattr(openvino, "Core", FullDisk)
    assert scores(tmp_path) == expected


# Beside each other -----------------------------------------------------------------------------------------


class Doubling:
    """An infer request as OpenVINO's, of a model that doubles its input and fails on what is below nought."""

    def __init__(self) -> None:
        self.is_at_work = False
        self.n_started = 0
        self._output = np.zeros(0)

    def start_async(self, inputs: Arrays) -> None:
        assert not self.is_at_work
        self.is_at_work = True
        self.n_started += 1
        self._input = inputs[0].copy()

    def wait(self) -> None:
        if self.is_at_work:
            self.is_at_work = False
            if (self._input < 0).any():
                raise RuntimeError("below nought")
            self._output = 2 * self._input

    @property
    def output_tensors(self) -> list[SimpleNamespace]:
        assert not self.is_at_work
        return [SimpleNamespace(data=self._output)]


def inputs_of(*values: int, fails_behind: bool = False) -> Iterator[tuple[str, Arrays]]:
    for value in values:
        yield f"key {value}", [np.full(max(1, value), value)]
    if fails_behind:
        raise MemoryError


@pytest.mark.parametrize("n_requests", [1, 2, 3, 8])
@pytest.mark.parametrize("n_inputs", [0, 1, 2, 7])
def test_every_input_has_its_outputs_under_its_key(n_requests: int, n_inputs: int) -> None:
    requests = [Doubling() for _ in range(n_requests)]
    found = {key: out[0].tolist() for key, out in outputs(requests, inputs_of(*range(n_inputs)))}
    assert found == {f"key {value}": [2 * value] * max(1, value) for value in range(n_inputs)}
    assert sum(request.n_started for request in requests) == n_inputs


def test_the_next_input_goes_where_the_least_was_to_be_computed() -> None:
    requests = [Doubling(), Doubling()]
    assert [key for key, _ in outputs(requests, inputs_of(9, 1, 2, 3, 4))] == [f"key {n}" for n in (1, 2, 3, 9, 4)]
    assert [request.n_started for request in requests] == [1, 4]


@pytest.mark.parametrize(
    ("values", "fails_behind", "error"),
    [((1, 2, 3), True, MemoryError), ((1, -2, 3, -4, -5), False, RuntimeError), ((1, 2, -3), False, RuntimeError)],
)
def test_no_request_is_at_work_after_an_error(
    values: tuple[int, ...], fails_behind: bool, error: type[Exception]
) -> None:
    requests = [Doubling() for _ in range(3)]
    with pytest.raises(error):
        for _ in outputs(requests, inputs_of(*values, fails_behind=fails_behind)):
            pass
    assert not any(request.is_at_work for request in requests)
    assert len(list(outputs(requests, inputs_of(*range(7))))) == 7


def test_no_request_is_at_work_after_the_taker_fails() -> None:
    requests = [Doubling() for _ in range(3)]
    with pytest.raises(KeyError):
        for key, _ in outputs(requests, inputs_of(*range(7))):
            raise KeyError(key)
    assert not any(request.is_at_work for request in requests)
