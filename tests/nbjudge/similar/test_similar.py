"""From a folder of submissions to what a person is told: nothing runs, nobody is accused."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import pytest
from classroom import answered, hand_in, released_course
from typer.testing import CliRunner

from nbjudge.cli.commands import app
from nbjudge.course.course import Course
from nbjudge.course.gradebook import versions
from nbjudge.exceptions import CourseError
from nbjudge.release import source
from nbjudge.similar import find, similar_page
from nbjudge.similar.find import Similar, compare_class
from nbjudge.similar.fingerprints import AnswerKind, read_answer
from nbjudge.similar.similar_page import describe_groups, mark_passages, page_on_class

STUDENTS = ("ada", "bob", "cyd", "dora", "eva", "finn", "gus", "hana")


def odd(seed: object) -> str:
    """Return a long answer to exercise 1.1.1 that nobody else would write."""
    random = Random(str(seed))
    steps = "".join(
        f"    running = running {random.choice('+-*')} numbers[{random.randint(0, 99)}] "
        f"{random.choice(['//', '%', '**'])} {random.randint(2, 99)}\n"
        for _ in range(10)
    )
    return (
        f"def total(numbers):\n    running = {random.randint(2, 99)}\n{steps}    return running\n"
    )


def words(seed: object) -> str:
    random = Random(str(seed))
    return " ".join(f"word{random.randint(0, 10**6)}" for _ in range(40))


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return released_course(tmp_path_factory.mktemp("released") / "course")


@pytest.fixture
def course(released: Course, tmp_path: Path) -> Course:
    """Return a released course in which everybody has an answer of their own."""
    made = Course(shutil.copytree(released.root, tmp_path / "course"))
    for student in STUDENTS:
        submit(made, student)
    return made


def submit(course: Course, student: str, **replaced: str) -> Path:
    own = {"ex_1_1_1": odd(student), "ex_1_1_3": words(student)}
    return hand_in(course, student, answered(course, **{**own, **replaced}))


def names(found: Similar) -> list[tuple[str, ...]]:
    return [
        tuple(found.students[member].id for member in group.members)
        for group in found.findings.groups
    ]


def call(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_class_in_which_nothing_stands_out_is_told_so_in_a_sentence(course: Course) -> None:
    shown = call("--course", course.root, "similar")

    assert shown.exit_code == 0
    told = "sums: nothing stands out among 8 submissions (28 pairs).\n  reports/sums-similar.html\n"
    assert shown.stdout == told
    written = (course.root / "reports" / "sums-similar.html").read_text(encoding="utf-8")
    assert "Nothing stands out" in written


def test_two_with_the_same_odd_answer_are_told_and_what_it_means(course: Course) -> None:
    submit(course, "gus", ex_1_1_1=odd("ada").replace("running", "subtotal"))

    shown = call("--course", course.root, "similar", "sums")

    assert shown.exit_code == 0
    assert "sums: 1 pair of 28 to read, 8 submissions\n" in shown.stdout
    assert "ada, gus\n" in shown.stdout
    assert "A reason to read both, not a proof." in shown.stdout
    written = (course.root / "reports" / "sums-similar.html").read_text(encoding="utf-8")
    assert "a reason to read both answers, not a proof" in written
    assert "subtotal" in written
    assert "bob" not in written


def test_answers_that_everybody_must_give_alike_are_no_reason(course: Course) -> None:
    for student in STUDENTS:
        hand_in(course, student, answered(course))

    assert compare_class(course, "sums").findings.groups == ()


def test_known_answers_that_lie_beside_the_source_are_known(course: Course) -> None:
    usual = odd("a usual mistake")
    place = course.root / "known" / "sums" / "ex_1_1_1.diff"
    place.parent.mkdir(parents=True)
    place.write_text(f"# %% mistake: odd\n# Sum them.\n{usual}", encoding="utf-8")

    known = compare_class(course, "sums").exercises["1.1.1"].known

    assert known >= frozenset(read_answer(usual, AnswerKind.CODE).places)


def test_a_known_answer_that_cannot_be_read_is_told(course: Course) -> None:
    place = course.root / "known" / "sums" / "ex_1_1_1.diff"
    place.parent.mkdir(parents=True)
    place.write_text("# %% odd\n", encoding="utf-8")

    with pytest.raises(CourseError, match=r"ex_1_1_1\.diff, line 1: after # %% there has to"):
        compare_class(course, "sums")


def test_what_is_left_as_it_was_released_is_no_answer(course: Course) -> None:
    for student in ("ada", "bob"):
        shutil.copy(
            course.root / "release" / "sums" / "sums.ipynb",
            course.root / "submitted" / student / "sums",
        )

    found = compare_class(course, "sums")

    assert [student.id for student in found.students] == list(STUDENTS[2:])


def test_written_answers_are_compared_by_their_words(course: Course) -> None:
    submit(course, "bob", ex_1_1_3=f"I think: {words('hana').upper()}")

    found = compare_class(course, "sums")

    assert names(found) == [("bob", "hana")]
    (pair,) = found.findings.groups[0].pairs
    assert pair.written >= 1 > pair.alone
    assert "A written answer has passages" in page_on_class(found)


def test_one_student_is_told_their_pairs_only_by_what_the_whole_class_wrote(course: Course) -> None:
    submit(course, "gus", ex_1_1_1=odd("ada"))
    submit(course, "hana", ex_1_1_1=odd("bob"))

    found = compare_class(course, "sums", students=["gus"])

    assert names(found) == [("ada", "gus")]
    assert len(found.students) == len(STUDENTS)
    with pytest.raises(CourseError, match="No folder in submitted/ for nobody"):
        compare_class(course, "sums", students=["nobody"])


@pytest.mark.parametrize("within", ["", "submitted"])
def test_an_earlier_class_is_compared_with_and_not_with_itself(
    course: Course, released: Course, tmp_path: Path, within: str
) -> None:
    earlier = Course(tmp_path / "earlier")
    (earlier.root / "release").mkdir(parents=True)
    shutil.copytree(released.root / "source", earlier.root / "source")
    shutil.copytree(released.root / "release", earlier.root / "release", dirs_exist_ok=True)
    for student, text in (("old", odd("ada")), ("older", odd("ada")), ("bob", odd("bob"))):
        submit(earlier, student, ex_1_1_1=text)

    found = compare_class(course, "sums", against=earlier.root / within)

    assert {pair.one for group in found.findings.groups for pair in group.pairs} == {0}
    assert names(found) == [("ada", "old", "older")]
    assert "old (earlier class)" in page_on_class(found)
    # bob repeats the course, with an answer of his own.
    assert found.findings.pairs == 11 * 10 // 2 - 3 - 1


def test_an_earlier_class_without_the_assignment_is_a_clear_error(
    course: Course, tmp_path: Path
) -> None:
    shown = call("--course", course.root, "similar", "--against", tmp_path)

    assert shown.exit_code == 1
    assert "No submission of 'sums' in" in shown.stderr
    assert "Name the folder of an earlier course" in shown.stderr


def test_an_assignment_that_was_never_released_is_a_clear_error(tmp_path: Path) -> None:
    from classroom import TINY

    shown = call("--course", shutil.copytree(TINY, tmp_path / "course"), "similar")

    assert shown.exit_code == 1
    assert "Run `course release sums` first." in shown.stderr


def test_what_cannot_be_read_is_told_and_costs_nobody_else(course: Course) -> None:
    submit(course, "gus", ex_1_1_1=odd("ada"))
    hand_in(course, "bad", b'{"cells": [')
    lost = answered(course)
    for cell in lost.cells:
        cell.metadata.pop("nbgrader", None)
    hand_in(course, "lost", lost)
    (course.root / "submitted" / "link").symlink_to(course.root / "submitted" / "ada")
    (course.root / "submitted" / "absent").mkdir()

    found = compare_class(course, "sums")

    assert names(found) == [("ada", "gus")]
    told = {student.id: " ".join(sentences) for student, sentences in found.remarks.items()}
    assert set(told) == {"bad", "link", "lost"}
    assert "not JSON" in told["bad"]
    assert "symbolic link" in told["link"]
    assert "cannot be told from the rest" in told["lost"]
    written = page_on_class(found)
    assert "symbolic link" in written
    assert "Not compared in full: 3 submissions." in " ".join(describe_groups(found, "x"))
    assert (
        "bad"
        not in page_on_class(found, anonymous=True).partition("Not compared")[2].partition("<p>")[0]
    )


HOSTILE = "</code></pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;"


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)


def test_a_hostile_answer_is_text_on_the_page_and_never_runs(
    course: Course, tmp_path: Path
) -> None:
    trace = tmp_path / "ran"
    code = (
        odd("ada")
        + f"open({str(trace)!r}, 'w')\n# {HOSTILE}\nx = '''{HOSTILE}'''\n\u202e\x00\x1b[2J(((\n"
    )
    for student in ("<b>gus", "ada"):
        submit(course, student, ex_1_1_1=code, ex_1_1_3=f"{HOSTILE} {words(1)}")

    found = compare_class(course, "sums")
    written = page_on_class(found)

    assert names(found) == [("<b>gus", "ada")]
    assert not trace.exists()
    assert not {"script", "img", "b", "style2", "link", "iframe"} & set(Tags(written).seen)
    assert "&lt;script&gt;" in written
    assert "[U+202E]" in written
    assert not {"\x00", "\x1b", "\u202e"} & set(written)


def test_an_answer_of_megabytes_is_compared_and_shown_in_part(course: Course) -> None:
    for student in ("ada", "gus"):
        submit(course, student, ex_1_1_1=odd("ada") + "x = 1\n" * 200_000)

    written = page_on_class(compare_class(course, "sums"))

    assert "It was compared as far as this." in written
    assert len(written) < 500_000  # of 2.4 million characters


def test_anonymous_pages_and_data_name_nobody(course: Course) -> None:
    submit(course, "gus", ex_1_1_1=odd("ada"))
    submit(course, "bob", ex_1_1_1=odd("ada"))

    shown = call("--course", course.root, "similar", "--anonymous")
    data = call("--course", course.root, "similar", "--anonymous", "--json")

    written = (course.root / "reports" / "sums-similar.html").read_text(encoding="utf-8")
    for text in (shown.stdout, data.stdout, written):
        assert "student 3" in text
        assert not [
            name for name in ("ada", "gus", "bob") if f"{name}<" in text or f'"{name}' in text
        ]


def test_machines_get_numbers_and_no_answers(course: Course) -> None:
    submit(course, "gus", ex_1_1_1=odd("ada"))

    (data,) = json.loads(call("--course", course.root, "similar", "--json").stdout)

    assert (data["assignment"], data["submissions"], data["pairs"]) == ("sums", 8, 28)
    (group,) = data["groups"]
    (pair,) = group["pairs"]
    assert pair["students"] == ["ada", "gus"]
    assert pair["score"] >= 1
    (first,) = [each for each in pair["exercises"] if each["exercise"] == "1.1.1"]
    assert first["share"] == pytest.approx(1)
    assert "numbers[" not in json.dumps(data)


def test_a_group_is_told_as_one_and_everybody_is_shown_once_beside_another(course: Course) -> None:
    for student in ("bob", "gus"):
        submit(course, student, ex_1_1_1=odd("ada"))

    written = page_on_class(compare_class(course, "sums"))

    assert "These 3 belong together" in written
    assert "in 3 pairs that stand out" in written
    assert written.count("<figure>") == 2 * 2


def test_a_page_of_many_groups_and_exercises_is_bounded(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(course, "gus", ex_1_1_1=odd("ada"))
    submit(course, "hana", ex_1_1_1=odd("bob"))
    monkeypatch.setattr(similar_page, "MOST_GROUPS_ON_PAGE", 1)

    written = page_on_class(compare_class(course, "sums"))

    assert written.count('class="group"') == 1
    assert "1 more group stands out" in written


def test_passages_are_marked_line_by_line_by_how_many_have_them() -> None:
    read = read_answer("if x > 1:\n    y = a * b - c\n    z = 2\n")
    keys = list(read.places)

    html = mark_passages(read, keys[-1:], keys[:1], AnswerKind.CODE)

    assert unescape(re.sub(r"<[^>]*>", "", html)) == read.text
    assert html.count('<mark class="rare">') == 2
    assert html.count('<mark class="common">') == 2
    assert "\n" not in html.partition('<mark class="rare">')[2].partition("</mark>")[0]


@pytest.mark.slow
def test_planted_copies_are_found_and_honest_pairs_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "benchmarks")
    from disguise import DISGUISES
    from similar import MadeUpClass, copy_of, measured

    course = Course.find(Path(__file__).parent)
    made_up = MadeUpClass(copy_of(course, tmp_path / "course", "optimisers"), "optimisers", 3)
    made_up.fill(40, 2, DISGUISES)
    made_up.hand_in()

    found = measured(made_up)

    assert found.honest == 0
    assert found.found == dict.fromkeys(DISGUISES, (2, 2))


def test_what_the_notebook_gave_anywhere_counts_for_nothing(course: Course) -> None:
    release = course.root / "release" / "sums" / "sums.ipynb"
    notebook = source.read_source(release)
    example = (
        "def scan(values):\n    seen = []\n    for value in values:\n        seen += [value * 2]\n"
    )
    notebook.cells[0].source += f"\n\n```python\n{example}```\n"
    release.write_text(source.notebook_text(notebook), encoding="utf-8")
    version = versions(course, "sums")["sums"]

    (code, given), (words, prose) = find._texts_given(course, "sums", version)

    assert (code, words) == (AnswerKind.CODE, AnswerKind.WORDS)
    assert example in given
    assert read_answer(example, AnswerKind.CODE).places.keys() <= find._prints(
        given, AnswerKind.CODE
    )
    assert notebook.cells[0].source in prose
    assert not any("BEGIN HIDDEN TESTS" in text for text in given)
