"""What a term comes to: weights, the lowest dropped, the pass mark, and what is not final."""

from __future__ import annotations

import pytest
from traitlets.config import Config

from nbjudge.course.marks import (
    AssignmentMarks,
    GradeTable,
    Mark,
    NotebookMarks,
    Person,
    SubmissionMarks,
)
from nbjudge.exceptions import CourseError
from nbjudge.report.totals_page import describe_student, describe_term, totals_csv, totals_page
from nbjudge.term.totals import TermTotals, Weighing, read_weighing, term_totals

PEOPLE = (Person("s2", "Zoe", "Ōno", "z@x.org"), Person("s1", "<b>Ada", "Lovelace"))


def won(points: float, of: float, *, waiting: bool = False, penalty: float = 0) -> SubmissionMarks:
    mark = Mark("ex_1", points, of, "nb", points, waiting=waiting)
    return SubmissionMarks("a", "s", "", (NotebookMarks("nb", {"ex_1": mark}, penalty=penalty),))


def term(**weighing: object) -> TermTotals:
    """Return a term of three graded assignments, and one of which nobody is graded."""
    assignments = (
        AssignmentMarks("first", 10, {"s1": won(8, 10), "s2": won(5, 10, penalty=1)}),
        AssignmentMarks("later", 5),
        AssignmentMarks("second", 30, {"s1": won(15, 30)}),
        AssignmentMarks("third", 20, {"s1": won(18, 20, waiting=True), "s2": won(20, 20)}),
    )
    return term_totals(GradeTable(PEOPLE, assignments), Weighing(**weighing))  # type: ignore[arg-type]


def percents(found: TermTotals) -> dict[str, float]:
    return {total.person.id: round(total.percent, 3) for total in found.totals}


def test_without_weights_each_assignment_counts_by_its_points() -> None:
    found = term()

    assert percents(found) == {"s1": round(100 * 41 / 60, 3), "s2": 40}
    assert [total.person.id for total in found.totals] == ["s1", "s2"]
    assert found.ungraded == ("later",)


def test_weights_are_of_parts_and_zero_leaves_out() -> None:
    found = term(weights={"first": 1, "second": 0, "third": 3})

    assert percents(found) == {"s1": 87.5, "s2": 85}
    assert [part.assignment for part in found.assignments] == ["first", "third"]


def test_the_lowest_parts_are_dropped_and_one_always_counts() -> None:
    assert percents(term(drop_lowest=1)) == {"s1": round(100 * 26 / 30, 3), "s2": 80}
    assert percents(term(drop_lowest=9)) == {"s1": 90, "s2": 100}


def test_a_pass_mark_is_reached_exactly_and_an_answer_that_waits_is_told() -> None:
    ada, zoe = term(pass_percent=40.0).totals

    assert (ada.passes, ada.is_final) == (True, False)
    assert (zoe.passes, zoe.is_final) == (True, True)
    assert term(pass_percent=40.01).totals[1].passes is False
    assert term().totals[1].passes is None


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"first": 1, "nope": 2}, "names 'nope', which the gradebook does not know"),
        ({"first": 1}, "says nothing of 'second', 'third'"),
        ({"first": 0, "second": 0, "third": 0}, "Nothing that counts is graded"),
    ],
)
def test_weights_that_leave_a_choice_are_refused(weights: dict[str, float], said: str) -> None:
    with pytest.raises(CourseError, match=said):
        term(weights=weights)


def test_a_weight_below_zero_is_refused() -> None:
    with pytest.raises(CourseError, match="from 0 on"):
        read_weighing(Config({"Totals": {"weights": {"first": -1.0}}}))


def test_the_page_the_file_and_the_lines_say_the_same() -> None:
    found = term(pass_percent=60.0, drop_lowest=1)
    page, lines = totals_page(found), list(describe_term(found))

    assert "&lt;b&gt;Ada Lovelace" in page
    assert all("86.6 %" in text for text in (page, "\n".join(lines)))
    assert totals_csv(found).splitlines()[2] == "s2,Zoe Ōno,z@x.org,4,,20,80,true,true"
    assert lines[0] == lines[4]
    assert lines[0].startswith("2 students, median 83.3 %, 2 with 60 % or more, 1 not final.")
    assert lines[1].split() == ["Student", "first", "second", "third", "together"]
    assert lines[3].split()[3:] == ["4/10", "(–/30)", "20/20", "80", "%", "passed"]


def test_one_student_reads_what_each_assignment_adds() -> None:
    told = "\n".join(describe_student(term(drop_lowest=1).totals[1]))

    assert told.startswith("Zoe Ōno (s2)\n")
    assert "nothing graded, which counts as 0, not counted, as one of the lowest" in told
    assert "1 taken off" in told
    assert told.endswith("together 80 %")
