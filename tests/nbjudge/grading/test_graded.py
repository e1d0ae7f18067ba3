"""Nothing is graded twice, and whatever could give other marks is graded again."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from classroom import AtOnce, answered, hand_in, marked_unseen, released_course

from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class
from nbjudge.grading import batch, graded
from nbjudge.grading.batch import grade_assignment
from nbjudge.grading.conditions import GradingConditions
from nbjudge.grading.jobs import Job, JobOutcome
from nbjudge.grading.rows import Row, Status
from nbjudge.intake import submission
from nbjudge.intake.submission import Submission, SubmissionFiles
from nbjudge.release import source
from nbjudge.trial.run_trial import AS_RELEASED, SOLVED

STAMP = "2026-03-01 00:00:00 UTC"


@dataclass
class Class:
    """A class that has been graded once, and what was graded since."""

    course: Course
    crew: AtOnce
    rows: list[Row]

    @property
    def root(self) -> Path:
        return self.course.root

    @property
    def index(self) -> Path:
        return self.root / "autograded" / graded.INDEX_NAME

    def change_entry(self, change: str, *values: object) -> None:
        """Change ada's row in the index."""
        with closing(sqlite3.connect(self.index)) as index, index:
            changed = index.execute(f"{change} WHERE student = 'ada'", values)
            assert changed.rowcount == 1

    @property
    def entry(self) -> str:
        """What is kept of ada's submission."""
        with closing(sqlite3.connect(self.index)) as index:
            (found,) = index.execute("SELECT entry FROM graded WHERE student = 'ada'").fetchone()
            return str(found)

    def handed_in(self, name: str = "sums.ipynb", student: str = "ada") -> Path:
        return self.root / "submitted" / student / "sums" / name

    def graded(self, name: str = "sums.ipynb") -> Path:
        return self.root / "autograded" / "ada" / "sums" / name

    def grade(self, **settings: Any) -> list[str]:
        """Grade again, and return which students were graded; new tests are proved first."""
        self.crew.graded.clear()
        self.rows = grade_assignment(self.course, "sums", get_pool=self.crew, **settings)
        return [name for name in self.crew.graded if name not in (SOLVED, AS_RELEASED)]


