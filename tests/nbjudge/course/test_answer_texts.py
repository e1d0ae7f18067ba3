"""A mark that a person gave stands as long as the text of its answer does."""

from __future__ import annotations

from typing import Any

import pytest
from classroom import AtOnce, answered, hand_in, marked_unseen
from nbformat import from_dict
from nbformat.v4 import new_code_cell

from nbjudge.course.answer_texts import answers_tested, changes, hashes
from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook
from nbjudge.grading.batch import grade_assignment
from nbjudge.release import source

WRITTEN, TEST = "ex_1_1_3", "test_ex_1_1_1"


def regraded(course: Course, **settings: Any) -> tuple[bool, ...]:
    """Grade again; return of both marks whether a person has to give it, and the row's words."""
    (row,) = grade_assignment(
        course, "sums", get_pool=AtOnce(marked_unseen), force=True, **settings
    )
    told = any("changed since a person marked" in remark for remark in row.remarks)
    with open_gradebook(course) as gradebook:
        found = [gradebook.find_grade(cell, "sums", "sums", "ada") for cell in (WRITTEN, TEST)]
        assert [grade.manual_score for grade in found] == [0, 0.5]
        comment = gradebook.find_comment(WRITTEN, "sums", "sums", "ada")
        assert comment.manual_comment == "Say more."
        return (*(bool(grade.needs_manual_grade) for grade in found), told)


@pytest.fixture
def marked(course: Course) -> Course:
    """A course in which a person marked two of ada's answers: the one with 0, which is a mark."""
    hand_in(course, "ada", answered(course))
    grade_assignment(course, "sums", get_pool=AtOnce(marked_unseen))
    with open_gradebook(course) as gradebook:
        for cell, mark in ((WRITTEN, 0), (TEST, 0.5)):
            grade = gradebook.find_grade(cell, "sums", "sums", "ada")
            grade.manual_score, grade.needs_manual_grade = mark, False
        gradebook.find_comment(WRITTEN, "sums", "sums", "ada").manual_comment = "Say more."
        gradebook.db.commit()
    return course


def test_a_regrade_leaves_marks_and_comments_of_people(marked: Course) -> None:
    assert regraded(marked) == (False, False, False)
    assert regraded(marked, run_all=True) == (False, False, False)


def test_a_new_test_leaves_marks_of_people(marked: Course) -> None:
    path = marked.root / "source" / "sums" / "sums.ipynb"
    notebook = source.read_source(path)
    source.by_grade_id(notebook)[TEST].source += "\nassert total([7]) == 7"
    path.write_text(source.notebook_text(notebook), encoding="utf-8")
    assert marked.api().generate_assignment("sums", force=True)["success"]

    assert regraded(marked) == (False, False, False)


def test_another_answer_is_to_be_marked_again_until_a_person_did(marked: Course) -> None:
    hand_in(marked, "ada", answered(marked, ex_1_1_3="Never."))

    assert regraded(marked) == (True, False, True)
    assert regraded(marked) == (True, False, True)
    with open_gradebook(marked) as gradebook:
        gradebook.find_grade(WRITTEN, "sums", "sums", "ada").needs_manual_grade = False
        gradebook.db.commit()
    assert regraded(marked) == (False, False, False)


def test_an_answer_that_a_test_marks_is_to_be_marked_again_too(marked: Course) -> None:
    hand_in(marked, "ada", answered(marked, ex_1_1_1="total = sum"))

    assert regraded(marked) == (False, True, True)


def test_where_no_texts_were_kept_they_are_those_of_the_graded_notebook(marked: Course) -> None:
    for kept in marked.root.glob("autograded/ada/.*.answers.json"):
        kept.unlink()

    assert regraded(marked) == (False, False, False)


@pytest.mark.slow
def test_nbgraders_own_command_leaves_them_too(marked: Course) -> None:
    for written, waiting in ((None, False), ("Never.", True)):
        changed = {} if written is None else {WRITTEN: written}
        hand_in(marked, "ada", answered(marked, **changed))
        assert marked.api().autograde("sums", "ada", force=True)["success"]
        with open_gradebook(marked) as gradebook:
            grade = gradebook.find_grade(WRITTEN, "sums", "sums", "ada")
            assert (grade.manual_score, bool(grade.needs_manual_grade)) == (0, waiting)


def test_the_text_of_a_test_is_what_was_written_since_the_test_before(course: Course) -> None:
    notebook = answered(course)
    before = hashes(notebook.cells)
    place = next(i for i, c in enumerate(notebook.cells) if source.grade_id(c) == TEST)
    notebook.cells.insert(place, new_code_cell("helper = 1"))

    found = changes({"sums": before}, {"sums": hashes(notebook.cells)})

    assert found == {"sums": frozenset([TEST])}
    assert changes({}, {"sums": before})["sums"] == before.keys()
    assert changes({"sums": before}, {}, ["sums"])["sums"] == before.keys()


def test_a_test_is_about_the_answers_since_the_test_before() -> None:
    kinds = ["answer a", "answer b", "test 1", "test 2", "other", "answer c", "test 3"]
    cells = []
    for kind, _, name in (each.partition(" ") for each in kinds):
        cell = new_code_cell()  # type: ignore[no-untyped-call]
        if name:
            is_answer = kind == "answer"
            told = {"grade_id": name, "solution": is_answer, "grade": not is_answer}
            cell.metadata.nbgrader = from_dict(told)  # type: ignore[no-untyped-call]
        cells.append(cell)

    assert answers_tested(cells) == {"1": ("a", "b"), "2": ("a", "b"), "3": ("c",)}
