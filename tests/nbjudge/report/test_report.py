"""The class report as files: what it reads, what it shows, and whom it does not name."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from classroom import AtOnce, answered, hand_in, marked_unseen, released_course
from matplotlib.colors import ListedColormap, Normalize, to_hex
from matplotlib.figure import Figure
from report_classes import SENTENCE, class_of, columns, drawn, exercise, member
from typer.testing import CliRunner

from nbjudge.cli.commands import app
from nbjudge.course import gradebook as gradebooks
from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook, read_grades, versions
from nbjudge.exceptions import CourseError
from nbjudge.grading.batch import grade_assignment
from nbjudge.grading.jobs import Job, JobOutcome
from nbjudge.grading.rows import CHANGED, FOLDER_GONE, NOT_YET, Status, current_rows
from nbjudge.grading.solution_proof import Proof, digest, keep
from nbjudge.judge.notebooks import RECORD
from nbjudge.judge.plans import TestPlan
from nbjudge.pages.charts import _ROLE_OF, CHART_SETTINGS, DIVERGING, ROLES, inline
from nbjudge.release import source
from nbjudge.report import NothingGraded, write_report
from nbjudge.report.anonymous import anonymous
from nbjudge.report.class_page import page
from nbjudge.report.gather import gather
from nbjudge.report.pictures import on_map
from nbjudge.report.records import Class, ClassMember
from nbjudge.report.statistics import numbers
from nbjudge.report.tables import EXERCISE_COLUMNS, MISTAKES, exercises, mistakes_table

SECRET = "nobody knows"


class Seen(HTMLParser):
    """A page as a browser takes it apart."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def with_records(mistake: str = "") -> Callable[[Job], JobOutcome]:
    """Return a crew's work: all points and a record; ids from "m" on make a mistake."""

    def does(job: Job) -> JobOutcome:
        outcome = marked_unseen(job)
        results = {}
        for name, result in outcome.results.items():
            slips = bool(mistake) and job.student >= "m"
            book = json.loads(result.notebook)
            book["metadata"][RECORD] = {
                "remarks": [],
                "seconds": {cell["id"]: 0.25 for cell in book["cells"]},
                "verdicts": {
                    "test_ex_1_1_1": {
                        "mistake": mistake if slips else "",
                        "sentence": SENTENCE if slips else "",
                    }
                },
            }
            scores = {**result.scores, **({"test_ex_1_1_1": 0.0} if slips else {})}
            results[name] = replace(result, notebook=json.dumps(book).encode(), scores=scores)
        return replace(outcome, results=results)

    return does


