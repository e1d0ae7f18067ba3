"""Exported marks: those of nbgrader, in the form that Canvas, Moodle and pandas read."""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from classroom import AtOnce, hand_in, marked_unseen, released_course
from nbgrader.apps import ExportApp
from nbgrader.plugins.export import CsvExportPlugin
from typer.testing import CliRunner

from nbjudge.basics.csv_files import Sheet
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
from nbjudge.exceptions import CourseError
from nbjudge.export.canvas_file import canvas
from nbjudge.export.marks_files import CanvasExport, MoodleExport, Written, export_marks
from nbjudge.export.marks_table import Choices, Exported
from nbjudge.export.moodle_file import moodle
from nbjudge.export.tidy_file import tidy_rows
from nbjudge.grading.batch import grade_assignment

GUIDE = Path(__file__).parents[3] / "docs" / "export.md"


def handed_in(points: float, *, waiting: bool = False) -> SubmissionMarks:
    """Return a submission of one exercise."""
    mark = Mark("ex_1_1", points, 40, "sums", auto=points, waiting=waiting)
    return SubmissionMarks("sums", "", notebooks=(NotebookMarks("sums", {"ex_1_1": mark}),))


PEOPLE = (
    Person("ada", "Ada", "Lovelace", "ada@x.org", "101"),
    Person("ben", "Ben", '=HYPERLINK("x")', "", ""),
    Person("zoe@x.org", "", "", "", ""),
)
MARKS = GradeTable(
    PEOPLE,
    (
        AssignmentMarks("loss_functions", 40, {"ada": handed_in(12.5)}),
        AssignmentMarks("sums", 7, {"ada": handed_in(5.0, waiting=True), "ben": handed_in(1 / 3)}),
    ),
)
HEADER = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
GRADEBOOK = Sheet(
    "gradebook.csv",
    (*HEADER, "Other (1)", "Loss Functions (2)", "Sums (3)", "Final Score"),
    (
        ("", "", "", "", "", "Manual Posting", "", "Manual Posting", ""),
        ("    Points Possible", "", "", "", "", "9", "40.0", "100", "(read only)"),
        ("Young, Yan", "103", "", "yan", "B", "1", "2", "3", "4"),
        ('=HYPERLINK("x"), Ben', "102", "BEN", "b2", "A", "5", "6", "", "7"),
        ("Lovelace, Ada", "101", "s1", "x", "A", "", "", "", ""),
        ("Student, Test", "999", "", "f00", "A", "", "", "", ""),
    ),
)


def column(found: Exported, name: str) -> list[str]:
    return [row[found.header.index(name)] for row in found.rows]


def test_canvas_gets_its_rows_back_in_order_with_the_marks() -> None:
    found = canvas(MARKS, GRADEBOOK, Choices())

    assert found.header == (*HEADER, "Loss Functions (2)", "Sums (3)")
    assert found.rows == (
        ("", "", "", "", "", "", "Manual Posting"),
        ("    Points Possible", "", "", "", "", "40.0", "100"),
        ("Young, Yan", "103", "", "yan", "B", "", ""),
        ('\'=HYPERLINK("x"), Ben', "102", "BEN", "b2", "A", "", "0.333333"),
        ("Lovelace, Ada", "101", "s1", "x", "A", "12.5", "5"),
        ("Student, Test", "999", "", "f00", "A", "", ""),
    )


def test_whoever_is_on_one_side_alone_is_told_and_so_is_what_is_not_final() -> None:
    assert canvas(MARKS, GRADEBOOK, Choices()).remarks == (
        "gradebook.csv has no row for 'zoe@x.org': "
        "their marks stay in the gradebook, and are not in this file.",
        "Canvas has 100 points for 'Sums (3)', and here it is 7: marks are exported as they are.",
        "The gradebook does not know 'Young, Yan' of gradebook.csv: they are left empty.",
        "loss_functions: nothing is graded of 'ben', which is left empty.",
        "sums: the mark of 'ada' is not final, since a person has yet to read a part of it.",
    )


def test_marks_that_are_not_final_can_be_left_out_and_missing_ones_be_zero() -> None:
    found = canvas(MARKS, GRADEBOOK, Choices(only_final=True, missing="zero"))

    assert column(found, "Loss Functions (2)")[2:] == ["0", "0", "12.5", ""]
    assert column(found, "Sums (3)")[2:] == ["0", "0.333333", "", ""]
    assert any("'ada' is left empty" in remark for remark in found.remarks)
    assert any("'ben', which gets 0" in remark for remark in found.remarks)
    assert any("'Young, Yan' of gradebook.csv: they get 0." in said for said in found.remarks)


