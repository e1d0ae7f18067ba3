"""Laws that Hypothesis tries, so that no mark depends on luck or on how busy the machine is.

A law is tried with the same examples whenever it is judged, none of them from an earlier failure,
and no example has a time of its own. Once one fails, no more is done than the mark and its reason
need.
"""

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
    """Let a test ask an answer the same every time, and no more; what it sets itself stands.

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
        library = importlib.import_module(LIBRARY)
        settings, slowness = library.settings, library.HealthCheck.too_slow
        settings.register_profile(BEFORE, settings.default)
    except (ImportError, AttributeError):  # it is not installed, or another of that name
        yield
        return
    left_out = {EXPLAINS} if simplifies else {EXPLAINS, SIMPLIFIES}
    settings.register_profile(
        SPARING,
        settings.default,
        phases=[phase for phase in settings.default.phases if phase.name not in left_out],
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[*settings.default.suppress_health_check, slowness],
    )
    settings.load_profile(SPARING)
    try:
        yield
    finally:
        settings.load_profile(BEFORE)
