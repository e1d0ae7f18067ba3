"""Grades any nbgrader course: tests run outside the student's process, kernels in a sandbox.

The modules directly in this package go to students with every release: `checks` compares an answer
with what was expected, `probes` measures what only the answer itself can tell, and `hand_in()`
hands in the notebook. The folders are the judge's own; each says what it is for and what it may
import.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbjudge.handing_in import hand_in

__all__ = ["__version__", "hand_in"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import `hand_in` on first use: most notebooks never need what it imports."""
    if name != "hand_in":
        raise AttributeError(f"module 'nbjudge' has no attribute {name!r}")
    from nbjudge.handing_in import hand_in

    return hand_in
