"""Settings for Hypothesis under which a mark depends neither on chance nor on the machine's load.

A property test runs with the same examples each time, without stored failures and without a
deadline per example. After a failure it does no more work than the mark and its reason need.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["sparing_hypothesis"]

LIBRARY = "hypothesis"
#: Hypothesis's phases after a failure: it shrinks the example, and then explains which parts of it
#: do not matter. Nobody reads the explanation.
SIMPLIFIES, EXPLAINS = "shrink", "explain"
#: Names of the profiles with these settings, and with those that were set before.
SPARING, BEFORE = "nbjudge", "before nbjudge"


@contextmanager
def sparing_hypothesis(source: str, *, simplifies: bool = True) -> Iterator[None]:
    """Make Hypothesis deterministic and frugal in the block; the test's own settings take priority.

    Parameters
    ----------
    source : str
        The test's text. If it does not mention the library, nothing is done.
    simplifies : bool
        Whether to shrink failing examples, because somebody will read them.
    """
    if LIBRARY not in source:
        yield
        return
    try:
        library = importlib.import_module(LIBRARY)
        settings, slowness = library.settings, library.HealthCheck.too_slow
        settings.register_profile(BEFORE, settings.default)
    except (ImportError, AttributeError):  # not installed, or another module of that name
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
