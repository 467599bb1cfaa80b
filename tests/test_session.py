"""Inputs computed beside each other: each under its key, and nothing left at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index.errors import ModelUnavailable
from index.graph import Graph
from index.session import Feeds, Outputs, n_cores, outputs, session


class Doubling:
    """A session of a model that doubles its input and fails on what is below nought."""

    def __init__(self) -> None:
        self.n_at_work = self.most_at_work = self.n_started = 0
        self._lock = threading.Lock()

    def run(self, names: None, feeds: Feeds) -> Outputs:
        assert names is None
        with self._lock:
            self.n_started += 1
            self.n_at_work += 1
            self.most_at_work = max(self.most_at_work, self.n_at_work)
        time.sleep(0.002)
        with self._lock:
            self.n_at_work -= 1
        if (feeds["x"] < 0).any():
            raise RuntimeError("below nought")
        return [2 * feeds["x"]]


def inputs_of(*values: int, fails_behind: bool = False) -> Iterator[tuple[str, Feeds]]:
    for value in values:
        yield f"key {value}", {"x": np.full(max(1, value), value)}
    if fails_behind:
        raise MemoryError


@pytest.mark.parametrize("n_beside", [1, 2, 3, 8])
@pytest.mark.parametrize("n_inputs", [0, 1, 2, 7, 40])
def test_every_input_has_its_outputs_under_its_key_in_order(n_beside: int, n_inputs: int) -> None:
    model = Doubling()
    found = [(key, out[0].tolist()) for key, out in outputs(model, inputs_of(*range(n_inputs)), n_beside)]
    assert found == [(f"key {value}", [2 * value] * max(1, value)) for value in range(n_inputs)]
    assert model.n_started == n_inputs
    assert model.most_at_work <= n_beside


def test_inputs_are_asked_for_as_they_are_needed() -> None:
    asked: list[int] = []

    def many() -> Iterator[tuple[int, Feeds]]:
        for n in range(1_000):
            asked.append(n)
            yield n, {"x": np.array([n])}

    for key, _ in outputs(Doubling(), many(), 2):
        if key == 5:
            break
    assert len(asked) < 10


@pytest.mark.parametrize(
    ("values", "fails_behind", "error"),
    [((1, 2, 3), True, MemoryError), ((1, -2, 3, -4, -5), False, RuntimeError), ((1, 2, -3), False, RuntimeError)],
)
def test_nothing_is_at_work_after_an_error(values: tuple[int, ...], fails_behind: bool, error: type[Exception]) -> None:
    model = Doubling()
    with pytest.raises(error):
        for _ in outputs(model, inputs_of(*values, fails_behind=fails_behind), 3):
            pass
    assert model.n_at_work == 0
    assert len(list(outputs(model, inputs_of(*range(7)), 3))) == 7


def test_nothing_is_at_work_and_nothing_more_is_begun_after_the_taker_fails() -> None:
    model = Doubling()
    with pytest.raises(KeyError):
        for key, _ in outputs(model, inputs_of(*range(70)), 3):
            raise KeyError(key)
    assert model.n_at_work == 0
    assert model.n_started <= 4


def test_a_session_computes_what_its_file_says_and_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    graph = Graph()
    doubled = graph.op("Mul", graph.input("x", np.float32, ["n"]), graph.constant(np.full(600, 2, np.float32)))
    path = tmp_path / "model.onnx"
    graph.save({"doubled": doubled}, path)
    (found,) = session(path, "make it anew").run(None, {"x": np.arange(600, dtype=np.float32)})
    assert found.tolist() == [2.0 * n for n in range(600)]

    for damage in (b"", b"not a model", path.read_bytes()[:-50]):
        path.write_bytes(damage)
        with pytest.raises(ModelUnavailable, match=rf"^The model {path} cannot be read \(.+\); make it anew\.$"):
            session(path, "make it anew")


def test_only_cores_that_we_may_use_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.session.CGROUP", tmp_path)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {3, 7}, raising=False)
    assert n_cores() == 2
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert n_cores() == 1


@pytest.mark.parametrize(
    ("files", "n"),
    [
        ({"cpu.max": "100000 100000\n"}, 1),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "6400000 100000\n"}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "?"}, 8),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
    ],
)
def test_a_container_on_many_cores_counts_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], n: int
) -> None:
    monkeypatch.setattr("index.session.CGROUP", tmp_path)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert n_cores() == n
