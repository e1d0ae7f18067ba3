"""How each test of a course is to be run, as its trial has shown: see `trial`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ORDINARY", "Plans", "TestPlan"]


@dataclass(frozen=True)
class TestPlan:
    """How a test is run.

    Parameters
    ----------
    fault : str
        Why no answer may be marked by it, as the end of a sentence; empty if nothing is wrong. A
        person marks what it tests.
    inside : str
        Why it has to run in the student's process, as the end of a sentence; empty if it need not.
    allowed : tuple of str
        What it may do with objects that stay in the student's kernel, beside what is always
        possible: what it does with those of the course's own solution.
    shares_generators : bool
        Whether it and the answer draw from the same random generators, as in one process. An answer
        can then foresee what the test draws.
    learns : bool
        Whether it may do whatever can be done, and tells what it did: the solution is judged so.
    learns_names : bool
        Whether that includes to change the variables of the notebook.
    """

    fault: str = ""
    inside: str = ""
    allowed: tuple[str, ...] = ()
    shares_generators: bool = False
    learns: bool = False
    learns_names: bool = False

    #: Not a class of tests, whatever its name says.
    __test__ = False


#: Of a test of which nothing is known.
ORDINARY = TestPlan()
#: By the test's grade id.
Plans = Mapping[str, TestPlan]
