"""Laws that Hypothesis tries: once one fails, it does no more than the mark and its reason need."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["sparing_hypothesis"]

LIBRARY = "hypothesis"
#: What it does after a failure: it looks for a simpler example, with which the law fails for good,
#: and then for what of that example did not matter, which nobody reads.
SIMPLIFIES, EXPLAINS = "shrink", "explain"
#: By which names it knows these settings, and those that were there before.
SPARING, BEFORE = "nbjudge", "before nbjudge"


@contextmanager
def sparing_hypothesis(source: str, *, simplifies: bool = True) -> Iterator[None]:
    """Let a test ask an answer no more than is needed; what it sets itself stands.

    Parameters
    ----------
    source : str
        The test's text. Where it does not name the library, nothing is done.
    simplifies : bool
        Whether anybody reads with which example a law fails.
    """
    if LIBRARY not in source:
        yield
        return
    try:
        settings = importlib.import_module(LIBRARY).settings
        settings.register_profile(BEFORE, settings.default)
    except (ImportError, AttributeError):  # it is not installed, or another of that name
        yield
        return
    left_out = {EXPLAINS} if simplifies else {EXPLAINS, SIMPLIFIES}
    phases = [phase for phase in settings.default.phases if phase.name not in left_out]
    settings.register_profile(SPARING, settings.default, phases=phases)
    settings.load_profile(SPARING)
    try:
        yield
    finally:
        settings.load_profile(BEFORE)
