"""What a call shares with its test: captured output, replaced builtins, random generators."""

from __future__ import annotations

import builtins
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from nbjudge.kernel import switches

__all__ = ["circumstances_of"]

#: Characters of a call's output that are kept for its test.
MAX_PRINTED = 2**20


class _BoundedText(io.StringIO):
    """A stream that keeps the first `MAX_PRINTED` characters."""

    def write(self, text: str) -> int:
        return super().write(text[: max(0, MAX_PRINTED - self.tell())])


@contextmanager
def circumstances_of(
    captured: Sequence[bool] = (False, False),
    replaced: Mapping[str, Callable[..., Any]] | None = None,
    generators: switches.SwitchState | None = None,
) -> Iterator[dict[str, Any]]:
    """Give the code of the block the same streams, builtins and random numbers as its test.

    Parameters
    ----------
    captured : sequence of bool
        Whether the test captures standard output, and standard error.
    replaced : mapping of str to callable, optional
        The test's replacements of builtins, by name.
    generators : mapping, optional
        The states of the random generators, if the test has seeded them.

    Yields
    ------
    dict
        Filled when the block ends: `printed`, the two captured texts, and `generators`, the new
        states.
    """
    found: dict[str, Any] = {}
    usual = sys.stdout, sys.stderr
    captures = [_BoundedText() if wanted else None for wanted in captured]
    own = {name: getattr(builtins, name) for name in replaced or {}}
    if generators is not None:
        switches.set_generators(generators)
    try:
        for name, function in (replaced or {}).items():
            setattr(builtins, name, function)
        sys.stdout, sys.stderr = (
            capture or stream for capture, stream in zip(captures, usual, strict=True)
        )
        yield found
    finally:
        sys.stdout, sys.stderr = usual
        for name, function in own.items():
            setattr(builtins, name, function)
        if any(captures):
            found["printed"] = [capture.getvalue() if capture else "" for capture in captures]
        if generators is not None:
            found["generators"] = switches.generators()
