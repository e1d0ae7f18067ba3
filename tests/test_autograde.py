"""A class is graded whatever is in it: one row a student, and every other mark in place."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
from pathlib import Path

import pytest
from classroom import SCENARIOS, answered, hand_in, hand_in_scenario, released_course

from course_utils.autograde import batch, kernels
from course_utils.autograde.batch import Row, Status, autograde
from course_utils.autograde.course import Course
from course_utils.autograde.feedback import feedback
from course_utils.autograde.gradebook import exercise_number, marks, opened, withdraw
from course_utils.exceptions import CourseError
from course_utils.instructor import source

WRONG_TOTAL = "def total(numbers):\n    return 0"
ENDS_ITSELF = "import os\n\nos._exit(1)"
ODD_IDS = (
    *(" ahead", "behind ", "a b", "é", "a+b", "a..b", "-x", "a*", "a?", "a[", "{a}", "%s"),
    *("~", "$HOME", "a\\b", "a'\"b", "a\tb\x1b[2J", "a[bold", "<b>", "学生"),
)


@pytest.fixture(scope="module")
def new_course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return released_course(tmp_path_factory.mktemp("new") / "course")


@pytest.fixture
def course(new_course: Course, tmp_path: Path) -> Course:
    shutil.copytree(new_course.root, tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture
def pair(tmp_path: Path) -> Course:
    """Return a course whose assignment has two notebooks."""
    return released_course(tmp_path / "course", notebooks=("first", "sums"))


@pytest.fixture(scope="module")
def all_scenarios(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    course = released_course(tmp_path_factory.mktemp("class") / "course")
    hand_in(course, "honest", answered(course))
    for scenario in SCENARIOS:
        hand_in_scenario(course, scenario)
    return {row.student: row for row in autograde(course, "sums")}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_bad_input_is_one_readable_row(all_scenarios: dict[str, Row], scenario: str) -> None:
    expected, row = SCENARIOS[scenario], all_scenarios[scenario]

    assert row.status == expected["status"]
    assert row.score == expected["score"]
    assert expected["remark"] in " ".join(row.remarks)
    assert row.max_score == 7


@pytest.mark.slow
def test_an_honest_submission_among_bad_ones_gets_all_its_marks(
    all_scenarios: dict[str, Row],
) -> None:
    row = all_scenarios["honest"]

    assert row.status is Status.GRADED
    assert [mark.points for mark in row.exercises] == [2, 3, 0]
    assert row.waiting == ("1.1.3",)
    assert row.remarks == ()


@pytest.mark.slow
def test_odd_ids_are_graded_and_get_feedback_under_exactly_that_id(course: Course) -> None:
    for student in ODD_IDS:
        hand_in(course, student, answered(course, ex_1_1_1=WRONG_TOTAL))

    rows = autograde(course, "sums")
    written = feedback(course, "sums")

    assert {row.student: row.score for row in rows} == dict.fromkeys(ODD_IDS, 3)
    assert {by.student for by in marks(course, "sums")} == set(ODD_IDS)
    assert {row.student for row in written if len(row.pages) == 1} == set(ODD_IDS)


@pytest.mark.slow
def test_marks_are_those_of_nbgraders_own_command(course: Course, tmp_path: Path) -> None:
    hand_in(course, "all", answered(course))
    hand_in(course, "some", answered(course, ex_1_1_1=WRONG_TOTAL, ex_1_1_3="Never."))
    shutil.copytree(course.root / "release" / "sums", course.root / "submitted" / "none" / "sums")
    shutil.copytree(course.root, tmp_path / "stock")
    stock = Course(tmp_path / "stock")

    autograde(course, "sums")
    result = stock.api().autograde("sums", "*")

    assert result["success"]
    assert marks(course, "sums") == marks(stock, "sums")
    assert [by.score for by in marks(course, "sums")] == [5, 0, 3]


@pytest.mark.slow
def test_a_students_tag_keeps_no_test_from_running_under_nbgraders_own_command(
    course: Course,
) -> None:
    hand_in_scenario(course, "skipped_tests")

    result = course.api().autograde("sums", "skipped_tests")

    assert result["success"]
    assert [by.score for by in marks(course, "sums")] == [3]


@pytest.mark.slow
def test_files_that_an_answer_writes_are_not_kept(course: Course) -> None:
    writes = "for name in ('more.ipynb', 'x.csv'):\n    open(name, 'w').close()"
    folder = hand_in(course, "ada", answered(course, ex_1_1_1=writes))
    (folder / "timestamp.txt").write_text("2026-03-01 00:00:00 UTC")

    autograde(course, "sums")

    graded = (course.root / "autograded" / "ada" / "sums").iterdir()
    assert {path.name for path in graded} == {"sums.ipynb", "timestamp.txt"}


@pytest.mark.slow
def test_cells_for_display_are_not_run(course: Course) -> None:
    hand_in(course, "ada", answered(course))

    autograde(course, "sums")

    graded = source.read(course.root / "autograded" / "ada" / "sums" / "sums.ipynb")
    ran = {cell.id: cell.execution_count is not None for cell in graded.cells if "outputs" in cell}
    assert ran["test_ex_1_1_1"]
    assert not ran["bars"]


@pytest.mark.slow
def test_nothing_of_the_grading_reaches_the_terminal(
    course: Course, capfd: pytest.CaptureFixture[str]
) -> None:
    loud = "import os, sys\n\nos.write(2, b'noise')\nprint('noise', file=sys.__stderr__)"
    hand_in(course, "ada", answered(course, ex_1_1_1=loud))

    autograde(course, "sums")

    assert capfd.readouterr() == ("", "")
    assert "Autograding" in (course.root / batch.LOG_NAME).read_text(encoding="utf-8")


@pytest.mark.slow
def test_an_unreadable_notebook_of_two_costs_only_its_own_marks(pair: Course) -> None:
    hand_in(pair, "ada", answered(pair))
    hand_in(pair, "ada", b"", name="first.ipynb")

    (row,) = autograde(pair, "sums")

    assert row.status is Status.NEEDS_A_PERSON
    assert row.score == 5
    assert row.max_score == 14
    assert row.remarks[0] == "'first.ipynb' is empty. Ask for the file again."


@pytest.mark.slow
def test_a_missing_notebook_of_two_gets_0_and_needs_nobody(pair: Course) -> None:
    hand_in(pair, "ada", answered(pair))

    (row,) = autograde(pair, "sums")

    assert row.status is Status.GRADED
    assert row.score == 5
    assert {mark.notebook for mark in row.exercises if mark.waiting} == {"sums"}
    assert row.remarks == ("'first.ipynb' is missing: its exercises get 0.",)


@pytest.mark.slow
def test_a_dead_kernel_in_one_notebook_leaves_the_other_its_marks(pair: Course) -> None:
    hand_in(pair, "ada", answered(pair))
    hand_in(pair, "ada", answered(pair), name="first.ipynb")
    autograde(pair, "sums")
    hand_in(pair, "ada", answered(pair, ex_1_1_1=ENDS_ITSELF), name="first.ipynb")

    (row,) = autograde(pair, "sums", force=True)

    assert row.status is Status.GRADED
    assert row.score == 8
    assert "The cell of 1.1.1 did not end and was left out: the kernel died" in row.remarks[0]


@pytest.mark.slow
def test_a_kernel_that_does_not_start_costs_no_marks(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(course, "ada", answered(course))
    autograde(course, "sums")
    broken = kernels._spec([sys.executable, "-c", "raise SystemExit(1)"], "local-provisioner")
    monkeypatch.setattr(kernels, "_spec", lambda *_: broken)

    (row,) = autograde(course, "sums", force=True)
    (by,) = marks(course, "sums")

    assert row.status is Status.FAILED
    assert "A kernel for grading did not start" in row.remarks[0]
    assert all(mark.waiting for mark in by.exercises)


@pytest.mark.slow
def test_a_mark_that_a_person_gave_outlives_a_regrade(course: Course) -> None:
    hand_in(course, "ada", answered(course))
    autograde(course, "sums")
    with opened(course) as gradebook:
        gradebook.find_grade("ex_1_1_3", "sums", "sums", "ada").manual_score = 1.5
        gradebook.db.commit()

    (row,) = autograde(course, "sums", force=True)
    (by,) = marks(course, "sums")

    assert row.graded_now
    assert row.score == 6.5
    assert (by.auto, by.manual) == (5, 1.5)


@pytest.mark.slow
def test_a_server_with_a_running_event_loop_grades_too(course: Course) -> None:
    hand_in(course, "ada", answered(course))

    async def as_the_formgrader_does() -> bool:
        return bool(course.api().autograde("sums", "ada")["success"])

    assert asyncio.run(as_the_formgrader_does())
    assert [by.score for by in marks(course, "sums")] == [5]


@pytest.mark.slow
def test_a_test_that_is_at_fault_takes_no_marks_and_asks_for_a_person(tmp_path: Path) -> None:
    course = released_course(tmp_path / "course")
    path = course.root / "source" / "sums" / "sums.ipynb"
    notebook = source.read(path)
    source.by_grade_id(notebook)["test_ex_1_1_1"].source += "\n7 * total([1])"
    path.write_text(source.written(notebook), encoding="utf-8")
    assert course.api().generate_assignment("sums", force=True)["success"]
    hand_in(course, "ada", answered(course))

    (row,) = autograde(course, "sums")
    (by,) = marks(course, "sums")

    assert row.status is Status.NEEDS_A_PERSON
    assert row.remarks == (
        "The course's test of 1.1.1 is at fault, a person has to mark it: "
        "it gives a mark that is not from 0 to 2.",
    )
    assert [(mark.points, mark.waiting) for mark in by.exercises] == [
        (0, True),
        (3, False),
        (0, True),
    ]


class Engine:
    """Stands for nbgrader: records what it is asked to grade, and writes the notebook."""

    def __init__(self) -> None:
        self.graded: list[str] = []
        self.fails: dict[str, BaseException] = {}

    def __call__(self, course: Course, assignment: str, notebook: str, folder: Path) -> None:
        (student,) = (path.name for path in (folder / "submitted").iterdir())
        self.graded.append(student)
        done = folder / "autograded" / student / assignment
        shutil.copytree(folder / "submitted" / student / assignment, done)
        if student in self.fails:
            raise self.fails[student]
        with opened(course) as gradebook:
            gradebook.update_or_create_student(student)
            gradebook.update_or_create_submission(assignment, student)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setattr(batch, "_run", engine)
    return engine


def hand_in_by(course: Course, *students: str) -> None:
    for student in students:
        hand_in(course, student, answered(course))


def test_what_is_graded_is_not_graded_again_and_still_has_its_row(
    course: Course, engine: Engine
) -> None:
    hand_in_by(course, "ada", "bob")
    first = autograde(course, "sums")

    second = autograde(course, "sums")

    assert engine.graded == ["ada", "bob"]
    assert [row.student for row in second] == ["ada", "bob"]
    assert [row.graded_now for row in (*first, *second)] == [True, True, False, False]


def test_force_grades_again(course: Course, engine: Engine) -> None:
    hand_in_by(course, "ada")

    autograde(course, "sums")
    autograde(course, "sums", force=True)

    assert engine.graded == ["ada", "ada"]


@pytest.mark.parametrize(("later", "times"), [("2026-03-01", 1), ("2026-03-02", 2)])
def test_a_later_time_stamp_alone_grades_again(
    course: Course, engine: Engine, later: str, times: int
) -> None:
    hand_in_by(course, "ada")
    stamp = course.root / "submitted" / "ada" / "sums" / "timestamp.txt"
    stamp.write_text("2026-03-01 00:00:00 UTC")
    autograde(course, "sums")
    os.utime(stamp.with_name("sums.ipynb"), (2**32, 2**32))

    stamp.write_text(f"{later} 00:00:00 UTC")
    autograde(course, "sums")

    assert len(engine.graded) == times


def test_a_newer_file_grades_again_where_there_are_no_time_stamps(
    course: Course, engine: Engine
) -> None:
    hand_in_by(course, "ada")
    autograde(course, "sums")

    os.utime(course.root / "submitted" / "ada" / "sums" / "sums.ipynb", (2**32, 2**32))
    autograde(course, "sums")

    assert engine.graded == ["ada", "ada"]


def test_whatever_the_engine_raises_is_a_row_and_the_batch_goes_on(
    course: Course, engine: Engine
) -> None:
    hand_in_by(course, "ada", "bob", "eve")
    engine.fails["bob"] = RuntimeError("the \x1b[2Jroof is on fire")

    ada, bob, eve = autograde(course, "sums")

    assert ada.status is eve.status is Status.GRADED
    assert bob.status is Status.FAILED
    assert "RuntimeError: the \\x1b[2Jroof is on fire; see .nbgrader.log." in bob.remarks[0]


def test_a_failed_submission_is_tried_again(course: Course, engine: Engine) -> None:
    hand_in_by(course, "ada")
    engine.fails["ada"] = RuntimeError()
    autograde(course, "sums")

    engine.fails.clear()
    (row,) = autograde(course, "sums")

    assert row.status is Status.GRADED


def test_an_interruption_keeps_what_is_graded_and_leaves_nothing_half_done(
    course: Course, engine: Engine
) -> None:
    hand_in_by(course, "ada", "bob", "eve")
    engine.fails["bob"] = KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt):
        autograde(course, "sums")

    assert [path.name for path in (course.root / "autograded").rglob("*.ipynb")] == ["sums.ipynb"]
    assert (course.root / "autograded" / "ada" / "sums" / "sums.ipynb").exists()
    engine.fails.clear()
    rows = autograde(course, "sums")
    assert [row.graded_now for row in rows] == [False, True, True]


def test_an_interruption_that_nbgrader_swallows_is_still_one() -> None:
    result = {"success": False, "error": "Traceback …\n\nKeyboardInterrupt\n"}

    with pytest.raises(KeyboardInterrupt):
        batch.failure(result)


def test_an_earlier_mark_in_the_gradebook_is_not_taken_for_this_submissions(
    course: Course, engine: Engine
) -> None:
    hand_in_by(course, "ada")
    autograde(course, "sums")
    with opened(course) as gradebook:
        gradebook.find_grade("test_ex_1_1_1", "sums", "sums", "ada").auto_score = 2
        gradebook.db.commit()

    hand_in(course, "ada", b"")
    (row,) = autograde(course, "sums")

    assert row.status is Status.FAILED
    assert row.score is None
    assert row.remarks[-1] == "The gradebook still has the marks of an earlier submission."


def test_only_the_students_that_were_asked_for_are_graded(course: Course, engine: Engine) -> None:
    hand_in_by(course, "ada", "bob")

    rows = autograde(course, "sums", students=["bob"])

    assert engine.graded == ["bob"]
    assert [row.student for row in rows] == ["bob"]


def test_a_student_without_a_folder_is_named(course: Course) -> None:
    hand_in_by(course, "ada")

    with pytest.raises(CourseError, match="for bob, eve"):
        autograde(course, "sums", students=["eve", "bob", "ada"])


def test_progress_is_told_before_each_student(course: Course, engine: Engine) -> None:
    hand_in_by(course, "ada", "bob")
    told: list[tuple[int, int, str]] = []

    autograde(course, "sums", progress=lambda *state: told.append(state))

    assert told == [(0, 2, "ada"), (1, 2, "bob")]


def test_logging_is_as_before_afterwards(course: Course, engine: Engine) -> None:
    hand_in_by(course, "ada")
    before = (logging.getLogger().level, list(logging.getLogger().handlers))

    autograde(course, "sums")

    assert (logging.getLogger().level, list(logging.getLogger().handlers)) == before


def test_exercises_are_sorted_by_number_not_by_letter(course: Course) -> None:
    names = ("test_ex_1_10_1", "test_ex_1_9_1", "ex_1_9_2", "test_ex_2_6b", "test_ex_2_6a")
    with opened(course) as gradebook:
        gradebook.add_assignment("other")
        gradebook.add_notebook("other", "other")
        for name in names:
            gradebook.add_grade_cell(name, "other", "other", max_score=1, cell_type="code")
        gradebook.add_student("ada")
        gradebook.add_submission("other", "ada")

    (by,) = marks(course, "other")

    numbers = [mark.exercise for mark in by.exercises]
    assert numbers == ["1.9.1", "1.9.2", "1.10.1", "2.6a", "2.6b"]
    assert by.needs_manual_grade
    assert by.max_score == 5


def test_an_id_of_another_form_is_its_own_number() -> None:
    assert exercise_number("task_1_1") == "task_1_1"


def test_withdrawing_a_submission_that_nobody_knows_changes_nothing(course: Course) -> None:
    withdraw(course, "sums", "nobody", "sums")

    assert marks(course, "sums") == []


def test_feedback_before_grading_says_what_to_do_first(course: Course) -> None:
    with pytest.raises(CourseError, match="course autograde sums"):
        feedback(course, "sums")


@pytest.mark.slow
def test_feedback_holds_pages_alone_and_a_student_without_marks_has_a_reason(
    course: Course,
) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "numbers.csv").write_text("1,2")
    autograde(course, "sums")

    ada, bob = feedback(course, "sums", students=["bob", "ada"])

    assert [path.name for path in (course.root / "feedback" / "ada" / "sums").iterdir()] == [
        "sums.html"
    ]
    assert ada.pages == (course.root / "feedback" / "ada" / "sums" / "sums.html",)
    assert (bob.pages, bob.remark) == ((), "Not graded yet, so there is none.")
