"""How to run each test of a course, as `nbjudge.trial` has found out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ORDINARY", "Plans", "TestPlan"]


@dataclass(frozen=True)
class TestPlan:
    """How to run a test.

    Parameters
    ----------
    fault : str
        Why the test may mark no answer, to complete a sentence; empty if nothing is wrong. A person
        marks what it tests.
    inside : str
        Why it has to run in the student's process, to complete a sentence; empty if it need not.
    allowed : tuple of str
        The operations that it may apply to objects in the student's kernel, beside those that are
        always allowed: see `stand_ins.permissions`.
    shares_generators : bool
        Whether it and the answer draw from the same random generators, as in one process. An answer
        can then predict what the test draws.
    learns : bool
        Whether it may do everything, and its operations are recorded, as for the solution.
    learns_names : bool
        Whether that includes changes of the notebook's variables.
    """

    fault: str = ""
    inside: str = ""
    allowed: tuple[str, ...] = ()
    shares_generators: bool = False
    learns: bool = False
    learns_names: bool = False

    #: Not a class of tests, whatever its name says.
    __test__ = False


#: The plan of a test that was not tried.
ORDINARY = TestPlan()
#: Plans by the test's grade_id.
Plans = Mapping[str, TestPlan]
