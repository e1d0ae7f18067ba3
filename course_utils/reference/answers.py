"""What the judge may ask about this course's answers; `nbgrader_config.py` names this module."""

from __future__ import annotations

from course_utils.reference.diagnosis import named_mistake
from course_utils.reference.examine import EXERCISES
from course_utils.reference.known_answers import answers_of, mistakes, styles

__all__ = ["answers_of", "mistakes", "named_mistake", "styles", "symbols"]


def symbols(grade_id: str) -> tuple[str, ...]:
    """Return the names that an answer to an exercise defines; none if the exercise is unknown.

    Parameters
    ----------
    grade_id : str
        The grade_id of the answer cell: "ex_1_2_1".
    """
    known = EXERCISES.get(grade_id)
    return known.symbols if known is not None else ()
