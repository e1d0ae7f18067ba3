"""What a call in a kernel shares with the test that makes it: streams, input, random generators."""

from __future__ import annotations

import builtins
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from nbjudge.kernel import switches

__all__ = ["circumstances_of"]

#: Characters that a call may print for its test.
MAX_PRINTED = 2**20


class _Paper(io.StringIO):
    """Keeps what is printed, up to a bound."""

    def write(self, text: str) -> int:
        return super().write(text[: max(0, MAX_PRINTED - self.tell())])


@contextmanager
def circumstances_of(
    captured: Sequence[bool] = (False, False),
    replaced: Mapping[str, Callable[..., Any]] | None = None,
    generators: switches.SwitchState | None = None,
) -> Iterator[dict[str, Any]]:
    """Let what runs meet the same circumstances as its test.

    Parameters
    ----------
    captured : sequence of bool
        Whether the test reads what is printed, and what is written to the error stream.
    replaced : mapping of str to callable, optional
        What the test has put in the place of some builtins, by their names.
    generators : mapping, optional
        The states of the random generators, if the test has seeded them.

    Yields
    ------
    dict
        Filled in the end: what was printed, and how the generators stand.
    """
    told: dict[str, Any] = {}
    usual = sys.stdout, sys.stderr
    papers = [_Paper() if wanted else None for wanted in captured]
    own = {name: getattr(builtins, name) for name in replaced or {}}
    if generators is not None:
        switches.set_generators(generators)
    try:
        for name, function in (replaced or {}).items():
            setattr(builtins, name, function)
        sys.stdout, sys.stderr = (
            paper or stream for paper, stream in zip(papers, usual, strict=True)
        )
        yield told
    finally:
        sys.stdout, sys.stderr = usual
        for name, function in own.items():
            setattr(builtins, name, function)
        if any(papers):
            told["printed"] = [paper.getvalue() if paper else "" for paper in papers]
        if generators is not None:
            told["generators"] = switches.generators()