def test_an_assignment_that_canvas_does_not_have_gets_a_new_column_with_its_points() -> None:
    known = Sheet("g.csv", HEADER, (("",) * 5, ("    Points Possible", "", "", "", "")))

    found = canvas(MARKS, known, Choices())

    assert found.header == (*HEADER, "loss_functions", "sums")
    assert found.rows == (("",) * 7, ("    Points Possible", "", "", "", "", "40", "7"))
    assert any("no column for 'loss_functions', 'sums'" in remark for remark in found.remarks)


def test_two_columns_for_an_assignment_need_the_instructor_to_say_which() -> None:
    twice = Sheet("g.csv", (*HEADER, "sums (1)", "Sums (2)"), ())
    one = GradeTable((), (AssignmentMarks("sums", 7),))

    with pytest.raises(CourseError) as told:
        canvas(one, twice, Choices())
    assert str(told.value) == (
        "g.csv has 2 columns for 'sums': sums (1), Sums (2). Say which in nbgrader_config.py, with "
        "c.CanvasExport.columns."
    )
    assert canvas(one, twice, Choices(columns={"sums": "Sums (2)"})).header[-1] == "Sums (2)"
    with pytest.raises(CourseError, match="no column 'Sums'"):
        canvas(one, twice, Choices(columns={"sums": "Sums"}))


def test_an_assignments_own_brackets_are_part_of_its_name() -> None:
    known = Sheet("g.csv", (*HEADER, "Sums (hard) (3)", "Sums (2)"), ())
    marks = GradeTable((), (AssignmentMarks("sums (hard)", 7),))

    assert canvas(marks, known, Choices()).header[-1] == "Sums (hard) (3)"


def test_nobody_gets_the_marks_of_a_row_that_could_be_two_peoples() -> None:
    rows = (
        ("A", "1", "ada", "one", ""),
        ("B", "2", "ada", "two", ""),
        ("C", "3", "ben", "zoe@x.org", ""),
    )
    people = (Person("ada"), Person("ben"), Person("zoe@x.org"))
    marks = GradeTable(
        people, (AssignmentMarks("sums", 7, {person.id: handed_in(1.0) for person in people}),)
    )

    found = canvas(marks, Sheet("g.csv", HEADER, rows), Choices())

    assert column(found, "sums") == ["", "", ""]
    assert found.remarks[0] == "g.csv has 2 rows for 'ada': none got the marks."
    assert found.remarks[1] == "'ben', 'zoe@x.org' are one row of g.csv: it got no marks."


def test_the_login_comes_before_other_ids() -> None:
    rows = (("A", "1", "", "2", ""), ("B", "2", "", "x", ""))
    marks = GradeTable((Person("2"),), (AssignmentMarks("sums", 7, {"2": handed_in(1.0)}),))

    assert column(canvas(marks, Sheet("g.csv", HEADER, rows), Choices()), "sums") == ["1", ""]


def test_the_id_that_nbgrader_knows_of_the_platform_comes_before_all_others() -> None:
    rows = (("A", "1", "", "ada", ""), ("B", "2", "", "x", ""))
    ada = Person("ada", lms_user_id="2")
    marks = GradeTable((ada,), (AssignmentMarks("sums", 7, {"ada": handed_in(1.0)}),))

    assert column(canvas(marks, Sheet("g.csv", HEADER, rows), Choices()), "sums") == ["", "1"]


def test_without_a_roster_canvas_rows_come_from_nbgraders_students() -> None:
    found = canvas(MARKS, None, Choices())

    assert found.header == (*HEADER, "loss_functions", "sums")
    assert found.rows == (
        ("    Points Possible", "", "", "", "", "40", "7"),
        ('\'=HYPERLINK("x"), Ben', "", "", "ben", "", "", "0.333333"),
        ("Lovelace, Ada", "101", "", "ada", "", "12.5", "5"),
        ("zoe@x.org", "", "", "zoe@x.org", "", "", ""),
    )


