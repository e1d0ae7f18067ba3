"""A student's page over all assignments: only what was given back, and nobody else's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from nbjudge.cli.commands import app
from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook
from nbjudge.course.marks import (
    AssignmentMarks,
    GradeTable,
    Mark,
    NotebookMarks,
    Person,
    SubmissionMarks,
)
from nbjudge.feedback.term_page import term_page, write_term_pages
from nbjudge.term.totals import Weighing

ADA = Person("ada", "Ada", "Lovelace")
HOSTILE = '<script>alert(1)</script>\n\n**Well** done, <img src=x onerror="alert(1)">'


def won(points: float, of: float, *, waiting: bool = False, **told: Any) -> SubmissionMarks:
    mark = Mark("ex_1_2", points, of, "nb", points, waiting=waiting)
    return SubmissionMarks("a", "ada", "", (NotebookMarks("nb", {"ex_1_2": mark}, **told),))


def titles(assignment: str, notebook: str) -> Mapping[str, str]:
    return {"1.2": "In words"}


def page(*assignments: AssignmentMarks, **weighing: Any) -> str:
    """Return the page of somebody whose first assignment alone has pages."""
    pages = {"first": "first/nb.html"}
    return term_page(GradeTable((ADA,), assignments), Weighing(**weighing), pages, titles)


def first(**told: Any) -> AssignmentMarks:
    return AssignmentMarks("first", 10, {"ada": won(8, 10, **told)})


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.partition("<body>")[2]).split())


def test_each_assignment_is_told_with_what_it_adds_and_where_to_read_on() -> None:
    second = AssignmentMarks("second", 30, {"ben": won(15, 30)})
    third = AssignmentMarks("third", 20)

    html = page(first(penalty=1.0), second, third)

    assert '<a href="first/nb.html">' in html
    assert "For Ada Lovelace ( ada ) 17.5 % so far" in words(html)  # 7 of 40
    assert "first 1 taken off 7 / 10 70 % 25 %" in words(html)
    assert "second nothing graded, which counts as 0 – / 30 0 % 75 %" in words(html)
    assert "Not given back yet, so not counted: third ." in words(html)


def test_the_lowest_is_told_as_not_counted_and_the_pass_mark_as_reached_or_not() -> None:
    lower = AssignmentMarks("lower", 10, {"ada": won(2, 10)})

    html = page(first(), lower, drop_lowest=1, pass_percent=80.0)

    assert "80 % together You have passed: it takes 80 %." in words(html)
    assert "lower not counted, as one of the lowest 2 / 10 20 % –" in words(html)
    waiting = AssignmentMarks("lower", 10, {"ada": won(2, 10, waiting=True)})
    told = words(page(first(), waiting, pass_percent=80.0))
    assert "50 % so far It takes 80 % to pass, which you do not have yet." in told


def test_what_weighs_nothing_is_shown_and_makes_no_total() -> None:
    told = words(page(first(), weights={"first": 0.0}))

    assert "first 8 / 10 80 % –" in told
    assert "Together" not in told


def test_comments_are_told_with_their_exercise_and_do_nothing() -> None:
    html = page(first(comments={"ex_1_2": HOSTILE}))

    assert '<a href="first/nb.html#mark-1-2"><bdi>first, 1.2 In words</bdi></a>' in html
    assert "<strong>Well</strong> done" in html
    assert "<script" not in html
    assert "<img" not in html


def test_only_what_was_given_back_is_written_and_for_nobody_else(course: Course) -> None:
    give_marks(course, "ada", "ben")
    page_of(course, "ada", "sums").write_text("", encoding="utf-8")
    course.root.joinpath("feedback", ".unfinished", "sums").mkdir(parents=True)

    written = write_term_pages(course)

    assert list(written) == ["ada"]
    html = written["ada"].read_text(encoding="utf-8")
    assert (written["ada"].name, "ben" in words(html)) == ("index.html", False)
    assert 'href="sums/sums.html"' in html
    assert write_term_pages(course, ["ben"]) == {}


def test_whose_feedback_was_not_written_yet_sees_no_mark_of_it(course: Course) -> None:
    give_marks(course, "ada")
    page_of(course, "ada", "other").write_text("", encoding="utf-8")

    told = words(write_term_pages(course)["ada"].read_text(encoding="utf-8"))

    assert "Not given back yet, so not counted: sums ." in told
    assert "3 / 7" not in told


def test_weights_that_leave_a_choice_are_a_sentence_and_cost_no_other_page(
    course: Course,
) -> None:
    give_marks(course, "ada")
    page_of(course, "ada", "sums").write_text("", encoding="utf-8")
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write('c.Totals.weights = {"maths": 1}\n')
    course.root.joinpath("autograded", "ada", "sums").mkdir(parents=True)

    done = CliRunner().invoke(app, ["--course", str(course.root), "feedback", "sums"])

    assert "c.Totals.weights names 'maths'" in done.output
    assert done.exit_code == 3


def give_marks(course: Course, *students: str) -> None:
    with open_gradebook(course) as gradebook:
        for student in students:
            gradebook.add_student(student)
            submission = gradebook.add_submission("sums", student)
            for grade in submission.notebooks[0].grades:
                grade.manual_score = 1
                grade.needs_manual_grade = False
        gradebook.db.commit()


def page_of(course: Course, student: str, assignment: str) -> Path:
    folder = course.root / "feedback" / student / assignment
    folder.mkdir(parents=True)
    return folder / "sums.html"
