"""Find the known mistake that behaves like a wrong answer, so that feedback can name it.

The answer and the mistakes are examined with the same inputs. Marks do not depend on the result.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from course_utils.reference.examine import EXERCISES
from course_utils.reference.examine.examination import Seen, Trace, recording
from course_utils.reference.known_answers import Known, answers_of, mistakes
from nbjudge import checks as check
from nbjudge import seeds
from nbjudge.exceptions import CourseError

__all__ = ["diagnose", "is_like", "named_mistake"]

#: The largest relative difference between two numbers that count as the same.
RTOL = 1e-4


def named_mistake(exercise: str, answers: Mapping[str, Any]) -> Known | None:
    """Return the known mistake that behaves like a student's answers; None if there is none.

    Parameters
    ----------
    exercise : str
        Its number, such as "1.2.1"; an unknown exercise has no mistakes.
    answers : mapping of str to object
        The answers by name, as objects of this process or as `Remote`.
    """
    grade_id = f"ex_{exercise.replace('.', '_')}"
    known = EXERCISES.get(grade_id)
    if known is None or not set(known.symbols) <= answers.keys():
        return None
    return diagnose(grade_id, known.examination, [answers[symbol] for symbol in known.symbols])


def diagnose(
    grade_id: str, examination: Callable[..., None], answers: Sequence[Any]
) -> Known | None:
    """Return the known mistake that behaves like these answers.

    Parameters
    ----------
    grade_id : str
        The exercise: "ex_1_2_1".
    examination : callable
        The examination of that exercise. It draws its inputs from `seeds`, as for a mark.
    answers : sequence
        The arguments of the examination, as objects of this process or as `Remote`.

    Returns
    -------
    Known or None
        None if no known mistake behaves like them, if they are right, or if they cannot be examined
        (any more).

    Notes
    -----
    The global random generators are seeded again for each mistake, so that its own random numbers
    do not depend on what ran before.
    """
    try:
        with recording() as trace:
            examination(*answers)
    except CourseError:
        return None
    if all(seen.held for seen in trace):
        return None
    alike = (known for known in mistakes(grade_id) if is_like(known, grade_id, examination, trace))
    return next(alike, None)


def is_like(
    known: Known, grade_id: str, examination: Callable[..., None], trace: Sequence[Seen]
) -> bool:
    """Return whether a known mistake leaves this trace in an examination."""

    def departs(own: Trace) -> bool:
        i = len(own) - 1
        return i >= len(trace) or not _behaves_alike(own[i], trace[i])

    seeds.reset(seeds.number(grade_id))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a division by zero may be the mistake itself
        answers = answers_of(known, grade_id)
        with recording(until=departs) as own:
            examination(*answers)
    return len(own) == len(trace) and not departs(own)


def _behaves_alike(a: Seen, b: Seen) -> bool:
    if (a.what, a.held) != (b.what, b.held):
        return False
    # Compared both ways, as `difference` is not symmetric: it accepts any sequence for a list.
    both_ways = ((a.found, b.found), (b.found, a.found))
    return a.held or all(check.difference(*pair, rtol=RTOL) is None for pair in both_ways)
