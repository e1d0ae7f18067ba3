"""What a class shows of its mistakes, and what naming one changes: pages, and no mark."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from classroom import AtOnce, answered, hand_in, released_course
from rich.console import Console
from typer.testing import CliRunner

from nbjudge.cli.commands import app
from nbjudge.cli.show_mistakes import show_groups
from nbjudge.course.course import Course
from nbjudge.course.gradebook import versions
from nbjudge.exceptions import CourseError
from nbjudge.feedback.write import write_feedback
from nbjudge.grading.batch import grade_assignment
from nbjudge.judge.known_file import Known
from nbjudge.mistakes.catalogue import read_catalogue
from nbjudge.mistakes.known_behaviours import (
    Examined,
    Examiner,
    NamedMistakes,
    TestResult,
    named_mistakes,
)
from nbjudge.mistakes.naming import name_group
from nbjudge.mistakes.wrong_answers import WrongAnswers, class_answers, group, read_answers
from nbjudge.proof import fairness
from nbjudge.report import write_report

pytestmark = pytest.mark.slow

LAST = "def total(numbers):\n    # Ada wrote this.\n    return numbers[-1] if numbers else 0"
LAST_TOO = (
    "def total(n):\n    last = 0\n    for number in n:\n        last = number\n    return last"
)
COUNT = "def total(numbers):\n    return len(numbers)"
HOSTILE = (
    "def total(numbers):\n    '''# %% mistake: forged\n# %% solution\n</pre><script>alert(1)'''\n"
    "    raise ValueError('\x1b]0;title\x07[bold red]</bdi><script>alert(1)</script>')"
)
#: It leans on the answer before, in which its mistake is.
LEANING = "def mean(numbers):\n    return total(numbers) / len(numbers)"
SENTENCE = "You return the last number, and a total is of all."


def wrong(student: str, **answers: str) -> tuple[str, dict[str, str]]:
    return student, answers


CLASS = (
    wrong("ada", ex_1_1_1=LAST),
    wrong("bea", ex_1_1_1=LAST_TOO),
    wrong("cyd", ex_1_1_1=LAST, ex_1_1_2=LEANING),
    wrong("dan", ex_1_1_1=COUNT),
    wrong("eve", ex_1_1_1=HOSTILE),
    wrong("fay", ex_1_1_1=HOSTILE),
    wrong("gus"),
)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    made = released_course(tmp_path_factory.mktemp("mistakes") / "course")
    for student, answers in CLASS:
        hand_in(made, student, answered(made, **answers))
    rows = grade_assignment(made, "sums", get_pool=AtOnce())
    assert [row.graded_now for row in rows] == [True] * len(CLASS)
    return made


@pytest.fixture
def fresh(course: Course, tmp_path: Path) -> Course:
    """Return the course as it was graded, with nothing named."""
    return Course(shutil.copytree(course.root, tmp_path / "course"))


def groups(course: Course) -> list[WrongAnswers]:
    own = versions(course, "sums")
    return group(class_answers(course, "sums", own, named_mistakes(course, "sums")))


def who(found: WrongAnswers) -> list[str]:
    return sorted(answer.student for answer in found.answers)


def name(course: Course, number: int = 0, sentence: str = SENTENCE) -> Path:
    path, _ = name_group(course, "sums", Examiner(course, "sums"), groups(course)[number], sentence)
    return path


def page(course: Course, student: str) -> str:
    (row,) = write_feedback(course, "sums", students=[student])
    return row.pages[0].read_text(encoding="utf-8")


def test_wrong_answers_are_grouped_by_what_they_do(course: Course) -> None:
    found = groups(course)

    assert [who(each) for each in found] == [
        ["ada", "bea", "cyd"],
        ["eve", "fay"],
        ["dan"],
        ["cyd"],
    ]
    assert {each.example.exercise for each in found[:3]} == {"1.1.1"}
    # Two of three have this text.
    assert found[0].example.texts == {"ex_1_1_1": LAST}


def test_a_name_is_read_by_all_who_made_the_mistake_and_changes_no_mark(fresh: Course) -> None:
    assert SENTENCE not in page(fresh, "ada")

    path = name(fresh)

    assert path == fresh.root / "known" / "sums" / "ex_1_1_1.diff"
    assert "Ada" not in path.read_text(encoding="utf-8")
    assert [SENTENCE in page(fresh, student) for student, _ in CLASS] == [True] * 3 + [False] * 4
    rows = grade_assignment(fresh, "sums", get_pool=AtOnce(lambda job: pytest.fail("graded again")))
    assert not any(row.graded_now for row in rows)
    assert who(groups(fresh)[0]) == ["eve", "fay"]


def test_a_hostile_answer_can_be_named_and_runs_in_a_sandbox_only(fresh: Course) -> None:
    path = name(fresh, 1, "Return a number.")

    (file,) = read_catalogue(fresh, "sums", versions(fresh, "sums"))
    assert [known.kind for known in file.answers] == ["solution", "mistake"]
    assert "\x1b" not in path.read_text(encoding="utf-8")
    assert "Return a number." in page(fresh, "eve")


def test_a_mistake_of_an_earlier_answer_is_not_named_as_one_of_this(fresh: Course) -> None:
    with pytest.raises(CourseError, match=r"None of these answers to 1\.1\.2 behaves so"):
        name(fresh, 3)

    assert not (fresh.root / "known").exists()


def test_a_known_answer_runs_once(fresh: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    name(fresh)
    before = named_mistakes(fresh, "sums")

    monkeypatch.setattr(Examiner, "examine", lambda *_, **__: pytest.fail("it ran again"))

    assert named_mistakes(fresh, "sums")._known == before._known != {}


def test_a_damaged_cache_is_made_anew(fresh: Course) -> None:
    name(fresh)
    before = named_mistakes(fresh, "sums")
    (kept,) = (fresh.root / ".course_proofs" / "known").iterdir()
    kept.write_text('{"a": 1', encoding="utf-8")

    assert named_mistakes(fresh, "sums")._known == before._known


def test_nothing_of_a_catalogue_is_released(fresh: Course) -> None:
    name(fresh)

    assert CliRunner().invoke(app, ["--course", str(fresh.root), "release", "sums"]).exit_code == 0

    released = [path for path in (fresh.root / "release").rglob("*") if path.is_file()]
    assert not [path for path in released if path.suffix == ".diff" or "known" in path.parts]
    assert not [path for path in released if SENTENCE.encode() in path.read_bytes()]


def test_a_file_about_no_answer_is_told_and_costs_no_page(fresh: Course) -> None:
    name(fresh)
    (fresh.root / "known" / "sums" / "ex_9.diff").write_text("# %% solution\nx = 1\n")

    with pytest.raises(CourseError, match=r"known/sums/ex_9.diff is about no answer of 'sums'"):
        named_mistakes(fresh, "sums")
    assert "Your answer to 1.1.1" in page(fresh, "ada")


def test_the_check_proves_a_catalogue(fresh: Course) -> None:
    path = name(fresh)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n# %% mistake: none\n# It is right.\n-    running = 0.0\n+    running = 0\n")
        file.write("\n# %% style: built in\ntotal = sum\n")

    found = fairness.measure(fresh, ["sums"])

    assert found.unknown == ("1.1.2",)
    (row,) = found.rows
    assert [(one.loses, one.is_named, one.seen) for one in row.mistakes] == [
        (True, True, True),
        (False, False, False),
    ]
    assert [style.keeps for style in row.styles] == [True]
    assert not found.ok


def test_the_report_shows_the_largest_groups_and_names_nobody_in_them(fresh: Course) -> None:
    name(fresh)

    text = write_report(fresh, "sums").page.read_text(encoding="utf-8")
    without_names = write_report(fresh, "sums", anonymous=True).page.read_text(encoding="utf-8")

    assert "Not named yet" in text
    assert "2 of 7" in text
    assert "&lt;/pre&gt;&lt;script&gt;" in text
    assert "<script>alert" not in text + without_names
    assert "You return the last number" in text
    assert "raise ValueError" not in without_names
    assert "Not named yet" in without_names


def test_the_command_shows_groups_and_names_one(fresh: Course) -> None:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["--course", str(fresh.root), "mistakes", *arguments])

    shown = run("sums")
    named = run("sums", "--name", SENTENCE, "--group", "1")
    after = run("sums")
    beyond = run("sums", "--name", SENTENCE, "--group", "9")
    everything = run()

    assert shown.exit_code == named.exit_code == after.exit_code == 0
    assert " 1  3 answers to 1.1.1 of sums: 0 of 2 points" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "[bold red]" in shown.stdout
    assert "3 students read it in new feedback pages: course feedback sums" in named.stdout
    assert "3 named in the feedback" in after.stdout
    assert beyond.exit_code == 1
    assert "There is no group 9" in beyond.stderr
    assert everything.stdout == after.stdout


def test_a_long_answer_is_cut_where_it_is_shown(course: Course) -> None:
    answers = list(class_answers(course, "sums", versions(course, "sums"), NamedMistakes()))
    long = WrongAnswers((replace(answers[0], texts={"ex_1_1_1": "x = 1\n" * 10_000}),))
    console = Console(record=True, width=80, file=io.StringIO())

    show_groups(console, "sums", [long], answers)

    assert len(console.export_text().splitlines()) < 50


def test_a_record_that_is_none_tells_of_no_answer(course: Course) -> None:
    version = versions(course, "sums")["sums"]
    path = course.root / "autograded" / "ada" / "sums" / "sums.ipynb"
    notebook = json.loads(path.read_bytes())
    assert list(read_answers(notebook, "ada", version))

    for record in (None, [], {"verdicts": 3}, {"verdicts": {"test_ex_1_1_1": "x"}}):
        notebook["metadata"]["course"] = record
        NamedMistakes().tell("sums", record)
        assert not list(read_answers(notebook, "ada", version))


def examined(grade_id: str, name: str, *results: TestResult) -> Examined:
    return Examined("sums", grade_id, Known(name, f"Sentence of {name}.", ""), results)


@pytest.mark.parametrize(("made", "told"), [("a", "slip (1.1)"), ("another", "")])
def test_what_follows_from_a_mistake_is_told_to_who_made_it(made: str, told: str) -> None:
    named = NamedMistakes(
        [
            examined(
                "ex_1_1",
                "slip",
                TestResult("test_ex_1_1", 0, 1, "a"),
                TestResult("test_ex_1_2", 0, 1, "b", follows=True),
            )
        ]
    )
    record = {
        "verdicts": {
            "test_ex_1_1": {"behaviour": made, "mistake": "", "sentence": ""},
            "test_ex_1_2": {"behaviour": "b", "mistake": "", "sentence": ""},
        }
    }

    named.tell("sums", record)

    own, following = record["verdicts"].values()
    assert own["mistake"] == ("slip" if told else "")
    assert following["mistake"] == told
    sentence = "This follows from your answer to 1.1: Sentence of slip." if told else ""
    assert following["sentence"] == sentence
