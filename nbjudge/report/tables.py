"""The numbers of a report as CSV files for other programs: exercises, and mistakes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nbjudge.basics.csv_files import Value, as_csv, guard
from nbjudge.basics.text import clean_characters
from nbjudge.report.findings import meaning_of_discrimination
from nbjudge.report.statistics import Numbers

__all__ = ["EXERCISE_COLUMNS", "MISTAKES", "exercises", "mistakes_table"]

EXERCISE_COLUMNS = (
    *("notebook", "exercise", "title", "points", "marked_by", "students", "waiting"),
    *("all_points", "some_points", "no_point", "left_empty", "share", "share_of_answers"),
    *("discrimination", "interval_low", "interval_high", "discrimination_students", "reading"),
    *(
        "known_mistakes",
        "other_mistakes",
        "seconds_median",
        "seconds_most",
        "test_seconds_median",
        "test_seconds_all",
    ),
)
MISTAKES = ("notebook", "exercise", "title", "mistake", "sentence", "students", "of", "share")


def exercises(found: Numbers) -> str:
    """Return a row for each exercise, as CSV."""
    return _csv_table(
        EXERCISE_COLUMNS,
        [
            (
                *(each.exercise.notebook, each.exercise.number, each.exercise.title),
                each.exercise.points,
                "a person" if each.exercise.by_hand else "a test",
                *(each.marked, each.waiting, each.full, each.part, each.none, each.empty),
                *(each.share, each.share_of_answers),
                *(each.discrimination.r, each.discrimination.low, each.discrimination.high),
                *(each.discrimination.n, meaning_of_discrimination(each)),
                *(each.named, each.unnamed),
                each.times.median if each.times else None,
                each.times.most if each.times else None,
                each.test_times.median if each.test_times else None,
                sum(each.test_times.all) if each.test_times else None,
            )
            for each in found.exercises
        ],
    )


def mistakes_table(found: Numbers) -> str:
    """Return a row for each known mistake that was made, the most frequent first, as CSV."""
    return _csv_table(
        MISTAKES,
        [
            (
                *(each.exercise.notebook, each.exercise.number, each.exercise.title),
                *(each.mistake, each.sentence, each.students, each.of, each.students / each.of),
            )
            for each in found.mistakes
        ],
    )


def _csv_table(header: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    return as_csv(
        header, [[_spreadsheet_cell(value) for value in row] for row in rows], line_end="\n"
    )


def _spreadsheet_cell(value: Value) -> Value:
    r"""Return a value that a spreadsheet shows unchanged, on one line, and never runs as a formula.

    >>> _spreadsheet_cell("=1+1"), _spreadsheet_cell("two\nlines"), _spreadsheet_cell(1 / 3)
    ("'=1+1", 'two lines', 0.333333)
    """
    if isinstance(value, str):
        line = clean_characters(guard(value, numbers=True)).replace("\n", " ")
        return guard(line, numbers=True)
    # More than six digits would be meaningless for a class.
    return float(f"{value:.6g}") if isinstance(value, float) else value
