"""What can be made to go wrong, request by request."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

Cut = Literal["before", "after", "middle"]


@dataclass(slots=True)
class Fault:
    """Something that happens to the next requests that match.

    Attributes:
        method: HTTP method, or `*`.
        path: Pattern for the path below the API's version, with real ids: `/channels/*/messages`.
        times: How many requests are left to it.
        status: Answered instead, or None.
        code: Discord's code beside it.
        retry_after_s: What a 429 asks for.
        is_global: Whether a 429 holds for all routes.
        cut: Where the connection ends instead: `before` anything is done, `after` it is done but before a byte of the
            answer, or in the `middle` of the answer.
        done: Whether a request with `status` is carried out all the same, its answer lost.
    """

    method: str
    path: str
    times: int = 1
    status: int | None = None
    code: int = 0
    retry_after_s: float = 0.2
    is_global: bool = False
    cut: Cut | None = None
    done: bool = False


@dataclass(slots=True)
class Faults:
    """The faults that wait."""

    slow_s: float = 0.0
    slow_path: str = "*"
    waiting: list[Fault] = field(default_factory=list)

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that matches a request, counted down."""
        for fault in self.waiting:
            if fault.method in ("*", method) and fnmatchcase(path, fault.path):
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None

    def delay_s(self, path: str) -> float:
        """How long a request to this path is held up."""
        return self.slow_s if fnmatchcase(path, self.slow_path) else 0.0