def test_another_table_is_not_taken_for_canvas_gradebook() -> None:
    with pytest.raises(CourseError) as told:
        canvas(MARKS, Sheet("x.csv", ("Student", "ID"), ()), Choices())

    assert str(told.value) == (
        "x.csv is not what Canvas exports: it lacks a column of Student, ID, SIS User ID, SIS "
        "Login ID, Section. In Canvas choose Grades, Export Entire Gradebook."
    )


def test_moodle_gets_addresses_and_marks_and_who_has_none_is_told() -> None:
    found = moodle(MARKS, None, "email", Choices())

    assert found.header == ("Email address", "loss_functions", "sums")
    assert found.rows == (("ada@x.org", "12.5", "5"), ("zoe@x.org", "", ""))
    assert found.remarks[0] == "There is no email address of 'ben', so they are not in this file."


def test_moodle_gets_nbgraders_ids_where_students_are_told_by_them() -> None:
    found = moodle(MARKS, None, "id", Choices())

    assert found.header == ("ID number", "loss_functions", "sums")
    assert [row[0] for row in found.rows] == ["ada", "ben", "zoe@x.org"]


def test_a_tidy_table_takes_no_roster(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as told:
        export_marks(Course(tmp_path), "tidy", roster=Path("people.csv"))

    assert str(told.value) == (
        "A tidy table needs no roster. Leave it out, or choose a platform with --to."
    )


def test_moodle_gets_id_numbers_from_its_own_list_of_participants() -> None:
    header = ("First name", "Last name", "Username", "ID number", "Email address")
    roster = Sheet(
        "participants.csv",
        header,
        (("Ada", "L", "ada", "0042", "a@x.org"), ("Ben", "H", "bh", "", "BEN"), ("Y",) * 5),
    )

    found = moodle(MARKS, roster, "id", Choices())

    assert found.header[0] == "ID number"
    assert found.rows == (("0042", "12.5", "5"),)
    assert found.remarks[:2] == (
        "participants.csv has no row for 'zoe@x.org': "
        "their marks stay in the gradebook, and are not in this file.",
        "There is no ID number of 'ben', so they are not in this file.",
    )


def test_a_tidy_row_for_each_student_and_exercise() -> None:
    cells = {
        "ex_1_1": Mark("ex_1_1", 2.5, 2, "sums", auto=2.0, extra=0.5),
        "=1.2": Mark("=1.2", 0, 3, "sums", manual=0.0, waiting=True),
    }
    book = NotebookMarks("sums", cells, penalty=0.5)
    own = SubmissionMarks("sums", "@da", "", (book,), datetime(2026, 3, 2, 18, 30))
    people = (Person("@da", "Ada", "L"),)
    marks = GradeTable(people, (AssignmentMarks("sums", 5, {"@da": own}),))

    found = tidy_rows(marks, Choices(only_final=True), lambda *_: {"1.1": "A total"})

    (remark,) = found.remarks
    assert remark.startswith("sums: the mark of '@da' is left empty, since a person has yet to")
    second, first = found.rows
    who, rest = ("'@da", "Ada L", "sums", "sums"), ("0.5", "2026-03-02T18:30:00Z")
    assert first == (*who, "1.1", "A total", "2.5", "2", "2", "", "0.5", rest[0], "false", rest[1])
    assert second == (*who, "'=1.2", "", "", "3", "", "0", "0", rest[0], "true", rest[1])


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"student": ["eve", "abe"]}, "no student 'abe', 'eve'. It has: ada, zoe."),
        ({"assignment": ["x"]}, "no assignment 'x'. It has: none yet."),
    ],
)
def test_what_the_gradebook_does_not_have_is_told_with_what_it_has(
    asked: dict[str, list[str]], told: str
) -> None:
    students = [SimpleNamespace(id=student) for student in ("zoe", "ada")]
    plugin = CanvasExport(**{"student": [], "assignment": [], **asked})

    with pytest.raises(CourseError) as error:
        plugin.write(SimpleNamespace(assignments=[], students=students))

    assert str(error.value) == f"The gradebook has {told}"