@pytest.fixture(scope="module")
def graded_course(new_course: Course, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Return a course of which four are graded, one of them late, and one handed in nothing."""
    root = tmp_path_factory.mktemp("graded") / "course"
    shutil.copytree(new_course.root, root)
    course = Course(root)
    with open_gradebook(course) as gradebook:
        gradebook.update_or_create_assignment("sums", duedate="2026-05-08 12:00:00 UTC")
        gradebook.update_or_create_student("ada", first_name="Ada", last_name="Lovelace")
        gradebook.update_or_create_student("absent", first_name="Nobody", last_name="Came")
    book = answered(course)
    for student in ("ada", "bob", "mia", "zoe"):
        folder = hand_in(course, student, book)
        day = 9 if student == "zoe" else 7
        (folder / "timestamp.txt").write_text(f"2026-05-{day:02} 12:00:00 UTC\n")
    hand_in(course, "frida", b"{", "sums.ipynb")
    grade_assignment(course, "sums", get_pool=AtOnce(with_records("epsilon outside the root")))
    return course


@pytest.fixture
def graded(graded_course: Course, tmp_path: Path) -> Course:
    shutil.copytree(graded_course.root, tmp_path / "graded")
    return Course(tmp_path / "graded")


# ---- What is read --------------------------------------------------------------------------------


def test_a_class_is_gathered_from_gradebook_records_and_rows(graded: Course) -> None:
    of = gather(graded, "sums")

    assert [(each.number, each.points, each.by_hand) for each in of.exercises] == [
        ("1.1.1", 2, False),
        ("1.1.2", 3, False),
        ("1.1.3", 2, True),
    ]
    by_id = {each.student: each for each in of.members}
    assert list(by_id) == ["bob", "absent", "frida", "ada", "mia", "zoe"]  # by last name
    assert by_id["ada"].name == "Ada Lovelace"
    assert points(by_id["ada"]) == 5
    assert points(by_id["zoe"]) == 3
    assert by_id["zoe"].seconds_late == 86_400
    assert by_id["frida"].status is Status.FAILED
    assert "damaged" in by_id["frida"].remarks[0]
    assert by_id["absent"].status is Status.NOT_HANDED_IN
    slip = by_id["mia"].answers["sums", "1.1.1"]
    assert (slip.points, slip.mistake, slip.sentence) == (0, "epsilon outside the root", SENTENCE)
    assert (slip.seconds, slip.test_seconds) == (0.5, 0.25)  # its answer and its test
    assert by_id["ada"].answers["sums", "1.1.3"].points is None
    assert of.unread == 0


def test_rows_are_those_of_grading_and_reading_them_changes_nothing(graded: Course) -> None:
    rows = grade_assignment(graded, "sums", get_pool=AtOnce())
    before = {path: path.stat().st_mtime_ns for path in graded.root.rglob("*")}

    assert current_rows(graded, "sums") == rows
    assert {path: path.stat().st_mtime_ns for path in graded.root.rglob("*")} == before


def test_what_is_new_or_changed_since_is_said(graded: Course) -> None:
    hand_in(graded, "new", answered(graded))
    hand_in(graded, "bob", answered(graded, ex_1_1_1="total = sum"))
    shutil.rmtree(graded.root / "submitted" / "ada")

    rows = {row.student: row for row in current_rows(graded, "sums")}

    assert (rows["new"].status, rows["new"].score) == (Status.FAILED, None)
    assert rows["new"].remarks == (NOT_YET.format("sums"),)
    assert rows["bob"].status is Status.NEEDS_A_PERSON
    assert rows["bob"].score == 5
    assert rows["bob"].remarks[0] == CHANGED.format("sums")
    assert (rows["ada"].score, rows["ada"].remarks) == (5, (FOLDER_GONE,))


def test_an_answer_left_as_it_was_is_empty_and_so_is_a_missing_notebook(tmp_path: Path) -> None:
    course = released_course(tmp_path / "course", notebooks=("first", "sums"))
    book = answered(course)
    released = source.read_source(course.root / "release" / "sums" / "sums.ipynb")
    source.by_grade_id(book)["ex_1_1_1"].source = source.by_grade_id(released)["ex_1_1_1"].source

    def does(job: Job) -> JobOutcome:
        outcome = with_records()(job)
        results = {
            name: replace(result, unanswered=("ex_1_1_1",))
            for name, result in outcome.results.items()
        }
        return replace(outcome, results=results)

    hand_in(course, "ada", book)
    grade_assignment(course, "sums", get_pool=AtOnce(does))

    of = gather(course, "sums")

    assert [each.label for each in of.exercises[:2]] == ["first 1.1.1", "first 1.1.2"]
    empty = {key: answer.is_empty for key, answer in of.members[0].answers.items()}
    assert empty == {
        **{("first", number): True for number in ("1.1.1", "1.1.2", "1.1.3")},
        **{("sums", "1.1.1"): True, ("sums", "1.1.2"): False, ("sums", "1.1.3"): False},
    }


def test_extensions_count_and_penalties_are_taken_off(graded: Course) -> None:
    with open_gradebook(graded) as gradebook:
        gradebook.grant_extension("sums", "zoe", hours=23)
        for student, penalty in (("zoe", 1.0), ("mia", 100.0)):
            submission = gradebook.find_submission("sums", student)
            submission.notebooks[0].late_submission_penalty = penalty
        gradebook.db.commit()

    of = {each.student: each for each in gather(graded, "sums").members}

    assert of["zoe"].seconds_late == 3600
    assert (points(of["zoe"]), of["zoe"].marks.penalty) == (2, 1)
    assert points(of["mia"]) == 0
    assert of["ada"].marks.is_dated


def test_without_a_due_date_an_extension_makes_nobody_late(graded: Course) -> None:
    with open_gradebook(graded) as gradebook:
        gradebook.find_assignment("sums").duedate = None
        gradebook.db.commit()
        gradebook.grant_extension("sums", "zoe", hours=1)

    with open_gradebook(graded) as gradebook:
        known = read_grades(gradebook).submissions("sums")

    assert {each.seconds_late for each in known.values()} == {0}
    assert not any(each.is_dated for each in gather(graded, "sums").marks)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"{"),
        lambda path: path.write_text('{"metadata": {}, "cells": []}'),
        lambda path: path.write_text('{"metadata": {"course": {"verdicts": []}}, "cells": [1]}'),
        lambda path: path.write_text("[" * 100_000),
    ],
    ids=["no JSON", "no record", "another record", "a tower"],
)
def test_a_graded_notebook_without_a_record_costs_mistakes_and_times_alone(
    graded: Course, damage: Callable[[Path], Any]
) -> None:
    damage(graded.root / "autograded" / "mia" / "sums" / "sums.ipynb")

    of = gather(graded, "sums")

    assert of.unread == 1
    mia = {each.student: each for each in of.members}["mia"]
    assert points(mia) == 3
    assert mia.answers["sums", "1.1.1"].mistake == ""
    assert "1 graded notebook has no record" in Seen(page(numbers(of))).text


def test_a_time_that_is_none_counts_as_unknown(graded: Course) -> None:
    path = graded.root / "autograded" / "ada" / "sums" / "sums.ipynb"
    book = json.loads(path.read_text(encoding="utf-8"))
    record = book["metadata"][RECORD]
    record["seconds"] = dict.fromkeys(record["seconds"], float("nan"))
    path.write_text(json.dumps(book), encoding="utf-8")

    of = gather(graded, "sums")

    assert {each.seconds for each in of.members[3].answers.values()} == {None}


# ---- What is written -----------------------------------------------------------------------------


def test_a_report_is_a_page_and_two_tables(graded: Course) -> None:
    written = write_report(graded, "sums")

    assert sorted(path.name for path in (graded.root / "reports").iterdir()) == [
        "sums-exercises.csv",
        "sums-mistakes.csv",
        "sums.html",
    ]
    text = Seen(written.page.read_text(encoding="utf-8")).text
    for told in written.findings:
        assert told in text
    for told in (SENTENCE, "Ada Lovelace", "zoe", "1 day", "is damaged", "2 of 4", "frida"):
        assert (told in text) is (told != "Ada Lovelace")  # she came in time and needs nobody
    table = pd.read_csv(written.exercises)
    assert table["exercise"].tolist() == ["1.1.1", "1.1.2", "1.1.3"]
    assert table["share"].tolist()[:2] == [0.5, 1]
    made = pd.read_csv(written.mistakes)
    assert made[["mistake", "students", "of"]].to_numpy().tolist() == [
        ["epsilon outside the root", 2, 4]
    ]
    assert made["sentence"].tolist() == [SENTENCE]


def test_a_report_says_which_tests_an_answer_could_tamper_with(graded: Course) -> None:
    version = versions(graded, "sums")
    plans = {"sums": {"test_ex_1_1_2": TestPlan(inside="it deletes a function")}}
    keep(graded, "sums", Proof(digest(version), "of some code", {}, plans=plans))

    text = Seen(write_report(graded, "sums").page.read_text(encoding="utf-8")).text

    told = "The test of '1.1.2' runs in the notebook's own process, where an answer could tamper"
    assert told in text


def test_the_same_class_gives_the_same_bytes(graded: Course) -> None:
    first = write_report(graded, "sums").page.read_bytes()

    assert write_report(graded, "sums").page.read_bytes() == first
    assert page(numbers(drawn(30))) == page(numbers(drawn(30)))


def points(of: ClassMember) -> float | None:
    return of.marks.points if of.marks else None


def many(students: int) -> Class:
    return drawn(students, seed=3)


CLASSES: dict[str, Callable[[], Class]] = {
    "forty": lambda: many(40),
    "one": lambda: many(1),
    "five": lambda: many(5),
    "all the same": lambda: columns(ex_1=[2.0] * 12, ex_2=[2.0] * 12),
    "nobody has a point": lambda: columns(ex_1=[0.0] * 12, ex_2=[0.0] * 12),
    "an exercise that nobody answered": lambda: columns(
        ex_1=[2.0, 0.0] * 6, ex_2=[2.0, 0.0] * 6, ex_3=[None] * 12
    ),
    "one exercise": lambda: columns(ex_1=[2.0, 0.0] * 6),
    "extra credit": lambda: columns(ex_1=[3.0, 0.0] * 6, ex_2=[2.5, 1.0] * 6),
    "two notebooks": lambda: class_of(
        [exercise("1.1", notebook=name, label=f"{name} 1.1") for name in ("a", "b$x_1^{$")],
        [member(f"s{i}", {}) for i in range(3)],
    ),
    "an odd label": lambda: class_of(
        [exercise("<b>&\u202e" + "x" * 300)], [member("s", {"<b>&\u202e" + "x" * 300: 1.0})]
    ),
}


@pytest.mark.parametrize("which", CLASSES)
def test_every_class_gets_a_page_that_is_well_formed_and_says_everything_in_words(
    which: str,
) -> None:
    found = Seen(page(numbers(CLASSES[which]())))

    ids = Counter(given["id"] for _, given in found.tags if "id" in given)
    assert set(ids.values()) == {1}
    for tag, given in found.tags:
        assert tag not in ("script", "link", "iframe", "object", "img", "form", "b"), tag
        assert not any(name.startswith("on") or name == "style" for name in given), (tag, given)
        for name in ("href", "src"):
            assert (given.get(name) or "#").startswith("#")
        for name in ("aria-labelledby", "aria-describedby"):
            if name in given:
                assert given[name] in ids
        if tag == "use":
            assert (given["href"] or "")[1:] in ids
    pictures = [given for tag, given in found.tags if tag == "svg"]
    assert all(given["role"] == "img" for given in pictures)
    told = [given for tag, given in found.tags if tag in ("title", "desc") and "id" in given]
    assert len(told) == 2 * len(pictures)
    assert "nan" not in found.text
    assert "\u202e" not in found.text
    assert "None" not in found.text


def test_a_picture_is_drawn_in_roles_alone_and_any_other_colour_is_an_error() -> None:
    with mpl.rc_context(CHART_SETTINGS):
        figure = Figure()
        figure.subplots().plot([1, 2], color="#ff0000")

    with pytest.raises(ValueError, match="#ff0000, which stands for nothing"):
        inline(figure, "red", "A line", "It is red.")


def test_what_is_no_drawing_cannot_be_part_of_a_page() -> None:
    with mpl.rc_context(CHART_SETTINGS):
        figure = Figure()
        axes = figure.subplots()
        axes.imshow([[0, 1]])

        with pytest.raises(ValueError, match="<image> cannot be part"):
            inline(figure, "image", "An image", "Pixels.")


def test_numbers_on_the_map_are_written_in_the_pages_colour_on_its_ends_alone() -> None:
    steps = ListedColormap([ROLES[step] for step in DIVERGING])

    for r in np.linspace(-1, 1, 2001):
        step = DIVERGING.index(_ROLE_OF[to_hex(steps(Normalize(-1, 1)(r)))])
        if abs(abs(r) - 7 / 11) > 1e-6:
            assert on_map(r) == ("page" if step < 2 or step > 8 else "ink"), r


def test_every_role_has_a_colour_in_the_style_sheet() -> None:
    sheet = Path("nbjudge/report/templates/style.css")
    style = (Path(__file__).parents[3] / sheet).read_text(encoding="utf-8")

    for role in ROLES:
        assert f".fill-{role} {{ fill: var(--" in style, role


def test_hostile_names_and_remarks_are_text() -> None:
    text = page(numbers(drawn(30)))

    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<b>bad" not in text
    assert "\u202e" not in text
    assert "&lt;i&gt;" in text


def test_who_handed_in_nothing_is_listed_by_name(graded: Course) -> None:
    text = page(numbers(gather(graded, "sums")))
    _, _, missing = text.partition('<h2 id="missing">Not handed in</h2>')

    assert (
        "<bdi>Nobody Came</bdi> <small><bdi>absent</bdi></small>" in missing.partition("</ul>")[0]
    )


def test_tables_are_what_the_page_says_and_guard_against_formulas() -> None:
    of = drawn(40)
    evil = replace(of.exercises[0], number="=1+1", label="=1+1")
    renamed = [
        replace(
            each,
            answers={
                (key[0], "=1+1") if key[1] == "1.1" else key: replace(answer, mistake="@m")
                for key, answer in each.answers.items()
            },
        )
        for each in of.members
    ]
    found = numbers(replace(of, exercises=(evil, *of.exercises[1:]), members=tuple(renamed)))

    for text, heading in ((exercises(found), EXERCISE_COLUMNS), (mistakes_table(found), MISTAKES)):
        lines = text.splitlines()
        assert lines[0].split(",") == list(heading)
        assert not re.search(r"(^|,)\"?[=@+]", text, re.MULTILINE)
    assert "'=1+1" in exercises(found)


# ---- Without names -------------------------------------------------------------------------------


def strings(of: Class) -> Iterator[str]:
    for each in of.members:
        yield from (each.student, each.name, *each.remarks)
        if each.marks:
            yield from (each.marks.student, each.marks.name)


def test_an_anonymous_class_holds_no_id_name_or_file_name() -> None:
    named = drawn(40)
    remarks = (
        "'book.ipynb' is missing; there is 'book (1) Name3.ipynb', 'it's id-004'. Rename it.",
        "Something unexpected happened (OSError: /submitted/id-005/book).",
        "It was Family7 and ID-003's, says 'an open quotation by Ann",
    )
    named = replace(named, members=(replace(named.members[0], remarks=remarks), *named.members[1:]))

    of = anonymous(named, SECRET)

    everything = " ".join(strings(of))
    for each in named.members:
        for word in (each.student, *each.name.split()):
            if word != "gone":
                assert word.lower() not in everything.lower(), word
    assert "Ann" not in everything
    assert "'book.ipynb' is missing; there is …. Rename it." in everything
    text = page(numbers(of), is_anonymous=True)
    assert "Family" not in text
    assert not re.search(r"\bid-\d", text)
    assert "This page names nobody" in text


def test_numbers_follow_from_the_secret_and_from_no_name() -> None:
    named = drawn(40)

    def order(secret: str) -> list[float | None]:
        return [points(each) for each in anonymous(named, secret).members]

    assert order(SECRET) == order(SECRET)
    assert order(SECRET) != order("another")
    assert order(SECRET) != [points(each) for each in named.members]
    assert [each.student for each in anonymous(named, SECRET).members] == [
        f"student {i + 1}" for i in range(42)
    ]


def test_the_numbers_of_a_class_are_the_same_without_names() -> None:
    named = numbers(drawn(40))
    unnamed = numbers(anonymous(drawn(40), SECRET))

    assert unnamed.marks == named.marks
    assert unnamed.mistakes == named.mistakes
    for one, other in zip(unnamed.exercises, named.exercises, strict=True):
        assert (one.full, one.empty, one.share) == (other.full, other.empty, other.share)
        assert one.discrimination.r == pytest.approx(other.discrimination.r)


def test_an_anonymous_report_stands_beside_the_other_and_names_nobody(graded: Course) -> None:
    hand_in(graded, "lovelace-a", answered(graded), "Lovelace homework.ipynb")
    (graded.root / "submitted" / "lovelace-a" / "sums" / "sums.ipynb").unlink(missing_ok=True)
    write_report(graded, "sums")

    written = write_report(graded, "sums", anonymous=True)

    files = (written.page, written.exercises, written.mistakes)
    assert len(list((graded.root / "reports").iterdir())) == 6
    for path in files:
        assert path.name.startswith("sums-anonymous")
        text = path.read_text(encoding="utf-8").lower()
        for word in ("ada", "bob", "mia", "zoe", "frida", "lovelace", "absent"):
            assert not re.search(rf"\b{word}\b", text), (path, word)
    assert re.search(r"student \d", written.page.read_text(encoding="utf-8"))


# ---- What is missing -----------------------------------------------------------------------------


def call(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_names_what_it_wrote_and_what_stands_out(graded: Course) -> None:
    found = call("--course", graded.root, "report", "sums")

    assert found.exit_code == 0
    first, *rest = found.output.splitlines()
    assert first == (
        "sums: reports/sums.html, reports/sums-exercises.csv, reports/sums-mistakes.csv"
    )
    assert rest[0].startswith("  4 students are graded")


def test_an_assignment_that_nobody_is_graded_in_is_one_sentence(course: Course) -> None:
    hand_in(course, "ada", answered(course))

    found = call("--course", course.root, "report", "sums")

    assert found.exit_code == 1
    assert "Nothing of 'sums' is graded" in found.output
    assert "course autograde sums" in found.output
    assert "Traceback" not in found.output
    with pytest.raises(NothingGraded):
        write_report(course, "sums")
    assert not (course.root / "reports" / "sums.html").exists()


def test_of_all_assignments_those_that_are_not_graded_are_passed_over(
    graded: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = shutil.copytree(graded.root / "source" / "sums", graded.root / "source" / "zeros")
    assert other.is_dir()
    with open_gradebook(graded) as gradebook:
        gradebook.update_or_create_assignment("zeros")
    assert graded.api().generate_assignment("zeros")["success"]

    found = call("--course", graded.root, "report")

    assert found.exit_code == 0
    assert "reports/sums.html" in found.output
    assert "Nothing of 'zeros' is graded" in found.output


@pytest.mark.parametrize(
    ("name", "said"), [("absent", "No assignment 'absent'"), ("later", "course release later")]
)
def test_an_assignment_that_is_not_there_or_not_released_is_one_sentence(
    graded: Course, name: str, said: str
) -> None:
    shutil.copytree(graded.root / "source" / "sums", graded.root / "source" / "later")

    found = call("--course", graded.root, "report", name)

    assert found.exit_code == 1
    assert said in found.output


def test_a_locked_gradebook_is_one_sentence(
    graded: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It waits for five seconds by itself; here nobody has them.
    monkeypatch.setattr(sqlite3.dbapi2, "connect", _impatient(sqlite3.dbapi2.connect))
    holder = sqlite3.connect(graded.root / "gradebook.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(CourseError, match="locked by another program"):
            write_report(graded, "sums")
    finally:
        holder.close()


def _impatient(connect: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments, **settings: connect(*arguments, **{**settings, "timeout": 0.01})


def test_a_folder_that_cannot_be_written_is_one_sentence(graded: Course) -> None:
    shutil.rmtree(graded.root / "reports", ignore_errors=True)
    (graded.root / "reports").write_text("in the way")

    with pytest.raises(CourseError, match=r"sums\.html cannot be written"):
        write_report(graded, "sums")


def test_a_class_takes_as_many_questions_to_the_gradebook_as_a_student(
    graded: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening: list[str] = []
    original = gradebooks.open_gradebook

    def counting(course: Course) -> Any:
        opening.append("once")
        return original(course)

    monkeypatch.setattr(gradebooks, "open_gradebook", counting)

    gather(graded, "sums")

    assert len(opening) <= 4  # not once for each of the students
