"""What is written to the gradebook is what nbgrader's own command writes, all of it or nothing."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from classroom import AtOnce, answered, hand_in, marked_unseen, released_course
from nbformat.v4 import new_code_cell, new_markdown_cell
from sampling import only

from nbjudge.course import gradebook_file
from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class, open_gradebook, versions
from nbjudge.exceptions import CourseError
from nbjudge.grading import writer
from nbjudge.grading.batch import grade_assignment
from nbjudge.grading.conditions import GradingConditions
from nbjudge.grading.jobs import Job, JobOutcome
from nbjudge.grading.rows import Status
from nbjudge.grading.writer import MarkedSubmission
from nbjudge.intake.submission import SubmissionFiles
from nbjudge.release import source
from nbjudge.sandbox.limits import Limits

WRONG = {"ex_1_1_1": "def total(numbers):\n    return 0"}
HALF = {"ex_1_1_4": "def evens(numbers):\n    return [2]"}
SILENT = {"ex_1_1_3": "*Your answer.*"}
LATE, IN_TIME = "2026-03-03 12:00:00 UTC", "2026-02-27 12:00:00 UTC"
DUE = "2026-03-01 12:00:00 UTC"

PARTS = """\
# Check 1.1.4: a point for each of two lists
(evens([1, 2]) == [2]) * 1.0 + (evens([4, 5]) == [4]) * 1.0
"""
PENALTIES = {
    "none": "",
    "zero": 'c.LateSubmissionPlugin.penalty_method = "zero"\n',
    "a policy": "c.LatePolicy.points_per_day = 0.75\nc.LatePolicy.grace_minutes = 30\n",
    "a plugin of one's own": """
from nbgrader.plugins import BasePlugin


