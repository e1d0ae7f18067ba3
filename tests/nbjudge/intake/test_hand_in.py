"""From what came in to marks: folders, archives of Moodle and Canvas, late work, extensions."""

from __future__ import annotations

import ast
import errno
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from archives import moodle, zipped
from classroom import AtOnce, answered, hand_in, marked_unseen, released_course
from typer.testing import CliRunner

from nbjudge.cli.commands import app
from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook
from nbjudge.exceptions import CourseError
from nbjudge.export.marks_files import export_marks
from nbjudge.grading.batch import grade_assignment
from nbjudge.grading.rows import Row, Status
from nbjudge.intake.collect import collect_archives
from nbjudge.release import source

GUIDE = Path(__file__).parents[3] / "docs" / "hand-in.md"


def snippet(word: str) -> str:
    """Return the guide's block of Python that holds a word, told of the tiny assignment."""
    text = GUIDE.read_text(encoding="utf-8")
    (found,) = (
        block for block in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S) if word in block
    )
    return found.replace("optimisers", "sums")


def due(course: Course) -> None:
    """Set a deadline by the guide's own command."""
    command = re.search(r'^course (deadline \w+) "', GUIDE.read_text(encoding="utf-8"), re.M)
    assert command
    words = command[1].replace("optimisers", "sums").split()
    told = ["--course", str(course.root), *words, "2026-03-02 18:00 UTC"]
    assert CliRunner().invoke(app, told).exit_code == 0


def graded(course: Course, **settings: bool) -> dict[str, Row]:
    """Grade without a kernel, all points for everybody; return rows by student."""
    rows = grade_assignment(course, "sums", get_pool=AtOnce(marked_unseen), **settings)
    return {row.student: row for row in rows}


def scores(course: Course) -> dict[str, str]:
    """Return the exported marks, by student."""
    written = export_marks(course, "canvas", out=course.root / "canvas.csv")
    lines = written.path.read_text(encoding="utf-8").splitlines()[2:]
    return {line.split(",")[-3]: line.split(",")[-1] for line in lines}


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return released_course(tmp_path_factory.mktemp("released") / "course").root