@pytest.fixture(scope="module")
def graded_once(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = released_course(tmp_path_factory.mktemp("ledger") / "course")
    for student in ("ada", "bob"):
        folder = hand_in(course, student, answered(course))
        (folder / "data.csv").write_text("1,2")
        (folder / "timestamp.txt").write_text(STAMP)
    grade_assignment(course, "sums", get_pool=AtOnce(marked_unseen))
    return course


@pytest.fixture
def course(graded_once: Course, tmp_path: Path) -> Class:
    copy = Course(Path(shutil.copytree(graded_once.root, tmp_path / "course")))
    found = Class(copy, AtOnce(marked_unseen), [])
    for student in ("ada", "bob"):  # a copied file was changed when it was copied
        found.handed_in("data.csv", student).write_text("1,2,3")
    assert found.grade() == ["ada", "bob"]
    return found


# ---- What is not graded again ------------------------------------------------------------------


def test_an_unchanged_class_is_not_read_and_calls_nobody_in(
    course: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = course.rows

    def refused(*_: object, **__: object) -> NoReturn:
        raise AssertionError("an unchanged class needs only a look at its folders")

    monkeypatch.setattr(submission, "_open_file", refused)
    monkeypatch.setattr(AtOnce, "__call__", refused)

    assert course.grade() == []
    assert course.rows == [replace(row, graded_now=False) for row in first]


def test_a_touched_file_with_the_same_bytes_is_not_graded_again(course: Class) -> None:
    for name in ("sums.ipynb", "data.csv", "timestamp.txt"):
        os.utime(course.handed_in(name), (2**31, 2**31))
        content = course.handed_in(name).read_bytes()
        course.handed_in(name).unlink()
        course.handed_in(name).write_bytes(content)

    assert course.grade() == []


def test_a_touched_file_is_read_once_and_not_by_every_run_to_come(
    course: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(course.handed_in(), (2**31, 2**31))
    course.grade()
    again: list[Submission] = []

    def read(found: Submission) -> SubmissionFiles:
        again.append(found)
        return submission.read_submission(found)

    for module in (batch, graded):
        monkeypatch.setattr(module, "read_submission", read)

    assert course.grade() == []
    assert again == []


def test_another_folder_for_the_course_changes_nothing(course: Class, tmp_path: Path) -> None:
    moved = Class(
        Course(Path(shutil.copytree(course.root, tmp_path / "moved"))), AtOnce(marked_unseen), []
    )

    assert moved.grade() == []
    assert [row.score for row in moved.rows] == [row.score for row in course.rows]


def test_a_file_that_is_not_taken_along_is_no_reason(course: Class) -> None:
    course.handed_in("notes.docx").write_bytes(b"x")

    assert course.grade() == []
    assert "'notes.docx'" in course.rows[0].remarks[0]


def test_a_class_that_is_graded_is_not_behind(course: Class) -> None:
    (course.root / "submitted" / "stranger" / "sums").mkdir(parents=True)
    (course.root / "submitted" / "stranger" / "sums" / "other.ipynb").write_text("{}")
    (course.root / "submitted" / "a file").write_text("")

    assert not graded.is_behind(course.course, "sums")


@pytest.mark.parametrize("change", ["new", "written", "forgotten"])
def test_a_class_with_something_to_grade_is_behind(course: Class, change: str) -> None:
    if change == "new":
        hand_in(course.course, "cleo", answered(course.course))
    elif change == "written":
        course.change_entry("UPDATE graded SET made = 1e9")  # long before the notebook came
    else:
        course.change_entry("DELETE FROM graded")

    assert graded.is_behind(course.course, "sums")


def test_a_class_of_nobody_is_not_behind(course: Class) -> None:
    shutil.rmtree(course.root / "submitted")

    assert not graded.is_behind(course.course, "sums")


def test_force_grades_again_what_has_not_changed(course: Class) -> None:
    assert course.grade(force=True) == ["ada", "bob"]


# ---- What is ------------------------------------------------------------------------------------


def one_byte_and_the_times_of_before(course: Class) -> None:
    path = course.handed_in()
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"running + number", b"running - number"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def longer(name: str) -> Callable[[Class], None]:
    def change(course: Class) -> None:
        path = course.handed_in(name)
        path.write_bytes(path.read_bytes() + b" ")

    return change


CHANGES: dict[str, Callable[[Class], Any]] = {
    "a byte": one_byte_and_the_times_of_before,
    "a space at the end": longer("sums.ipynb"),
    "the time stamp": lambda c: c.handed_in("timestamp.txt").write_text("2026-03-02 00:00:00 UTC"),
    "no time stamp": lambda c: c.handed_in("timestamp.txt").unlink(),
    "a data file": longer("data.csv"),
    "one data file less": lambda c: c.handed_in("data.csv").unlink(),
    "one data file more": lambda c: c.handed_in("more.csv").write_text(""),
    "a data file's name": lambda c: c.handed_in("data.csv").rename(c.handed_in("date.csv")),
    "no graded notebook": lambda c: c.graded().unlink(),
    "no graded folder": lambda c: shutil.rmtree(c.graded().parent),
    "another graded notebook": lambda c: c.graded().write_bytes(c.graded().read_bytes() + b"\n"),
    "one graded notebook more": lambda c: c.graded("more.ipynb").write_text("{}"),
    "no entry": lambda c: c.change_entry("DELETE FROM graded"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_is_graded_again_and_nobody_else(course: Class, change: str) -> None:
    CHANGES[change](course)

    assert course.grade() == ["ada"]
    assert [row.graded_now for row in course.rows] == [True, False]
    assert course.grade() == []


def other_limits(course: Class) -> None:
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("\nc.Judge.call_seconds = 7\n")


def other_tests(course: Class) -> None:
    edit(course, '== 7, \\"the mean', '== 7.0, \\"the mean')
    assert course.course.api().generate_assignment("sums", force=True)["success"]


def another_display(course: Class) -> None:
    edit(course, "# A bar for each total", "# A bar for every total")
    assert course.course.api().generate_assignment("sums", force=True)["success"]


def edit(course: Class, old: str, new: str) -> None:
    path = course.root / "source" / "sums" / "sums.ipynb"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def no_gradebook(course: Class) -> None:
    (course.root / "gradebook.db").unlink()
    assert course.course.api().generate_assignment("sums", force=True)["success"]


def another_secret(course: Class) -> None:
    (course.root / ".course_secret").write_text("autumn")


@pytest.mark.parametrize(
    "change", [other_limits, other_tests, another_display, no_gradebook, another_secret]
)
def test_other_terms_grade_everybody_again(
    course: Class, change: Callable[[Class], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COURSE_SECRET", raising=False)
    course.grade()

    change(course)

    assert course.grade() == ["ada", "bob"]
    assert [by.won for by in marks_of_class(course.course, "sums")] == [5, 5]
    assert course.grade() == []


def test_another_version_of_the_grader_grades_everybody_again(
    course: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        batch, "GradingConditions", functools.partial(GradingConditions, grader="0.0.1+abc")
    )

    assert course.grade() == ["ada", "bob"]
    assert course.grade() == []


def test_running_all_cells_grades_again(course: Class) -> None:
    assert course.grade(run_all=True) == ["ada", "bob"]
    assert course.grade(run_all=True) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: "",
        lambda entry: entry[: len(entry) // 2],
        lambda entry: None,
        lambda entry: b"\xff\xfe",
        lambda entry: "[]",
        lambda entry: "7",
        lambda entry: "{}",
        lambda entry: entry.replace('"terms"', '"term"'),
        lambda entry: json.dumps({**json.loads(entry), "notes": None}),
        lambda entry: json.dumps({**json.loads(entry), "stamps": 7, "content": 7}),
    ],
)
def test_a_damaged_entry_grades_again(course: Class, damage: Callable[[str], object]) -> None:
    course.change_entry("UPDATE graded SET entry = ?", damage(course.entry))

    assert course.grade() == ["ada"]
    assert course.grade() == []


def with_another_table(index: Path) -> None:
    index.unlink()
    with closing(sqlite3.connect(index)) as other, other:
        other.execute("CREATE TABLE graded (student TEXT)")


@pytest.mark.parametrize(
    "damage",
    [
        lambda index: index.unlink(),
        lambda index: index.write_bytes(b""),
        lambda index: index.write_bytes(b"no database at all, but a text that is long enough" * 9),
        lambda index: os.truncate(index, index.stat().st_size // 2),
        lambda index: index.write_bytes(index.read_bytes()[:100] + bytes(index.stat().st_size)),
        with_another_table,
    ],
    ids=["gone", "empty", "a text", "cut", "zeros", "another"],
)
def test_a_damaged_index_grades_everybody_again_and_is_made_anew(
    course: Class, damage: Callable[[Path], object]
) -> None:
    damage(course.index)

    assert course.grade() == ["ada", "bob"]
    assert course.grade() == []


def test_an_index_of_another_time_speaks_of_no_other_notebooks(
    course: Class, tmp_path: Path
) -> None:
    before = course.index.read_bytes()
    course.handed_in().write_bytes(course.handed_in().read_bytes() + b" ")
    assert course.grade() == ["ada"]

    course.index.write_bytes(before)

    assert course.grade() == ["ada"]


def test_assignments_have_entries_of_their_own(course: Class) -> None:
    assert graded.GradedIndex(course.course, "sums").times().keys() == {"ada", "bob"}
    assert graded.GradedIndex(course.course, "other").times() == {}


# ---- What cannot be graded ----------------------------------------------------------------------


def test_an_unreadable_notebook_is_not_tried_for_ever(course: Class) -> None:
    course.handed_in().write_bytes(b"")
    assert course.grade() == ["ada"]
    first = course.rows

    assert course.grade() == []

    assert first[0].status is Status.FAILED
    assert course.rows[0] == replace(first[0], graded_now=False)
    course.handed_in().write_text(source.notebook_text(answered(course.course)), encoding="utf-8")
    assert course.grade() == ["ada"]
    assert course.rows[0].status is Status.GRADED


def test_a_failure_that_may_pass_is_tried_again(course: Class) -> None:
    def fails(job: Job) -> JobOutcome:
        return JobOutcome(job.student, failures={"": "The worker ended."}, passing=True)

    course.crew.does = fails
    assert course.grade(force=True, students=["ada"]) == ["ada"]
    assert course.rows[0].remarks[0] == "The worker ended."

    course.crew.does = marked_unseen
    assert course.grade() == ["ada"]
    assert course.rows[0].status is Status.GRADED


# ---- The parts ----------------------------------------------------------------------------------


def test_the_hash_tells_apart_what_differs_and_nothing_else() -> None:
    some = {"a": b"1", "b": b"2"}
    submitted = [
        SubmissionFiles(some),
        SubmissionFiles({}, some),
        SubmissionFiles({"a": b"1"}, {"b": b"2"}),
        SubmissionFiles({"a": b"1b"}, {"": b"2"}),
        SubmissionFiles({"a": b"12", "b": b""}),
        SubmissionFiles({"b": b"1", "a": b"2"}),
        SubmissionFiles({"a": b"1"}),
        SubmissionFiles(some, handed_in=datetime(2026, 3, 1)),
        SubmissionFiles(some, handed_in=datetime(2026, 3, 2)),
        SubmissionFiles(some, problems=("a.csv cannot be read.",)),
    ]

    assert len({graded.content(each) for each in submitted}) == len(submitted)
    assert graded.content(SubmissionFiles({"b": b"2", "a": b"1"})) == graded.content(
        SubmissionFiles(some)
    )


def test_forgetting_what_is_not_known_does_nothing(tmp_path: Path) -> None:
    index = graded.GradedIndex(Course(tmp_path), "sums")

    index.forget(["ada"])

    assert graded.GradedIndex(Course(tmp_path), "sums").find("ada", tmp_path / "sums") is None


def test_entries_are_replaced_all_or_none(course: Class) -> None:
    index = graded.GradedIndex(course.course, "sums")
    entry = index.find("ada", course.graded().parent)
    assert entry is not None
    before = course.entry
    with closing(sqlite3.connect(course.index)) as other, other:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON graded WHEN NEW.student = 'zoe' "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )

    with pytest.raises(sqlite3.IntegrityError):
        index._try(
            "INSERT OR REPLACE INTO graded VALUES (?, ?, ?, ?)",
            [("sums", "ada", 0.0, "another"), ("sums", "zoe", 0.0, "another")],
        )

    assert course.entry == before


def test_an_index_that_cannot_be_written_is_the_machines_fault(
    course: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graded, "INDEX_PATIENCE", 0.05)
    with closing(sqlite3.connect(course.index, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(OSError, match="busy"):
            graded.GradedIndex(course.course, "sums").forget(["ada"])

    assert course.grade() == []