class ByTheDay(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return None if student_id == "spared" else 1.25 * total_seconds_late / 86400


c.AssignLatePenalties.plugin_class = ByTheDay
""",
}
RAISES = """
from nbgrader.plugins import BasePlugin


class Broken(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        raise ZeroDivisionError("a penalty per no day")


c.AssignLatePenalties.plugin_class = Broken
"""

Row = tuple[tuple[str, Any], ...]


def a_course(root: Path, *, notebooks: tuple[str, ...] = ("sums",), settings: str = "") -> Course:
    """Make a course whose notebooks also have an exercise of two parts, and a task."""
    course = released_course(root)
    original = root / "source" / "sums" / "sums.ipynb"
    notebook = source.read_source(original)
    meta = {"schema_version": 3, "task": False, "solution": False, "grade": False, "locked": True}
    answer = (
        "### BEGIN SOLUTION\ndef evens(numbers):\n    return [n for n in numbers if n % 2 == 0]"
    )
    cells = (
        (new_code_cell, f"{answer}\n### END SOLUTION", {"solution": True, "locked": False}),
        (new_code_cell, PARTS, {"grade": True, "points": 2}),
        (new_markdown_cell, "Draw it.\n\n### BEGIN MARK SCHEME\nA line.\n### END MARK SCHEME", {}),
    )
    for grade_id, (new, text, more) in zip(
        ("ex_1_1_4", "test_ex_1_1_4", "task_1_1_5"), cells, strict=True
    ):
        more = more or {"task": True, "points": 4}
        metadata = {"nbgrader": {**meta, **more, "grade_id": grade_id}}
        notebook.cells.append(new(text, id=grade_id, metadata=metadata))
    for name in notebooks:
        original.with_name(f"{name}.ipynb").write_text(
            source.notebook_text(notebook), encoding="utf-8"
        )
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(settings)
    assert course.api().generate_assignment("sums", force=True)["success"]
    return course


def copied(course: Course, root: Path) -> Course:
    shutil.copytree(course.root, root)
    return Course(root)


def nbgrader_grades(course: Course) -> None:
    """Have nbgrader's own command grade a class."""
    result = course.api().autograde("sums", "*", force=True)
    assert result["success"], result["error"]


def hand_in_at(course: Course, student: str, when: str, **answers: str) -> None:
    folder = hand_in(course, student, answered(course, **answers))
    (folder / "timestamp.txt").write_text(when, encoding="utf-8")


def tables(course: Course) -> dict[str, set[Row]]:
    """Return every row of every table, with names in the place of ids that are drawn at random."""
    with closing(sqlite3.connect(course.root / "gradebook.db")) as gradebook:
        gradebook.row_factory = sqlite3.Row
        names = [name for (name,) in gradebook.execute("SELECT name FROM sqlite_master")]
        found = {
            name: [dict(row) for row in gradebook.execute(f"SELECT * FROM {name}")]
            for name in names
            if not name.startswith(("sqlite_", "ix_"))
        }
    # Each refers to those before it alone.
    keys = {
        "assignment": ("name",),
        "notebook": ("assignment_id", "name"),
        "base_cell": ("notebook_id", "type", "name"),
        "submitted_assignment": ("assignment_id", "student_id"),
        "submitted_notebook": ("assignment_id", "notebook_id"),
        "grade": ("notebook_id", "cell_id"),
        "comment": ("notebook_id", "cell_id"),
    }
    named: dict[str, str] = {}
    for table, columns in keys.items():
        for row in found[table]:
            key = (named.get(row[column], row[column]) for column in columns)
            named[row["id"]] = f"{table}({', '.join(key)})"
    return {
        table: {
            tuple((column, named.get(value, value)) for column, value in row.items())
            for row in rows
        }
        for table, rows in found.items()
    }


def of(student: str, course: Course) -> dict[str, set[Row]]:
    """Return the rows on one student."""
    return {
        table: {row for row in rows if any(re.search(rf"\b{student}\b", str(v)) for _, v in row)}
        for table, rows in tables(course).items()
    }


@contextmanager
def by_hand(course: Course, student: str, notebook: str = "sums") -> Iterator[Callable[..., Any]]:
    """Yield what finds a student's grades, as the formgrader does before it changes them."""
    with open_gradebook(course) as gradebook:

        def grade(cell: str) -> Any:
            return gradebook.find_grade(cell, notebook, "sums", student)

        yield grade
        gradebook.db.commit()


def marked_by_a_person(course: Course) -> None:
    """Leave what people leave in the formgrader: marks, extra points, comments, flags."""
    with by_hand(course, "corrected") as grade:
        grade("test_ex_1_1_1").manual_score, grade("test_ex_1_1_1").extra_credit = 1.5, 0.25
        grade("ex_1_1_3").manual_score, grade("ex_1_1_3").needs_manual_grade = 2, False
        grade("task_1_1_5").manual_score, grade("task_1_1_5").needs_manual_grade = 3, False
    with by_hand(course, "generous") as grade:
        grade("test_ex_1_1_2").extra_credit = 1
    with open_gradebook(course) as gradebook:
        comment = gradebook.find_comment("ex_1_1_3", "sums", "sums", "silent")
        comment.manual_comment = "Write to me."
        gradebook.find_submission_notebook("sums", "sums", "generous").flagged = True
        gradebook.db.commit()


#: A class of an assignment with two notebooks: what each student answers in the first of them.
CLASS: dict[str, dict[str, str]] = {
    "right": {},
    "half": HALF,
    "wrong": WRONG | HALF,
    "silent": {},
    "untouched": {},
    "one": WRONG,
    "corrected": {},
    "generous": {},
    "better": WRONG,
    "worse": {},
}


def hand_in_class(course: Course) -> None:
    released = course.root / "release" / "sums"
    written = source.by_grade_id(source.read_source(released / "sums.ipynb"))["ex_1_1_3"].source
    for student, answers in CLASS.items():
        if student == "silent":
            answers = {"ex_1_1_3": written}
        hand_in(course, student, answered(course, **answers))
        if student != "one":
            hand_in(course, student, answered(course), "second.ipynb")
    for path in released.glob("*.ipynb"):
        hand_in(course, "untouched", path.read_bytes(), path.name)


@pytest.fixture(scope="module")
def firsts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, Course]:
    """Return a class graded by us, and the same graded by nbgrader."""
    folder = tmp_path_factory.mktemp("first")
    ours = a_course(folder / "ours", notebooks=("sums", "second"))
    hand_in_class(ours)
    stock = copied(ours, folder / "stock")
    grade_assignment(ours, "sums", get_pool=AtOnce())
    nbgrader_grades(stock)
    return ours, stock


@pytest.fixture(scope="module")
def seconds(
    firsts: tuple[Course, Course], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Course, Course]:
    """Return the same classes, graded again after people marked and students improved."""
    folder = tmp_path_factory.mktemp("second")
    ours, stock = (copied(course, folder / course.root.name) for course in firsts)
    for course in (ours, stock):
        marked_by_a_person(course)
        hand_in(course, "better", answered(course))
        for student in ("worse", "corrected"):
            hand_in(course, student, answered(course, **WRONG, **HALF))
        (course.root / "submitted" / "generous" / "sums" / "second.ipynb").unlink()
        hand_in(course, "one", answered(course), "second.ipynb")
    grade_assignment(ours, "sums", force=True, get_pool=AtOnce())
    nbgrader_grades(stock)
    return ours, stock


@pytest.mark.slow
@pytest.mark.parametrize("student", CLASS)
def test_a_first_grading_is_written_as_nbgrader_writes_it(
    firsts: tuple[Course, Course], student: str
) -> None:
    ours, stock = firsts

    assert of(student, ours) == of(student, stock)
    assert of(student, ours)["grade"]


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.parametrize("student", CLASS)
def test_a_later_grading_is_written_as_nbgrader_writes_it(
    seconds: tuple[Course, Course], student: str
) -> None:
    ours, stock = seconds

    assert of(student, ours) == of(student, stock)


@pytest.mark.thorough
@pytest.mark.slow
def test_nothing_else_in_the_gradebook_differs(
    firsts: tuple[Course, Course], seconds: tuple[Course, Course]
) -> None:
    for ours, stock in (firsts, seconds):
        assert tables(ours) == tables(stock)


@pytest.mark.slow
def test_the_class_has_every_kind_of_mark(firsts: tuple[Course, Course]) -> None:
    """What is compared above is worth comparing."""
    found = {student.student: student for student in marks_of_class(firsts[0], "sums")}
    parts = {
        student: mark.points
        for student, of_one in found.items()
        for mark in of_one.marks
        if (mark.notebook, mark.exercise) == ("sums", "1.1.4")
    }
    comments = {dict(row)["auto_comment"] for row in of("silent", firsts[0])["comment"]}
    waiting = {mark.exercise for mark in found["right"].waiting}

    assert (parts["right"], parts["half"], parts["untouched"]) == (2, 1, 0)
    assert (found["right"].won, found["one"].won, found["untouched"].won) == (14, 5, 0)
    assert waiting == {"1.1.3", "task_1_1_5"}
    assert comments == {None, "No response."}


@pytest.mark.slow
def test_what_a_person_gave_stays(seconds: tuple[Course, Course]) -> None:
    with by_hand(seconds[0], "corrected") as grade:
        found = grade("test_ex_1_1_1")
        assert (found.auto_score, found.manual_score, found.extra_credit) == (0, 1.5, 0.25)
        assert found.score == 1.75
        assert found.needs_manual_grade  # the answer is another: a person looks again
    with open_gradebook(seconds[0]) as gradebook:
        comment = gradebook.find_comment("ex_1_1_3", "sums", "sums", "silent")
        assert (comment.auto_comment, comment.manual_comment) == ("No response.", "Write to me.")
        assert gradebook.find_submission_notebook("sums", "sums", "generous").flagged


def due(course: Course) -> None:
    with open_gradebook(course) as gradebook:
        gradebook.update_or_create_assignment("sums", duedate=DUE)
        gradebook.update_or_create_student("extended")
        gradebook.update_or_create_submission("sums", "extended")
        gradebook.grant_extension("sums", "extended", days=3)


@pytest.mark.slow
@pytest.mark.parametrize("method", only(["a policy"], PENALTIES))
def test_penalties_for_lateness_are_those_of_nbgrader(method: str, tmp_path: Path) -> None:
    ours = a_course(tmp_path / "ours", settings=PENALTIES[method])
    due(ours)
    for student in ("late", "spared", "extended"):
        hand_in_at(ours, student, LATE)
    hand_in_at(ours, "wrong", LATE, ex_1_1_1="", ex_1_1_2="", ex_1_1_4="")
    hand_in_at(ours, "early", IN_TIME)
    hand_in(ours, "timeless", answered(ours))
    stock = copied(ours, tmp_path / "stock")

    grade_assignment(ours, "sums", get_pool=AtOnce())
    nbgrader_grades(stock)

    assert tables(ours) == tables(stock)
    expected = {"none": None, "zero": 7, "a policy": 1.5, "a plugin of one's own": 2.5}[method]
    assert penalty(ours, "late") == expected
    assert penalty(ours, "early") is None
    assert penalty(ours, "extended") is None


def penalty(course: Course, student: str) -> float | None:
    with open_gradebook(course) as gradebook:
        found: float | None = gradebook.find_submission_notebook(
            "sums", "sums", student
        ).late_submission_penalty
        return found


@pytest.mark.slow
def test_a_penalty_goes_when_the_submission_is_in_time_after_all(tmp_path: Path) -> None:
    ours = a_course(tmp_path / "ours", settings=PENALTIES["zero"])
    due(ours)
    hand_in_at(ours, "late", LATE)
    stock = copied(ours, tmp_path / "stock")
    for course in (ours, stock):
        grade = nbgrader_grades if course is stock else graded_unseen
        grade(course)
        with open_gradebook(course) as gradebook:
            gradebook.update_or_create_assignment("sums", duedate="2026-03-09 12:00:00 UTC")
        grade(course)

    assert penalty(ours, "late") is None
    assert penalty(stock, "late") is None


def graded_unseen(course: Course) -> None:
    grade_assignment(course, "sums", force=True, get_pool=AtOnce(marked_unseen))


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("method", PENALTIES)
def test_a_late_notebook_that_is_missing_is_written_as_nbgrader_writes_it(
    method: str, tmp_path: Path
) -> None:
    ours = a_course(tmp_path / "ours", notebooks=("sums", "second"), settings=PENALTIES[method])
    due(ours)
    hand_in_at(ours, "late", LATE)
    stock = copied(ours, tmp_path / "stock")

    grade_assignment(ours, "sums", get_pool=AtOnce())
    nbgrader_grades(stock)

    assert tables(ours) == tables(stock)


def test_an_error_in_the_middle_leaves_nothing_of_a_submission(tmp_path: Path) -> None:
    course = a_course(tmp_path / "course", settings=RAISES)
    hand_in(course, "ada", answered(course))
    due(course)
    graded_unseen(course)
    before = tables(course)
    outcomes = AtOnce(marked_unseen).outcomes
    hand_in_at(course, "ada", LATE)
    for student in ("ada", "new"):
        (outcome,) = next(outcomes([the_job(course, student)]))
        marked = MarkedSubmission(student, datetime(2026, 3, 3), outcome.results)

        with closing(writer.Writer(course, "sums")) as one:
            assert [*one.save([marked])] == [student]

        assert tables(course) == before


def the_job(course: Course, student: str) -> Job:
    terms = GradingConditions(versions(course, "sums"), Limits(), False, course.plug)
    content = source.notebook_text(answered(course, **WRONG)).encode()
    return Job(student, SubmissionFiles({"sums": content}), (), terms)


def test_after_an_error_the_same_writer_writes_on(tmp_path: Path) -> None:
    course = a_course(tmp_path / "course", settings=RAISES)
    due(course)
    with closing(writer.Writer(course, "sums")) as one:
        for student, day in (("late", 3), ("early", 1)):
            results = marked_unseen(the_job(course, student)).results
            one.save([MarkedSubmission(student, datetime(2026, 3, day), results)])

    assert [student.student for student in marks_of_class(course, "sums") if student.won] == [
        "early"
    ]


def test_a_plugin_that_fails_costs_only_the_late_their_marks(tmp_path: Path) -> None:
    course = a_course(tmp_path / "course", settings=RAISES)
    due(course)
    hand_in_at(course, "early", IN_TIME)
    hand_in_at(course, "late", LATE)
    hand_in_at(course, "more", IN_TIME)

    rows = {
        row.student: row for row in grade_assignment(course, "sums", get_pool=AtOnce(marked_unseen))
    }

    assert {student: row.status for student, row in rows.items()} == {
        "early": Status.GRADED,
        "extended": Status.NOT_HANDED_IN,
        "late": Status.FAILED,
        "more": Status.GRADED,
    }
    assert "a penalty per no day" in rows["late"].remarks[0]


@contextmanager
def locked(course: Course, how: str = "EXCLUSIVE") -> Iterator[None]:
    """Hold a course's gradebook as another program does that writes to it."""
    with closing(sqlite3.connect(course.root / "gradebook.db", isolation_level=None)) as other:
        other.execute(f"BEGIN {how}")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("how", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_locked_gradebook_costs_a_sentence_and_the_next_run_completes(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "WRITE_PATIENCE", 50)
    course = a_course(tmp_path / "course")
    students = ("ada", "bob", "cyd")
    for student in students:
        hand_in(course, student, answered(course))

    class Locks(AtOnce):
        """The second outcome comes while the gradebook is locked."""

        def outcomes(self, jobs: Iterable[Job]) -> Iterator[list[JobOutcome]]:
            for (outcome,) in super().outcomes(jobs):
                with locked(course, how) if outcome.student == "bob" else nullcontext():
                    yield [outcome]

    first = grade_assignment(course, "sums", get_pool=Locks(marked_unseen))
    entries = [row.student for row in first if row.status is Status.GRADED]
    again = AtOnce(marked_unseen)
    second = grade_assignment(course, "sums", get_pool=again)

    assert entries == ["ada", "cyd"]
    (sentence,) = first[1].remarks
    assert "locked by another program" in sentence
    assert again.graded == ["bob"]
    assert {row.student: row.score for row in second} == dict.fromkeys(students, 7)
    assert {row.status for row in second} == {Status.GRADED}


def test_a_gradebook_that_is_locked_from_the_start_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "WRITE_PATIENCE", 50)
    monkeypatch.setattr(gradebook_file, "LOCK_PATIENCE", 0.05)
    course = a_course(tmp_path / "course")
    hand_in(course, "ada", answered(course))

    with locked(course), pytest.raises(CourseError, match="locked by another program"):
        grade_assignment(course, "sums", get_pool=AtOnce(marked_unseen))
