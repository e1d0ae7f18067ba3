"""A class is graded whatever is in it: one row a student, and every other mark in place."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from classroom import (
    SCENARIOS,
    AtOnce,
    Together,
    answered,
    hand_in,
    hand_in_scenario,
    marked_unseen,
    released_course,
)

from nbjudge.course import folders
from nbjudge.course.course import Course
from nbjudge.course.gradebook import MarksNotSaved, marks_of_class, open_gradebook
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.feedback.write import write_feedback
from nbjudge.grading import batch, graded
from nbjudge.grading.batch import Watcher, grade_assignment, lend_workers
from nbjudge.grading.jobs import Job, JobOutcome
from nbjudge.grading.rows import Row, Status
from nbjudge.grading.writer import Writer
from nbjudge.intake import data_files, submission
from nbjudge.judge.failures import NOT_RUN
from nbjudge.release import source
from nbjudge.sandbox import session
from nbjudge.sandbox.cold_kernels import ColdKernel

WRONG_TOTAL = "def total(numbers):\n    return 0"
ENDS_ITSELF = "import os\n\nos._exit(1)"
ODD_IDS = (
    *(" ahead", "behind ", "a b", "é", "a+b", "a..b", "-x", "a*", "a?", "a[", "{a}", "%s"),
    *("~", "$HOME", "a\\b", "a'\"b", "a\tb\x1b[2J", "a[bold", "<b>", "学生"),
)


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
    # By real workers: whatever comes has to travel there and back.
    return {row.student: row for row in grade_assignment(course, "sums")}


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

    rows = grade_assignment(course, "sums", get_pool=AtOnce())
    written = write_feedback(course, "sums")

    assert {row.student: row.score for row in rows} == dict.fromkeys(ODD_IDS, 3)
    assert {by.student for by in marks_of_class(course, "sums")} == set(ODD_IDS)
    assert {row.student for row in written if len(row.pages) == 1} == set(ODD_IDS)


@pytest.mark.slow
def test_marks_are_those_of_nbgraders_own_command(course: Course, tmp_path: Path) -> None:
    hand_in(course, "all", answered(course))
    hand_in(course, "some", answered(course, ex_1_1_1=WRONG_TOTAL, ex_1_1_3="Never."))
    shutil.copytree(course.root / "release" / "sums", course.root / "submitted" / "none" / "sums")
    shutil.copytree(course.root, tmp_path / "stock")
    stock = Course(tmp_path / "stock")

    grade_assignment(course, "sums", get_pool=AtOnce())
    result = stock.api().autograde("sums", "*")

    assert result["success"]
    assert marks_of_class(course, "sums") == marks_of_class(stock, "sums")
    assert [by.won for by in marks_of_class(course, "sums")] == [5, 0, 3]


@pytest.mark.slow
def test_a_hand_in_is_asked_the_same_by_nbgraders_own_command(
    course: Course, tmp_path: Path
) -> None:
    # What a kernel draws at random has the seed of what it is asked.
    draws = f"import random\nprint(random.random())\n{WRONG_TOTAL}"
    folder = hand_in(course, "ada", answered(course, ex_1_1_1=draws))
    (folder / "beside.csv").write_text("1,2\n", encoding="utf-8")
    (course.root / ".course_secret").write_text("autumn", encoding="utf-8")
    shutil.copytree(course.root, tmp_path / "stock")
    stock = Course(tmp_path / "stock")

    grade_assignment(course, "sums", get_pool=AtOnce())
    stock.api().autograde("sums", "ada")

    graded = (
        source.read_source(c.root / "autograded/ada/sums/sums.ipynb") for c in (course, stock)
    )
    drawn, again = (source.by_grade_id(each)["ex_1_1_1"].outputs[0].text for each in graded)
    assert drawn == again


@pytest.mark.slow
def test_nbgraders_own_command_takes_the_same_files_and_the_same_time(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "MAX_FILE_BYTES", 10)
    reads = (
        "import os\n\nassert sorted(os.listdir()) == ['given.csv', 'notes.csv']\n\n\n"
        "def total(numbers):\n    return sum(numbers)"
    )
    folder = hand_in(course, "ada", answered(course, ex_1_1_1=reads))
    (folder / "__pycache__").mkdir()
    for name in ("notes.csv", "__pycache__/notes.csv"):
        (folder / name).write_text("1")
    for name in ("big.csv", "given.csv"):
        (folder / name).write_bytes(bytes(11))
    (course.root / "release" / "sums" / "given.csv").write_text("2")
    (folder / "timestamp.txt").write_text("2026-03-02 10:30:00 PST")

    (row,) = grade_assignment(course, "sums", get_pool=AtOnce())
    result = course.api().autograde("sums", "ada", force=True)

    assert "one data file may have 0 MB: 'big.csv'" in row.remarks[-1]
    for told in ("one data file may have 0 MB: 'big.csv'", "holds no date that can be read in one"):
        assert told in result["log"]
    assert row.score == 5
    assert [by.won for by in marks_of_class(course, "sums")] == [5]
    with open_gradebook(course) as gradebook:
        assert gradebook.find_submission("sums", "ada").timestamp is None


@pytest.mark.slow
def test_a_students_tag_keeps_no_test_from_running_under_nbgraders_own_command(
    course: Course,
) -> None:
    hand_in_scenario(course, "skipped_tests")

    result = course.api().autograde("sums", "skipped_tests")

    assert result["success"]
    assert [by.won for by in marks_of_class(course, "sums")] == [3]


@pytest.mark.slow
def test_files_that_an_answer_writes_are_not_kept(course: Course) -> None:
    writes = "for name in ('more.ipynb', 'x.csv'):\n    open(name, 'w').close()"
    folder = hand_in(course, "ada", answered(course, ex_1_1_1=writes))
    (folder / "timestamp.txt").write_text("2026-03-01 00:00:00 UTC")

    grade_assignment(course, "sums", get_pool=AtOnce())

    graded = (course.root / "autograded" / "ada" / "sums").iterdir()
    assert {path.name for path in graded} == {"sums.ipynb", "timestamp.txt"}


@pytest.mark.parametrize(("secret", "kept"), [(b"0f3a", b"0f3a"), (b"x" * 5000, None)])
def test_the_secret_of_nbgraders_exchange_stays_with_the_notebooks(
    course: Course, secret: bytes, kept: bytes | None
) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "submission_secret.txt").write_bytes(secret)

    grade_assignment(course, "sums", get_pool=AtOnce(marked_unseen))

    path = course.root / "autograded" / "ada" / "sums" / "submission_secret.txt"
    assert (path.read_bytes() if path.exists() else None) == kept


@pytest.mark.slow
@pytest.mark.parametrize("run_all", [False, True])
def test_cells_for_display_are_run_only_when_asked_for(course: Course, run_all: bool) -> None:
    hand_in(course, "ada", answered(course))

    (row,) = grade_assignment(course, "sums", run_all=run_all, get_pool=AtOnce())

    graded = source.read_source(course.root / "autograded" / "ada" / "sums" / "sums.ipynb")
    cells = {cell.id: cell for cell in graded.cells}
    (output,) = cells["bars"].outputs
    assert row.score == 5
    assert cells["test_ex_1_1_1"].execution_count
    assert (output.get("text") or output.data["text/plain"]) == (
        "3 ###\n5 ##########\n" if run_all else NOT_RUN
    )


@pytest.mark.slow
def test_nothing_of_the_grading_reaches_the_terminal(
    course: Course, capfd: pytest.CaptureFixture[str]
) -> None:
    loud = "import os, sys\n\nos.write(2, b'noise')\nprint('noise', file=sys.__stderr__)"
    hand_in(course, "ada", answered(course, ex_1_1_1=loud))

    grade_assignment(course, "sums")

    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_an_unreadable_notebook_of_two_costs_only_its_own_marks(pair: Course) -> None:
    hand_in(pair, "ada", answered(pair))
    hand_in(pair, "ada", b"", name="first.ipynb")

    (row,) = grade_assignment(pair, "sums", get_pool=AtOnce())

    assert row.status is Status.NEEDS_A_PERSON
    assert row.score == 5
    assert row.max_score == 14
    assert row.remarks[0] == "'first.ipynb' is empty. Ask for the file again."


@pytest.mark.slow
def test_a_missing_notebook_of_two_gets_0_and_needs_nobody(pair: Course) -> None:
    hand_in(pair, "ada", answered(pair))

    (row,) = grade_assignment(pair, "sums", get_pool=AtOnce())

    assert row.status is Status.GRADED
    assert row.score == 5
    assert {mark.notebook for mark in row.exercises if mark.waiting} == {"sums"}
    assert row.remarks == ("'first.ipynb' is missing: its exercises get 0.",)


@pytest.mark.slow
def test_a_dead_kernel_in_one_notebook_leaves_the_other_its_marks(pair: Course) -> None:
    hand_in(pair, "ada", answered(pair))
    hand_in(pair, "ada", answered(pair), name="first.ipynb")
    grade_assignment(pair, "sums", get_pool=AtOnce())
    hand_in(pair, "ada", answered(pair, ex_1_1_1=ENDS_ITSELF), name="first.ipynb")

    (row,) = grade_assignment(pair, "sums", get_pool=AtOnce())

    assert row.status is Status.GRADED
    assert row.score == 8
    assert "The cell of 1.1.1 did not end and was left out: the kernel died" in row.remarks[0]


@pytest.mark.slow
def test_a_kernel_that_does_not_start_costs_no_marks(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(course, "ada", answered(course))
    grade_assignment(course, "sums", get_pool=AtOnce())
    broken = tmp_path / "start.py"
    broken.write_text("raise SystemExit(1)")
    for start in ("_warm", "_cold"):
        monkeypatch.setattr(session.Session, start, lambda *_: ColdKernel(broken, tmp_path, {}))

    (row,) = grade_assignment(course, "sums", force=True, get_pool=AtOnce())
    (by,) = marks_of_class(course, "sums")

    assert row.status is Status.FAILED
    assert "A kernel for grading did not start" in row.remarks[0]
    assert all(mark.waiting for mark in by.marks)


@pytest.mark.slow
def test_a_mark_that_a_person_gave_outlives_a_regrade(course: Course) -> None:
    hand_in(course, "ada", answered(course))
    grade_assignment(course, "sums", get_pool=AtOnce())
    with open_gradebook(course) as gradebook:
        gradebook.find_grade("ex_1_1_3", "sums", "sums", "ada").manual_score = 1.5
        gradebook.db.commit()

    (row,) = grade_assignment(course, "sums", force=True, get_pool=AtOnce())
    (by,) = marks_of_class(course, "sums")

    assert row.graded_now
    assert row.score == 6.5
    assert by.won == 6.5
    assert [(mark.auto, mark.manual) for mark in by.marks] == [(2, None), (3, None), (None, 1.5)]


@pytest.mark.slow
def test_a_server_with_a_running_event_loop_grades_too(course: Course) -> None:
    hand_in(course, "ada", answered(course))

    async def as_the_formgrader_does() -> bool:
        return bool(course.api().autograde("sums", "ada")["success"])

    assert asyncio.run(as_the_formgrader_does())
    assert [by.won for by in marks_of_class(course, "sums")] == [5]


@pytest.mark.slow
def test_a_test_that_is_at_fault_takes_no_marks_and_asks_for_a_person(tmp_path: Path) -> None:
    course = released_course(tmp_path / "course")
    path = course.root / "source" / "sums" / "sums.ipynb"
    notebook = source.read_source(path)
    source.by_grade_id(notebook)["test_ex_1_1_1"].source += "\n7 * total([1])"
    path.write_text(source.notebook_text(notebook), encoding="utf-8")
    assert course.api().generate_assignment("sums", force=True)["success"]
    hand_in(course, "ada", answered(course))

    (row,) = grade_assignment(course, "sums", get_pool=AtOnce())
    (by,) = marks_of_class(course, "sums")

    assert row.status is Status.NEEDS_A_PERSON
    assert row.remarks == (
        "The course's test of 1.1.1 is at fault, a person has to mark it: nbgrader finds no mark "
        "in it (partial credit cannot be greater than maximum points for cell).",
    )
    assert [(mark.points, mark.waiting) for mark in by.marks] == [
        (0, True),
        (3, False),
        (0, True),
    ]


# ---- The coordinator, with a crew that starts no kernel ------------------------------------------


@pytest.fixture
def crew() -> AtOnce:
    return AtOnce(marked_unseen)


def hand_in_by(course: Course, *students: str) -> None:
    for student in students:
        hand_in(course, student, answered(course))


def test_what_is_graded_is_not_graded_again_and_still_has_its_row(
    course: Course, crew: AtOnce
) -> None:
    hand_in_by(course, "ada", "bob")
    first = grade_assignment(course, "sums", get_pool=crew)

    second = grade_assignment(course, "sums", get_pool=crew)

    assert crew.graded == ["ada", "bob"]
    assert [row.student for row in second] == ["ada", "bob"]
    assert [row.graded_now for row in (*first, *second)] == [True, True, False, False]


def test_rows_are_sorted_whoever_is_graded_first(course: Course, crew: AtOnce) -> None:
    hand_in_by(course, "ada", "bob", "eve")
    done: list[Job] = []

    def outcomes(jobs: Any) -> Iterator[list[JobOutcome]]:
        done.extend(jobs)
        yield [*map(marked_unseen, reversed(done))]

    crew.outcomes = outcomes  # type: ignore[method-assign]
    rows = grade_assignment(course, "sums", get_pool=crew)

    assert [row.student for row in rows] == ["ada", "bob", "eve"]
    assert [row.score for row in rows] == [5, 5, 5]


def test_a_row_tells_the_marks_and_what_waits_for_a_person(course: Course, crew: AtOnce) -> None:
    hand_in_by(course, "ada")

    (row,) = grade_assignment(course, "sums", get_pool=crew)

    assert (row.student, row.assignment, row.status) == ("ada", "sums", Status.GRADED)
    assert (row.score, row.max_score) == (5, 7)
    assert [(mark.exercise, mark.points) for mark in row.exercises] == [
        ("1.1.1", 2),
        ("1.1.2", 3),
        ("1.1.3", 0),
    ]
    assert row.waiting == ("1.1.3",)


def test_remarks_put_first_what_a_person_has_to_look_at(course: Course, crew: AtOnce) -> None:
    def remarked(job: Job) -> JobOutcome:
        outcome = marked_unseen(job)
        result = dataclasses.replace(
            outcome.results["sums"],
            problems=("A problem.",),
            notes=("A note.",),
            remarks=("A remark.",),
        )
        return dataclasses.replace(outcome, results={"sums": result})

    folder = hand_in(course, "ada", answered(course))
    (folder / "math.py").touch()
    crew.does = remarked

    (row,) = grade_assignment(course, "sums", get_pool=crew)

    assert row.status is Status.NEEDS_A_PERSON
    assert row.remarks[:3] == ("A problem.", "A remark.", "A note.")
    assert "'math.py'" in row.remarks[3]
    (again,) = grade_assignment(course, "sums", get_pool=crew)
    assert again == dataclasses.replace(row, graded_now=False)


def test_a_student_who_handed_nothing_in_is_a_row_and_no_job(course: Course, crew: AtOnce) -> None:
    (course.root / "submitted" / "ada").mkdir(parents=True)

    (row,) = grade_assignment(course, "sums", get_pool=crew)

    assert row.status is Status.NOT_HANDED_IN
    assert (row.score, row.max_score, crew.graded) == (None, 7, [])
    assert marks_of_class(course, "sums") == []


def test_a_class_without_anything_to_grade_calls_nobody_in(course: Course) -> None:
    def nobody() -> NoReturn:
        raise AssertionError("nobody is needed")

    assert grade_assignment(course, "sums", get_pool=nobody) == []


def test_force_grades_again(course: Course, crew: AtOnce) -> None:
    hand_in_by(course, "ada")

    grade_assignment(course, "sums", get_pool=crew)
    grade_assignment(course, "sums", get_pool=crew, force=True)

    assert crew.graded == ["ada", "ada"]


def test_what_a_crew_gives_up_is_a_row_and_the_batch_goes_on(course: Course, crew: AtOnce) -> None:
    hand_in_by(course, "ada", "bob", "eve")

    def gives_up(job: Job) -> JobOutcome:
        if job.student == "bob":
            return JobOutcome("bob", failures={"": "The worker that graded it ended, 2 times."})
        return marked_unseen(job)

    crew.does = gives_up
    ada, bob, eve = grade_assignment(course, "sums", get_pool=crew)

    assert ada.status is eve.status is Status.GRADED
    assert bob.status is Status.FAILED
    assert bob.remarks == ("The worker that graded it ended, 2 times.",)


def test_a_submission_that_cannot_be_read_is_a_row_and_the_batch_goes_on(
    course: Course, crew: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in_by(course, "ada", "bob", "eve")
    grade_assignment(course, "sums", get_pool=crew, students=["eve"])
    os.utime(course.root / "submitted" / "eve" / "sums" / "sums.ipynb")

    def read(found: submission.Submission) -> submission.SubmissionFiles:
        if found.student in ("bob", "eve"):
            raise OSError(5, "Input/output error")
        return submission.read_submission(found)

    for module in (batch, graded):
        monkeypatch.setattr(module, "read_submission", read)
    ada, bob, eve = grade_assignment(course, "sums", get_pool=crew)

    assert ada.status is Status.GRADED
    for row in (bob, eve):
        assert "The disk failed" in row.remarks[0]
    assert bob.status is Status.FAILED


@pytest.mark.parametrize("crew", [AtOnce(marked_unseen), Together(marked_unseen)], ids=type)
@pytest.mark.parametrize(
    ("step", "error", "why"),
    [
        (
            (Writer, "_save"),
            MarksNotSaved("The gradebook is locked."),
            "were not saved. The gradebook is locked.",
        ),
        (
            (batch._Run, "_write"),
            OSError(28, "No space left on device"),
            "There is no space left.",
        ),
    ],
)
def test_what_cannot_be_saved_is_a_row_the_others_are_and_the_next_run_saves_it(
    course: Course,
    crew: AtOnce,
    monkeypatch: pytest.MonkeyPatch,
    step: tuple[type, str],
    error: Exception,
    why: str,
) -> None:
    hand_in_by(course, "ada", "bob", "eve")
    original = getattr(*step)

    def cannot(self: Any, given: Any, *more: Any) -> Any:
        theirs = given if isinstance(given, list) else [given]
        if "bob" in [each.student for each in theirs]:
            raise error
        return original(self, given, *more)

    crew.graded.clear()
    with monkeypatch.context() as patch:
        patch.setattr(*step, cannot)
        ada, bob, eve = grade_assignment(course, "sums", get_pool=crew)

    assert ada.status is eve.status is Status.GRADED
    assert bob.status is Status.FAILED
    assert why in bob.remarks[0]
    crew.graded.clear()
    rows = grade_assignment(course, "sums", get_pool=crew)
    assert crew.graded == ["bob"]
    assert [row.status for row in rows] == [Status.GRADED] * 3


def test_a_disk_that_is_full_at_the_very_end_loses_nothing(
    course: Course, crew: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in_by(course, "ada", "bob")

    def full(*_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(graded.GradedIndex, "enter", full)
        rows = grade_assignment(course, "sums", get_pool=crew)

    assert all("There is no space left" in row.remarks[0] for row in rows)
    assert [by.won for by in marks_of_class(course, "sums")] == [5, 5]
    crew.graded.clear()
    assert [row.status for row in grade_assignment(course, "sums", get_pool=crew)] == [
        Status.GRADED
    ] * 2
    assert crew.graded == ["ada", "bob"]


def test_a_file_where_graded_notebooks_belong_is_a_row_and_the_batch_goes_on(
    course: Course, crew: AtOnce
) -> None:
    hand_in_by(course, "ada", "bob")
    (course.root / "autograded").mkdir()
    (course.root / "autograded" / "ada").touch()

    ada, bob = grade_assignment(course, "sums", get_pool=crew)

    assert ada.status is Status.FAILED
    assert "autograded/ada" in ada.remarks[0]
    assert (ada.is_unfinished, bob.is_unfinished) == (True, False)
    assert bob.status is Status.GRADED


def test_whatever_lies_in_submitted_is_a_row_each_and_everybody_else_is_graded(
    course: Course, crew: AtOnce, tmp_path: Path
) -> None:
    hand_in_by(course, "ada", "zoe")
    submitted = course.root / "submitted"
    elsewhere = hand_in(course, "linked", answered(course)).rename(tmp_path / "sums")
    (submitted / "linked" / "sums").symlink_to(elsewhere)
    (submitted / "loop").symlink_to(submitted / "loop")
    (submitted / "up").mkdir()
    (submitted / "up" / "sums").symlink_to(submitted)
    (submitted / "file").touch()
    huge = hand_in(course, "huge", b"")
    os.truncate(huge / "sums.ipynb", 10 * 2**30)
    data = hand_in(course, "data", answered(course))
    for name in ("measured.csv", "odd\n[bold]\x1b[2J.csv"):
        with (data / name).open("wb") as file:
            file.truncate(10 * 2**30)
    hand_in(course, "odd\x1b[2J", answered(course))

    rows = {row.student: row for row in grade_assignment(course, "sums", get_pool=crew)}

    graded = {"ada", "data", "odd\x1b[2J", "zoe"}
    assert {name for name, row in rows.items() if row.status is Status.GRADED} == graded
    assert all(rows[name].score == 5 for name in graded)
    assert {row.status for name, row in rows.items() if name not in graded} == {Status.FAILED}
    for name in ("linked", "loop", "up"):
        assert "is a symbolic link, which is never followed" in rows[name].remarks[0]
    assert "is a file, and a folder was expected" in rows["file"].remarks[0]
    assert "is larger than 50 MB" in rows["huge"].remarks[0]
    assert "'measured.csv'" in rows["data"].remarks[0]
    told = "".join(remark for row in rows.values() for remark in row.remarks)
    assert told.isprintable()


def test_what_could_not_be_saved_keeps_the_marks_and_the_notebook_of_before(
    course: Course, crew: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in_by(course, "ada")
    grade_assignment(course, "sums", get_pool=crew)
    path = course.root / "autograded" / "ada" / "sums" / "sums.ipynb"
    before = path.read_bytes()

    def cannot(*_: object) -> NoReturn:
        raise MarksNotSaved("The gradebook is locked.")

    monkeypatch.setattr(Writer, "_save", cannot)
    (row,) = grade_assignment(course, "sums", get_pool=crew, force=True)

    assert row.status is Status.NEEDS_A_PERSON
    assert row.score == 5
    assert "The gradebook is locked." in row.remarks[0]
    assert path.read_bytes() == before


def test_an_interruption_keeps_what_is_graded_and_leaves_nothing_half_done(
    course: Course, crew: AtOnce
) -> None:
    hand_in_by(course, "ada", "bob", "eve")

    def interrupted(job: Job) -> JobOutcome:
        if job.student == "bob":
            raise KeyboardInterrupt
        return marked_unseen(job)

    crew.does = interrupted
    with pytest.raises(KeyboardInterrupt):
        grade_assignment(course, "sums", get_pool=crew)

    graded = course.root / "autograded"
    assert [path.relative_to(graded).as_posix() for path in sorted(graded.rglob("*"))] == [
        *(".graded.db", "ada", "ada/.sums.answers.json", "ada/sums", "ada/sums/sums.ipynb")
    ]
    crew.does = marked_unseen
    rows = grade_assignment(course, "sums", get_pool=crew)
    assert [row.graded_now for row in rows] == [False, True, True]


def test_workers_that_cannot_be_used_end_the_run_and_keep_what_is_graded(
    course: Course, crew: AtOnce
) -> None:
    hand_in_by(course, "ada", "bob")

    def other(job: Job) -> JobOutcome:
        if job.student == "bob":
            raise CourseError("A worker has another version.")
        return marked_unseen(job)

    crew.does = other
    with pytest.raises(CourseError, match="another version"):
        grade_assignment(course, "sums", get_pool=crew)

    assert [by.student for by in marks_of_class(course, "sums")] == ["ada"]


def test_an_earlier_mark_in_the_gradebook_is_not_taken_for_this_submissions(
    course: Course, crew: AtOnce
) -> None:
    folder = hand_in(course, "ada", answered(course))
    grade_assignment(course, "sums", get_pool=crew)

    (folder / "sums.ipynb").rename(folder / "Sums.ipynb")
    (row,) = grade_assignment(course, "sums", get_pool=crew)

    assert row.status is Status.FAILED
    assert row.score is None
    assert row.remarks[-1] == "The gradebook still has the marks of an earlier submission."


def test_an_unreadable_notebook_takes_the_automatic_marks_of_an_earlier_one_and_no_others(
    course: Course, crew: AtOnce
) -> None:
    hand_in_by(course, "ada")
    grade_assignment(course, "sums", get_pool=crew)
    with open_gradebook(course) as gradebook:
        gradebook.find_grade("ex_1_1_3", "sums", "sums", "ada").manual_score = 1.5
        gradebook.db.commit()

    hand_in(course, "ada", b"")
    (row,) = grade_assignment(course, "sums", get_pool=crew)
    (by,) = marks_of_class(course, "sums")

    assert row.status is Status.FAILED
    assert row.score is None
    assert by.won == sum(mark.manual or 0 for mark in by.marks) == 1.5
    assert all(mark.waiting for mark in by.marks)
    assert not (course.root / "autograded" / "ada" / "sums").exists()


def test_only_the_students_that_were_asked_for_are_graded(course: Course, crew: AtOnce) -> None:
    hand_in_by(course, "ada", "bob")

    rows = grade_assignment(course, "sums", students=["bob"], get_pool=crew)

    assert crew.graded == ["bob"]
    assert [row.student for row in rows] == ["bob"]


def test_a_student_without_a_folder_is_named(course: Course) -> None:
    hand_in_by(course, "ada")

    with pytest.raises(CourseError, match="for bob, eve"):
        grade_assignment(course, "sums", students=["eve", "bob", "ada"])


def test_submissions_are_read_when_they_are_needed_and_not_kept(
    course: Course, crew: AtOnce
) -> None:
    hand_in_by(course, "ada", "bob")

    def last_minute(job: Job) -> JobOutcome:
        if job.student == "ada":
            hand_in(course, "bob", b"")
        return marked_unseen(job)

    crew.does = last_minute
    _, bob = grade_assignment(course, "sums", get_pool=crew)

    assert bob.remarks == ("'sums.ipynb' is empty. Ask for the file again.",)


def test_a_submission_that_changes_while_it_is_graded_is_graded_again_by_the_next_run(
    course: Course, crew: AtOnce
) -> None:
    hand_in_by(course, "ada")

    def too_late(job: Job) -> JobOutcome:
        hand_in(course, "ada", b"")
        return marked_unseen(job)

    crew.does = too_late
    grade_assignment(course, "sums", get_pool=crew)
    crew.does = marked_unseen
    (row,) = grade_assignment(course, "sums", get_pool=crew)

    assert crew.graded == ["ada", "ada"]
    assert row.status is Status.FAILED


# ---- Who is told, and where what is printed goes -------------------------------------------------


class Told(Watcher):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def on_plan(self, students: int, to_grade: int) -> None:
        self.heard.append(("planned", students, to_grade))

    def on_workers(self, workers: int) -> None:
        self.heard.append(("gathered", workers))

    def on_graded(self, student: str, points: float | None, failed: bool) -> None:
        self.heard.append((student, points, failed))


def test_a_watcher_hears_how_it_goes(course: Course, crew: AtOnce) -> None:
    hand_in_by(course, "ada")
    grade_assignment(course, "sums", get_pool=crew)
    hand_in_by(course, "bob")
    hand_in(course, "eve", b"")
    (course.root / "submitted" / "zoe").mkdir()
    watcher = Told()

    grade_assignment(course, "sums", get_pool=crew, watcher=watcher)

    assert watcher.heard == [
        ("planned", 4, 2),
        ("gathered", 1),
        ("bob", 5, False),
        ("eve", None, True),
    ]


def test_a_watcher_of_an_unchanged_class_hears_that_there_is_nothing_to_do(
    course: Course, crew: AtOnce
) -> None:
    hand_in_by(course, "ada")
    grade_assignment(course, "sums", get_pool=crew)
    watcher = Told()

    grade_assignment(course, "sums", get_pool=crew, watcher=watcher)

    assert watcher.heard == [("planned", 1, 0)]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int | None, str | None]]:
    """Have nobody started, and return what was asked for each time somebody would be."""
    asked = []

    @contextmanager
    def crew(plug: Plug, workers: int | None, scheduler: str | None) -> Iterator[AtOnce]:
        asked.append((workers, scheduler))
        yield AtOnce(marked_unseen)

    monkeypatch.setattr(batch, "worker_pool", crew)
    return asked


def test_workers_are_started_once_for_several_assignments_and_only_if_they_are_needed(
    course: Course, started: list[Any]
) -> None:
    hand_in_by(course, "ada", "bob")

    with lend_workers(course, workers=3) as get_pool:
        grade_assignment(course, "sums", students=["ada"], get_pool=get_pool)
        grade_assignment(course, "sums", students=["bob"], get_pool=get_pool)
    with lend_workers(course, workers=3) as get_pool:
        grade_assignment(course, "sums", get_pool=get_pool)

    assert started == [(3, None)]


def test_a_scheduler_is_asked_for_by_its_address(course: Course, started: list[Any]) -> None:
    with lend_workers(course, scheduler="tcp://10.0.0.1:8786") as get_pool:
        get_pool()

    assert started == [(None, "tcp://10.0.0.1:8786")]


def test_logging_is_as_before_afterwards(course: Course, started: list[Any]) -> None:
    hand_in_by(course, "ada")
    before = (logging.getLogger().level, list(logging.getLogger().handlers))

    grade_assignment(course, "sums")

    assert started == [(None, None)]
    assert (logging.getLogger().level, list(logging.getLogger().handlers)) == before


def test_while_workers_run_whatever_is_printed_goes_to_the_log(
    course: Course, started: list[Any], capfd: pytest.CaptureFixture[str]
) -> None:
    with lend_workers(course) as get_pool:
        get_pool()
        os.write(1, b"by a worker\n")
        subprocess.run([sys.executable, "-c", "print('by a kernel')"], check=True)
        logging.getLogger("distributed").warning("by a library")
    os.write(1, b"and afterwards\n")

    assert capfd.readouterr() == ("and afterwards\n", "")
    log = (course.root / folders.LOG_NAME).read_text(encoding="utf-8")
    assert all(f"by a {who}" in log for who in ("worker", "kernel", "library"))


# ---- Marks, and feedback -------------------------------------------------------------------------


def test_exercises_are_sorted_by_number_not_by_letter(course: Course) -> None:
    names = ("test_ex_1_10_1", "test_ex_1_9_1", "ex_1_9_2", "test_ex_2_6b", "test_ex_2_6a")
    with open_gradebook(course) as gradebook:
        gradebook.add_assignment("other")
        gradebook.add_notebook("other", "other")
        for name in names:
            gradebook.add_grade_cell(name, "other", "other", max_score=1, cell_type="code")
        gradebook.add_student("ada")
        gradebook.add_submission("other", "ada")

    (by,) = marks_of_class(course, "other")

    numbers = [mark.exercise for mark in by.marks]
    assert numbers == ["1.9.1", "1.9.2", "1.10.1", "2.6a", "2.6b"]
    assert by.waiting
    assert by.max_points == 5


def test_feedback_before_grading_says_what_to_do_first(course: Course) -> None:
    with pytest.raises(CourseError, match="course autograde sums"):
        write_feedback(course, "sums")


@pytest.mark.slow
def test_feedback_holds_pages_alone_and_a_student_without_marks_has_a_reason(
    course: Course,
) -> None:
    folder = hand_in(course, "ada", answered(course))
    (folder / "numbers.csv").write_text("1,2")
    grade_assignment(course, "sums", get_pool=AtOnce())

    ada, bob = write_feedback(course, "sums", students=["bob", "ada"])

    assert [path.name for path in (course.root / "feedback" / "ada" / "sums").iterdir()] == [
        "sums.html"
    ]
    assert ada.pages == (course.root / "feedback" / "ada" / "sums" / "sums.html",)
    assert (bob.pages, bob.remark) == ((), "Not graded yet, so there is none.")
