"""Into which cells a merged one is parted, and which answers stand elsewhere or too late."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nbjudge.course.cells import CourseCell
from nbjudge.intake.copies import Piece
from nbjudge.intake.merges import answers_below, misplaced_answers, part_cells

SET_UP = "import math"
STUB = "def total(numbers):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
TOTAL = "def total(numbers):\n    return sum(numbers)"
MEAN = "def mean(numbers):\n    return sum(numbers) / len(numbers)"
CHECK_1 = "# Check 1.1\nassert total([1]) == 1"
CHECK_2 = "# Check 1.2\nassert mean([1]) == 1"
WORDS = "YOUR ANSWER HERE"
TITLE = "# Sums"
HEADING = "## 1.2 The mean of some numbers"


def owned(grade_id: str, source: str, kind: str = "code", **marks: bool) -> CourseCell:
    bare = CourseCell(grade_id, kind, source, False, False, False, False, points=0.0)
    return replace(bare, **marks)


COURSE = {
    cell.grade_id: cell
    for cell in (
        owned("set_up", SET_UP, locked=True),
        owned("ex_1_1", STUB, solution=True),
        owned("test_1_1", CHECK_1, locked=True, grade=True),
        owned("ex_1_2", STUB.replace("total", "mean"), solution=True),
        owned("test_1_2", CHECK_2, locked=True, grade=True),
        owned("ex_1_3", WORDS, "markdown", grade=True, solution=True),
    )
}
GIVEN = [("markdown", TITLE), ("markdown", HEADING)]
IMPORTS, CHECKED_1, CHECKED_2 = (
    Piece(name, "code", COURSE[name].source) for name in ("set_up", "test_1_1", "test_1_2")
)
ONE, TWO = Piece("ex_1_1", "code", TOTAL), Piece("ex_1_2", "code", MEAN)
#: A line of a student's own, by which nobody can tell where it belongs.
NOTE = "1 + 1"


def merged(grade_id: str, *sources: str) -> Piece:
    return Piece(grade_id, "code", "\n\n".join(sources))


def parted(*pieces: Piece, given: Any = GIVEN, course: Any = COURSE) -> list[tuple[str, str]]:
    """Return the id and the text of each part."""
    found = part_cells(pieces, course.values(), given)
    assert len(found.sources) == len(found.pieces)
    return [(piece.grade_id, piece.source) for piece in found.pieces]


def test_parts_are_told_with_the_cell_that_they_are_from() -> None:
    found = part_cells([IMPORTS, merged("ex_1_1", TOTAL, CHECK_1), TWO], COURSE.values(), GIVEN)

    assert found.pieces == (IMPORTS, ONE, CHECKED_1, TWO)
    assert found.sources == (0, 1, 1, 2)
    assert found.merged == ("ex_1_1", "test_1_1")


def test_each_merged_cell_is_told_and_what_was_found_in_one_is_lost_no_more() -> None:
    first, again = merged("ex_1_1", TOTAL, CHECK_1), merged("", CHECK_1, "x = 1")
    second = merged("ex_1_2", MEAN, CHECK_2)

    found = part_cells([IMPORTS, first, again, second], COURSE.values(), GIVEN)

    assert found.merged == ("ex_1_1", "test_1_1", "ex_1_2", "test_1_2")
    assert found.pieces == (IMPORTS, ONE, CHECKED_1, again, TWO, CHECKED_2)


def test_where_all_ids_are_lost_nothing_is_parted() -> None:
    both = merged("", TOTAL, CHECK_1)

    assert parted(both) == [("", both.source)]


def test_a_check_that_the_course_has_not_locked_is_one() -> None:
    course = COURSE | {"test_1_1": replace(COURSE["test_1_1"], locked=False)}

    found = parted(IMPORTS, merged("ex_1_1", TOTAL, CHECK_1), course=course)

    assert found[1:] == [("ex_1_1", TOTAL), ("test_1_1", CHECK_1)]


@pytest.mark.parametrize(
    ("kind", "text", "is_told"),
    [
        ("markdown", "## Twenty characters"[:20], True),
        ("markdown", "## Nineteen of these"[:19], False),
        ("code", "print('an example of the course')", False),
    ],
)
def test_a_released_text_without_an_id_is_told_if_it_is_long_and_no_code(
    kind: str, text: str, is_told: bool
) -> None:
    found = parted(IMPORTS, merged("ex_1_1", text, TOTAL), given=[(kind, text)])

    assert found[1:] == (
        [("", text), ("ex_1_1", TOTAL)] if is_told else [("ex_1_1", f"{text}\n\n{TOTAL}")]
    )


def test_what_cannot_be_told_stays_the_students_own() -> None:
    first = merged("ex_1_1", NOTE, SET_UP, TOTAL)

    assert parted(first, CHECKED_1) == [
        ("", NOTE),
        ("set_up", SET_UP),
        ("ex_1_1", TOTAL),
        ("test_1_1", CHECK_1),
    ]


def test_an_unnamed_text_is_the_next_answer_if_that_is_lost() -> None:
    lost = [IMPORTS, ONE, CHECKED_1, Piece("", "code", "x = 1"), merged("test_1_2", NOTE, CHECK_2)]
    there = [IMPORTS, merged("test_1_1", NOTE, CHECK_1), ONE, Piece("ex_1_3", "markdown", "So.")]

    assert parted(*lost)[-2:] == [("ex_1_2", NOTE), ("test_1_2", CHECK_2)]
    assert parted(*there)[1:3] == [("", NOTE), ("test_1_1", CHECK_1)]


def test_an_answer_that_its_place_does_not_tell_keeps_the_cells_own_id() -> None:
    moved = merged("ex_1_2", NOTE, CHECK_1)

    assert parted(IMPORTS, moved, ONE, CHECKED_2)[1:3] == [("ex_1_2", NOTE), ("test_1_1", CHECK_1)]


def test_below_the_last_answer_a_text_is_nobodys() -> None:
    written = Piece("ex_1_3", "markdown", "So.")

    found = parted(IMPORTS, CHECKED_1, TWO, written, merged("ex_1_1", NOTE, CHECK_2, TOTAL))

    assert found[-3:] == [("", NOTE), ("test_1_2", CHECK_2), ("ex_1_1", TOTAL)]


def test_a_block_is_found_in_whole_lines_alone() -> None:
    quoted = f"{TOTAL}\n\n#{CHECK_1}"

    assert parted(IMPORTS, merged("ex_1_1", quoted, CHECK_1)) == [
        ("set_up", SET_UP),
        ("ex_1_1", quoted),
        ("test_1_1", CHECK_1),
    ]
    for longer in (f"{quoted} + 1", f"{TOTAL}\n\n{CHECK_1} + 1"):
        assert parted(IMPORTS, merged("ex_1_1", longer))[1:] == [("ex_1_1", longer)]


def test_of_a_block_that_is_there_twice_the_first_is_found() -> None:
    twice = merged("ex_1_1", CHECK_1, TOTAL, CHECK_1)

    assert parted(IMPORTS, twice)[1:] == [
        ("test_1_1", CHECK_1),
        ("ex_1_1", f"{TOTAL}\n\n{CHECK_1}"),
    ]


def test_an_empty_cell_of_the_courses_parts_nothing() -> None:
    course = COURSE | {"empty": owned("empty", "", locked=True)}
    answer = merged("ex_1_1", TOTAL, "x = 1")

    assert parted(IMPORTS, answer, course=course)[1:] == [("ex_1_1", answer.source)]


def test_of_two_texts_that_begin_alike_the_longer_one_is_found() -> None:
    longer = f"{HEADING}\n\nAnd of no numbers."
    given = [("markdown", HEADING), ("markdown", longer)]

    found = parted(IMPORTS, merged("ex_1_2", longer, MEAN), given=given)

    assert found[1:] == [("", longer), ("ex_1_2", MEAN)]


def test_a_part_keeps_its_spaces_and_a_released_one_its_kind() -> None:
    indented = "    x = 1"
    found = part_cells(
        [merged("ex_1_1", TITLE, SET_UP, TOTAL, HEADING, indented)], COURSE.values(), GIVEN
    )

    assert found.pieces == (
        Piece("", "markdown", TITLE),
        IMPORTS,
        ONE,
        Piece("", "markdown", HEADING),
        Piece("ex_1_2", "code", indented),
    )


RAW, TEXT = Piece("", "raw", TOTAL), Piece("", "markdown", "So.")


def owners(*pieces: Piece) -> dict[int, CourseCell]:
    return {i: COURSE[piece.grade_id] for i, piece in enumerate(pieces) if piece.grade_id}


def misplaced(*pieces: Piece, given: Any = GIVEN) -> list[str]:
    return misplaced_answers(pieces, owners(*pieces), COURSE.values(), given)


ANSWERED = [TWO, Piece("ex_1_3", "markdown", "When it is.")]
UNTOUCHED = Piece("ex_1_1", "code", STUB.replace("YOUR CODE", "MY CODE"))


@pytest.mark.parametrize(
    ("pieces", "ids"),
    [
        ([RAW, *ANSWERED], ["ex_1_1"]),
        ([UNTOUCHED, RAW, *ANSWERED], ["ex_1_1"]),  # another comment is no answer
        ([ONE, RAW, *ANSWERED], []),
        ([Piece("", "code", TOTAL), RAW, *ANSWERED], []),  # it runs as well
        ([Piece("", "markdown", TITLE), *ANSWERED], []),
        ([ONE, TWO, TEXT], ["ex_1_3"]),
        ([ONE, TWO, Piece("", "code", NOTE)], []),
        ([ONE, TWO, Piece("", "markdown", f"{HEADING}\n")], []),
        ([ONE, TWO, Piece("ex_1_3", "markdown", f"{WORDS} ")], []),
    ],
)
def test_an_answer_is_looked_for_in_what_does_not_run_and_is_the_students(
    pieces: list[Piece], ids: list[str]
) -> None:
    assert misplaced(*pieces) == ids
    assert misplaced(*pieces, given=[]) == []


def test_a_written_answer_is_looked_for_between_its_neighbours() -> None:
    words, hers = Piece("ex_1_3", "markdown", WORDS), Piece("test_1_2", "code", f"{CHECK_2}\n# So.")

    assert misplaced(ONE, TWO, CHECKED_2, TEXT, words) == ["ex_1_3"]
    assert misplaced(ONE, TWO, CHECKED_2, words, TEXT) == ["ex_1_3"]
    assert misplaced(ONE, TWO, hers, words) == ["ex_1_3"]
    assert misplaced(ONE, TEXT, TWO, CHECKED_2, words) == []
    assert misplaced(TEXT, words, ONE, TWO) == ["ex_1_3"]


def test_an_answer_without_a_name_is_looked_for_in_all_code_that_does_not_run() -> None:
    nameless = [owned("ex_1", "# YOUR CODE HERE", solution=True)]

    assert misplaced_answers([RAW], {}, nameless, GIVEN) == ["ex_1"]
    assert misplaced_answers([TEXT], {}, nameless, GIVEN) == []


def below(*pieces: Piece, course: Any = COURSE) -> list[str]:
    own = {i: course[piece.grade_id] for i, piece in enumerate(pieces) if piece.grade_id}
    return answers_below(pieces, own, course.values())


HERS = merged("ex_1_2", TOTAL, MEAN)
SAID = Piece("ex_1_3", "code", TOTAL)


@pytest.mark.parametrize(
    ("pieces", "ids"),
    [
        ([CHECKED_1, HERS, CHECKED_2], ["ex_1_1"]),
        ([UNTOUCHED, CHECKED_1, HERS, CHECKED_2], ["ex_1_1"]),
        ([CHECKED_1, replace(HERS, kind="raw"), CHECKED_2], ["ex_1_1"]),  # the course runs it
        ([ONE, CHECKED_1, HERS, CHECKED_2], []),
        ([Piece("", "code", TOTAL), CHECKED_1, HERS], []),
        ([Piece("", "raw", TOTAL), CHECKED_1, HERS], ["ex_1_1"]),
        ([CHECKED_1, ONE], []),  # its own cell, though too late
        ([CHECKED_1, Piece("", "code", TOTAL)], []),
        ([CHECKED_1, TWO, SAID], []),  # what is written is not run
        ([HERS, CHECKED_2], []),
        ([CHECKED_1, merged("ex_1_1", TOTAL, MEAN), CHECKED_2], []),
        ([CHECKED_2, merged("ex_1_1", TOTAL, MEAN), CHECKED_1], ["ex_1_2"]),
        ([CHECKED_1, HERS, merged("ex_1_1", NOTE)], ["ex_1_1"]),
    ],
)
def test_an_answer_comes_too_late_if_only_anothers_cell_below_its_check_defines_it(
    pieces: list[Piece], ids: list[str]
) -> None:
    assert below(*pieces) == ids


def test_only_an_answer_with_a_check_of_its_own_can_come_below_it() -> None:
    course = {
        "helper": owned("helper", TOTAL, locked=True),
        "by_hand": owned("by_hand", "def total(): ...", grade=True, solution=True),
        "test_1_1": COURSE["test_1_1"],
        "ex_1_2": owned("ex_1_2", "def mean(): ...", solution=True),
        "last": owned("last", "def total(): ...", solution=True),
    }

    assert below(CHECKED_1, HERS, course=course) == []


@pytest.mark.parametrize("marks", [{"task": True}, {"solution": True}])
def test_what_a_person_marks_is_no_check(marks: dict[str, bool]) -> None:
    between = owned("by_hand", "# In your own words", grade=True, **marks)
    names = ("ex_1_1", "by_hand", "test_1_1", "ex_1_2")
    course = {name: (COURSE | {"by_hand": between})[name] for name in names}

    assert below(Piece("by_hand", "code", ""), HERS, CHECKED_1, course=course) == []