@pytest.fixture
def course(released: Path, tmp_path: Path) -> Course:
    return Course(shutil.copytree(released, tmp_path / "course"))


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_plain_folder_and_both_platforms_go_from_files_to_marks(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = source.notebook_text(answered(course)).encode()
    wrong = source.notebook_text(
        answered(course, ex_1_1_1="def total(numbers):\n    return 0\n")
    ).encode()
    hand_in(course, "ada", right)
    from_moodle = zipped(
        {
            moodle("Ben Bø", 11, "sums.ipynb"): wrong,
            moodle("Cyd", 12, "work.zip"): zipped({"sums/sums.ipynb": right}),
            moodle("Dan", 13, "sums (1).ipynb"): right,
        }
    )
    from_canvas = zipped(
        {"evee_101_9_sums.ipynb": wrong, "evee_LATE_101_12_sums-1.ipynb": right, "x.txt": b""}
    )
    (tmp_path / "moodle.zip").write_bytes(from_moodle)
    (tmp_path / "canvas.zip").write_bytes(from_canvas)
    names = "Identifier,Full name,ID number\nParticipant 11,Ben Bø,ben\n"
    names += "Participant 12,Cyd,cyd\nParticipant 13,Dan,dan\n"
    (tmp_path / "worksheet.csv").write_text(names, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    run = ("--course", str(course.root), "collect", "sums")

    first = CliRunner().invoke(
        app, [*run, "moodle.zip", "--from", "moodle", "--roster", "worksheet.csv"]
    )
    second = CliRunner().invoke(app, [*run, "canvas.zip", "--from", "canvas"])
    rows = {row.student: row for row in grade_assignment(course, "sums", get_pool=AtOnce())}

    assert first.stdout.splitlines() == [
        "ben: sums.ipynb",
        "cyd: sums.ipynb",
        "dan: sums (1).ipynb",
        "Collected from 3 students. To grade them: course autograde sums",
    ]
    assert first.exit_code == 0
    assert second.stdout.splitlines()[0] == "101: sums.ipynb"
    assert second.exit_code == 3  # x.txt is nobody's
    assert "late, and does not say when: '101'" in second.stderr
    marks = {student: row.score for student, row in rows.items()}
    assert marks == {"101": 5.0, "ada": 5.0, "ben": 3.0, "cyd": 5.0, "dan": None}
    assert rows["dan"].status is Status.FAILED
    assert "there is 'sums (1).ipynb'" in rows["dan"].remarks[0]


def test_a_time_that_leaves_a_choice_costs_no_penalty_until_it_is_mended(course: Course) -> None:
    due(course)
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write('c.LateSubmissionPlugin.penalty_method = "zero"\n')
    stamp = hand_in(course, "ada", answered(course)) / "timestamp.txt"

    found = []
    for written in ("2026-03-02 19:30:00 UTC", "2026-03-02 18:30:00 PST", "2026-03-02 18:30-08:00"):
        stamp.write_text(written)
        found.append(graded(course)["ada"])
    late, doubtful, mended = found

    assert late.penalty == mended.penalty == 5
    assert doubtful.penalty == 0
    assert doubtful.status is Status.NEEDS_A_PERSON
    assert doubtful.remarks[0] == (
        "'timestamp.txt' holds no date that can be read in one way: '2026-03-02 18:30:00 PST'. "
        "Write it as 2026-03-02 17:30:00 UTC and grade again."
    )
    assert mended.status is Status.GRADED


def archive(course: Course, content: bytes = b"{}", name: str = "all.zip") -> Path:
    path = course.root.parent / name
    path.write_bytes(zipped({"ada_101_9_sums.ipynb": content, "ben_102_8_sums.ipynb": b"{}"}))
    return path


def test_what_was_collected_before_is_kept_unless_it_is_to_be_replaced(course: Course) -> None:
    collect_archives(course, "sums", [archive(course)], platform="canvas")
    changed = archive(course, b'{"new": 1}')
    notebook = course.root / "submitted" / "101" / "sums" / "sums.ipynb"

    kept = collect_archives(course, "sums", [changed], platform="canvas")

    assert notebook.read_bytes() == b"{}"
    assert kept.notebooks == {}
    assert kept.remarks == (
        "Collected before, and unchanged: '102'.",
        "Kept, since something else was collected before: '101'. "
        "With --force the new takes its place.",
    )
    replaced = collect_archives(course, "sums", [changed], platform="canvas", force=True)
    assert notebook.read_bytes() == b'{"new": 1}'
    assert set(replaced.notebooks) == {"101", "102"}
    assert sorted(path.name for path in (course.root / "submitted").iterdir()) == ["101", "102"]


def test_an_archive_in_which_nobody_handed_in_is_said(course: Course) -> None:
    path = course.root.parent / "all.zip"
    path.write_bytes(zipped({}))

    found = collect_archives(course, "sums", [path], platform="canvas")

    assert found.left_out == (
        "There is nothing in it that was handed in. Give what you downloaded.",
    )


def test_a_full_disk_while_collecting_is_one_sentence(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("nbgrader.apps.zipcollectapp.shutil.copy", full)

    with pytest.raises(CourseError, match="Not everything was collected: No space left on device"):
        collect_archives(course, "sums", [archive(course)], platform="canvas")


def test_several_archives_and_an_unpacked_folder_are_collected_at_once(course: Course) -> None:
    folder = course.root.parent / "unpacked"
    folder.mkdir()
    (folder / "eve_103_7_sums.ipynb").write_bytes(b"{}")

    found = collect_archives(course, "sums", [archive(course), folder], platform="canvas")

    assert found.notebooks == dict.fromkeys(("101", "102", "103"), ("sums.ipynb",))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.zip", "--from", "moodle"], "There is no 'none.zip'"),
        (["x.rar", "--from", "moodle"], "is no ZIP archive"),
        (["all.zip", "--from", "canvas", "--roster", "none.csv"], "'none.csv' cannot be read"),
        (["all.zip", "all.zip", "--from", "canvas"], "cannot be collected under this name"),
    ],
)
def test_a_slip_is_answered_in_one_sentence_and_nothing_is_left(
    course: Course, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(archive(course).parent)
    Path("x.rar").touch()

    result = CliRunner().invoke(app, ["--course", str(course.root), "collect", "sums", *arguments])

    assert result.exit_code == 1
    assert told in " ".join(result.stderr.split())
    assert list((course.root / "submitted").glob("*")) == []


@pytest.fixture
def late(course: Course) -> Iterator[Course]:
    """Have the guide's rule, a deadline, and hand in on time, 90 minutes and days later."""
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"\n{snippet('PointAnHour')}")
    due(course)
    release = (course.root / "release" / "sums" / "sums.ipynb").read_bytes()
    times = {"early": "2 18:00", "late": "2 19:30", "days": "4 18:00"}
    for student, time in times.items():
        folder = hand_in(course, student, release)
        (folder / "timestamp.txt").write_text(f"2026-03-0{time}:00 UTC", encoding="utf-8")
    hand_in(course, "unknown", release)
    yield course


def test_a_rule_for_late_work_is_seen_in_rows_and_in_exports(late: Course) -> None:
    rows = graded(late)

    assert {student: row.penalty for student, row in rows.items()} == {
        "early": 0,
        "late": 2,
        "days": 5,
        "unknown": 0,
    }
    told = "Handed in 1 hour 30 minutes late: 2 points will be taken off the mark."
    assert (rows["late"].lateness, rows["early"].lateness) == (told, "")
    assert scores(late) == {"early": "5", "late": "3", "days": "0", "unknown": "5"}


def test_nbgraders_own_rule_takes_all_points(late: Course) -> None:
    with (late.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write('\nc.AssignLatePenalties.plugin_class = "nbjudge.term.late_policy.LatePolicy"')
        config.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')

    graded(late)

    assert scores(late) == {"early": "5", "late": "0", "days": "0", "unknown": "5"}


def test_an_extension_counts_whenever_and_however_it_was_granted(late: Course) -> None:
    with open_gradebook(late) as gradebook:
        gradebook.update_or_create_student("late")
        gradebook.update_or_create_submission("sums", "late")
        gradebook.grant_extension("sums", "late", days=2, hours=12)
    assert graded(late)["late"].penalty == 0

    words = ["extend", "days", "sums", "--until", "2026-03-05 18:00 UTC", "--reason", "ill"]
    told = CliRunner().invoke(app, ["--course", str(late.root), *words])
    assert "what lateness costs has changed for 'days'" in told.output
    assert graded(late)["days"].penalty == 0
    assert scores(late)["days"] == "5"


def test_a_deadline_that_was_moved_counts_from_the_next_grading(late: Course) -> None:
    graded(late)
    with open_gradebook(late) as gradebook:
        gradebook.update_or_create_assignment("sums", duedate="2026-03-05 18:00:00 UTC")

    assert graded(late)["late"].penalty == 0


def test_an_imported_roster_says_who_is_who(late: Course) -> None:
    people = late.root.parent / "gradebook.csv"
    people.write_text('Student,ID,SIS User ID,SIS Login ID,Section\n"Lovelace, Ada",101,,ada,1\n')
    CliRunner().invoke(app, ["--course", str(late.root), "roster", str(people)])

    found = collect_archives(late, "sums", [archive(late)], platform="canvas")

    assert found.notebooks == {"ada": ("sums.ipynb",)}
    assert found.left_out == ("'ben' (102) is not in the gradebook, and was left out.",)


@pytest.mark.parametrize(
    "block", re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.M | re.S)
)
def test_a_snippet_is_python(block: str) -> None:
    ast.parse(block)