def log_of(found: Written | CourseError, caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return what `nbgrader export` logs of what was written, or why it was not."""

    class Quick(CanvasExport):
        def write(self, _: object) -> Written:
            if isinstance(found, CourseError):
                raise found
            return found

    plugin = Quick()
    plugin.log = logging.getLogger("export")
    leaves = pytest.raises(SystemExit, match=r"^1$") if isinstance(found, CourseError) else None
    with caplog.at_level(logging.INFO, "export"), leaves or nullcontext():
        plugin.export(None)
    return [(each.levelname, each.getMessage()) for each in caplog.records]


def test_an_export_logs_where_it_went_and_what_to_know(caplog: pytest.LogCaptureFixture) -> None:
    written = Written(Path("out.csv"), 1, ("Look at 100 %s.",))

    assert log_of(written, caplog) == [
        ("WARNING", "Look at 100 %s."),
        ("INFO", "Exported to out.csv"),
    ]


def test_an_export_that_fails_logs_why_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    assert log_of(CourseError("No 100 %s."), caplog) == [("ERROR", "No 100 %s.")]


#: Takes two points of whatever is late; nothing was ever handed in on time.
LATE = """
from nbgrader.plugins import LateSubmissionPlugin


class TwoPoints(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 2


c.AssignLatePenalties.plugin_class = TwoPoints
"""


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Make a course with marks of all kinds; zoe has handed in nothing, and has more time."""
    course = released_course(tmp_path_factory.mktemp("export") / "course")
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(LATE)
    release = (course.root / "release" / "sums" / "sums.ipynb").read_bytes()
    for student in ("ada", "ben, jr", "nil", "004"):
        folder = hand_in(course, student, release)
        (folder / "timestamp.txt").write_text("2026-03-02 18:30:00 UTC")
    with open_gradebook(course) as gradebook:
        gradebook.update_or_create_assignment("sums", duedate="2026-03-02 18:00:00 UTC")
        gradebook.update_or_create_student("zoe", first_name="Zoë", email="zoe@x.org")
    crew = AtOnce(marked_unseen)
    grade_assignment(course, "sums", get_pool=crew)
    with open_gradebook(course) as gradebook:
        gradebook.update_or_create_submission("sums", "zoe")
        gradebook.grant_extension("sums", "zoe", days=2)
        for student, by_hand, extra in (("ada", 1.5, 0.25), ("004", 2.0, None)):
            grade = gradebook.find_grade("ex_1_1_3", "sums", "sums", student)
            grade.manual_score, grade.extra_credit = by_hand, extra
            grade.needs_manual_grade = False
        for cell in ("test_ex_1_1_1", "test_ex_1_1_2"):
            gradebook.find_grade(cell, "sums", "sums", "nil").manual_score = 0.5
        gradebook.db.commit()
    return course


@pytest.fixture
def here(graded: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Course]:
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    yield graded


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def nbgraders_own(course: Course) -> dict[str, float]:
    """Return nbgrader's own scores of those who handed in.

    Its file has no quotes, so the fields of a student with a comma are counted from the end.
    """
    with open_gradebook(course) as gradebook:
        CsvExportPlugin(to="own.csv").export(gradebook)
    lines = Path("own.csv").read_text(encoding="utf-8").splitlines()[1:]
    scores = {}
    for line in lines:
        fields = line.split(",")
        student = ",".join(fields[3:-7])
        if fields[2]:
            scores[student] = float(fields[-2])
    return scores


def test_totals_are_those_of_nbgraders_own_export(here: Course) -> None:
    own = nbgraders_own(here)

    for to, key in (("canvas", "SIS Login ID"), ("moodle", "ID number")):
        settings = {"identify_by": "id"} if to == "moodle" else {}
        path = export_marks(here, to, **settings).path
        theirs = {row[key]: float(row["sums"]) for row in rows_of(path) if row[key] and row["sums"]}
        assert theirs == pytest.approx(own)
    # Late, by hand, with extra credit, and no less than nothing.
    assert own == {"004": 5.0, "ada": 4.75, "ben, jr": 3.0, "nil": 0.0}


def test_the_guides_lines_for_pandas_give_the_same_totals(here: Course) -> None:
    export_marks(here, "tidy")
    (snippet,) = re.findall(r"^```python\n(import pandas.*?)^```$", GUIDE.read_text(), re.M | re.S)
    namespace: dict[str, pd.Series] = {}

    exec(snippet.replace('"marks.csv"', '"marks.csv", dtype={"student": str}'), namespace)

    totals = {student: total for (student, _), total in namespace["total"].items()}
    assert totals == pytest.approx(nbgraders_own(here))
    assert set(namespace["marks"]["needs_person"]) == {True, False}
    assert set(namespace["marks"]["handed_in"]) == {"2026-03-02T18:30:00Z"}


def test_an_extension_before_anything_is_handed_in_makes_no_mark(here: Course) -> None:
    written = export_marks(here, "moodle", students=["zoe"])

    assert rows_of(written.path) == [{"Email address": "zoe@x.org", "sums": ""}]
    assert written.remarks == ("sums: nothing is graded of 'zoe', which is left empty.",)


@pytest.mark.parametrize(
    ("plugin", "name", "rows"),
    [
        ("CanvasExport", "canvas.csv", 6),
        ("MoodleExport", "moodle.csv", 1),
        ("TidyExport", "m.csv", 12),
    ],
)
def test_nbgraders_export_takes_the_plugins(
    here: Course, monkeypatch: pytest.MonkeyPatch, plugin: str, name: str, rows: int
) -> None:
    monkeypatch.chdir(here.root)
    app = ExportApp()
    app.initialize(
        [
            f"--exporter=nbjudge.export.marks_files.{plugin}",
            f"--{plugin}.missing=zero",
            *([f"--to={name}"] if name == "m.csv" else []),
            "--log-level=ERROR",
        ]
    )
    app.start()

    found = rows_of(here.root / name)
    assert len(found) == rows
    assert app.plugin_inst.missing == "zero"
    (here.root / name).unlink()


def test_nbgraders_export_ends_with_a_sentence_where_a_roster_will_not_do(
    here: Course, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Path("roster.csv").write_bytes(b"\xff\xfe\0x")
    plugin = CanvasExport(roster="roster.csv")

    with open_gradebook(here) as gradebook, pytest.raises(SystemExit):
        plugin.export(gradebook)

    assert not Path("canvas.csv").exists()


def test_the_command_writes_a_file_and_says_what_to_know(here: Course) -> None:
    Path("gradebook.csv").write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,Sums (3)\n"
        '"Lovelace, Ada",101,,ADA,A,\n"004",4,004,,A,\n',
        encoding="utf-8-sig",
    )
    arguments = [
        "--course",
        str(here.root),
        "export",
        "--to",
        "canvas",
        "--roster",
        "gradebook.csv",
    ]

    result = CliRunner().invoke(app, [*arguments, "--out", "upload.csv"])

    assert result.exit_code == 0
    assert result.stdout == "upload.csv: 2 rows\n"
    assert "no row for 'ben, jr', 'nil', 'zoe'" in result.stderr
    assert Path("upload.csv").read_bytes() == (
        b"Student,ID,SIS User ID,SIS Login ID,Section,Sums (3)\r\n"
        b'"Lovelace, Ada",101,,ADA,A,4.75\r\n004,4,004,,A,5\r\n'
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--to", "canvas", "--roster", "none.csv"], "'none.csv' cannot be read"),
        (["--to", "canvas", "--roster", "x.csv", "--out", "./x.csv"], "is the roster itself"),
        (["--roster", "x.csv"], "needs no roster"),
        (["products"], "The gradebook has no assignment 'products'. It has: sums."),
        (["--student", "eve"], "The gradebook has no student 'eve'."),
        (["--out", "none/x.csv"], "cannot be written"),
    ],
)
def test_a_slip_is_answered_in_one_sentence(here: Course, options: list[str], told: str) -> None:
    Path("x.csv").write_text(",".join(HEADER), encoding="utf-8")

    result = CliRunner().invoke(app, ["--course", str(here.root), "export", *options])

    assert result.exit_code == 1
    assert told in " ".join(result.stderr.split())
    assert [path.name for path in Path().iterdir()] == ["x.csv"]


def test_settings_of_the_course_hold_where_the_command_gives_none(
    here: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = here.config()
    config.MoodleExport.identify_by = "id"
    config.MoodleExport.only_final = True
    monkeypatch.setattr(Course, "config", lambda self: config)

    result = CliRunner().invoke(app, ["--course", str(here.root), "export", "--to", "moodle"])

    assert result.exit_code == 0
    marks = {row["ID number"]: row["sums"] for row in rows_of(Path("moodle.csv"))}
    assert marks == {"004": "5", "ada": "4.75", "ben, jr": "", "nil": "", "zoe": ""}
    assert MoodleExport(config=config).identify_by == "id"
