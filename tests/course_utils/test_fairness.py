"""What becomes of known mistakes and right answers, and how `course check` tells it."""

from __future__ import annotations

import io
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from classroom import TINY
from nbgrader.preprocessors import ClearHiddenTests
from rich.console import Console
from typer.testing import CliRunner

from course_utils.data import DataError
from course_utils.reference import answers
from course_utils.reference.answers import symbols
from course_utils.reference.examine import EXERCISES
from course_utils.reference.known_answers import Known, mistakes, styles
from nbjudge.cli.commands import app
from nbjudge.course.course import CONFIG_NAME, Course
from nbjudge.exceptions import CourseError
from nbjudge.proof import fairness, self_check
from nbjudge.proof.fairness import (
    ExerciseFairness,
    Fairness,
    MistakeFound,
    StyleFound,
    cells_of,
    fairness_tables,
    measure,
)
from nbjudge.release import source

COURSE = Course(Path(__file__).parents[2])
PLUG = COURSE.plug
CELLS = {cell.grade_id: cell for name in COURSE.assignments for cell in cells_of(COURSE, name)}
LOSS = CELLS["ex_1_1_1"]

RIGHT = "def loss(w1, w2):\n    return 40 * w1**2 + 10 * w2**2 + 40 * w2\n"
ROUNDED = "def loss(w1, w2):\n    return np.round(40 * w1**2 + 10 * w2**2 + 40 * w2, 3)\n"
NOBODYS = "def loss(w1, w2):\n    return 41 * w1**2 + 12 * w2**2 + 43 * w2\n"


def shown(found: Fairness, width: int = 80, **how: Any) -> str:
    console = Console(width=width, file=io.StringIO())
    for part in fairness_tables(found, **how):
        console.print(part)
    return console.file.getvalue()


def mistake(name: str = "sign", **told: Any) -> MistakeFound:
    told = {"mark": 0.0, "points": 2.0, "named": name, "seen": True, **told}
    return MistakeFound(name, **told)


def style(name: str = "a lambda", mark: float = 2.0, reason: str = "") -> StyleFound:
    return StyleFound(name, mark, 2.0, reason)


def row(*answers: MistakeFound | StyleFound) -> ExerciseFairness:
    return ExerciseFairness(
        "1.1.1",
        tuple(answer for answer in answers if isinstance(answer, MistakeFound)),
        tuple(answer for answer in answers if isinstance(answer, StyleFound)),
    )


# The course.


def test_every_exercise_with_known_answers_has_a_test_cell() -> None:
    assert {
        cell.grade_id for cell in CELLS.values() if cell.is_about(symbols(cell.grade_id))
    } == set(EXERCISES)


@pytest.mark.parametrize("path", sorted(COURSE.root.glob("source/*/*.ipynb")), ids=lambda p: p.stem)
def test_the_visible_part_is_what_nbgrader_leaves(path: Path) -> None:
    released, _ = ClearHiddenTests().preprocess(source.read_source(path), {})

    left = {
        name.removeprefix("test_"): cell.source.rstrip()
        for name, cell in source.by_grade_id(released).items()
        if name.startswith("test_ex")
    }
    found = {name: CELLS[name].visible.rstrip() for name in left}

    assert found == left
    assert not any("examine" in visible for visible in found.values())


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("assignment", COURSE.assignments)
def test_the_marks_of_the_course_are_fair(assignment: str) -> None:
    done: list[tuple[int, int]] = []

    found = measure(COURSE, [assignment], lambda *so_far: done.append(so_far))

    assert found.unknown == ()
    assert [each.exercise for each in found.rows] == [
        c.exercise for c in cells_of(COURSE, assignment)
    ]
    for each in found.rows:
        assert [m.problem for m in each.mistakes if not m.loses] == []
        assert [s.reason for s in each.styles if not s.keeps] == []
        assert each.named == len(each.mistakes)
        assert [m.name for m in each.mistakes if not m.seen] == []
    assert found.ok
    assert done == [(i, len(done)) for i in range(1, len(done) + 1)]


# One answer.


def test_a_known_mistake_loses_is_named_and_seen() -> None:
    (known,) = (m for m in mistakes("ex_1_1_1") if m.name == "sign of the last term")

    found = fairness._mistake(LOSS, known, PLUG)

    assert (found.mark, found.named, found.seen, found.problem) == (0.0, known.name, True, "")


def test_a_mistake_that_only_hidden_tests_find_is_told_apart() -> None:
    found = fairness._mistake(LOSS, Known("rounded", "", ROUNDED), PLUG)

    assert found.loses
    assert not found.seen


def test_a_mistake_that_is_right_keeps_its_marks_and_that_is_told() -> None:
    found = fairness._mistake(LOSS, Known("no mistake", "", RIGHT), PLUG)

    assert (found.mark, found.loses) == (LOSS.points, False)
    assert found.problem == "keeps all its marks"


def test_a_mistake_that_nobody_knows_is_not_named() -> None:
    assert fairness._mistake(LOSS, Known("odd", "", NOBODYS), PLUG).problem == "is not named"


def test_a_mistake_that_behaves_as_another_is_told_with_its_name() -> None:
    (other,) = (m for m in mistakes("ex_1_1_1") if m.name == "sign of the last term")

    found = fairness._mistake(LOSS, replace(other, name="the same again"), PLUG)

    assert found.problem == "is told the sentence of “sign of the last term”"


def test_a_style_keeps_all_marks_or_its_reason_is_told() -> None:
    good = fairness._style(LOSS, styles("ex_1_1_1")[0], PLUG)
    bad = fairness._style(LOSS, Known("rounded", "", ROUNDED), PLUG)

    assert (good.keeps, good.reason) == (True, "")
    assert not bad.keeps
    assert bad.reason.startswith("✗ the cost at one point")


def test_a_style_that_loses_a_part_of_its_points_does_not_keep_them() -> None:
    cell = replace(LOSS, source="loss\n1", visible="loss\n1")

    assert not fairness._style(cell, Known("", "", RIGHT), PLUG).keeps
    assert fairness._mistake(cell, Known("", "", NOBODYS), PLUG).loses


def test_a_test_that_is_at_fault_proves_nothing() -> None:
    cell = replace(LOSS, source="import nothing_of_that_name\nloss")

    found = fairness._mistake(cell, Known("sign", "", NOBODYS), PLUG)

    assert not found.loses
    assert "nothing_of_that_name" in found.problem
    assert "nothing_of_that_name" in fairness._style(cell, Known("", "", RIGHT), PLUG).reason


@pytest.mark.parametrize("code", ["def loss(", "losses = 1\n", "1 / 0\n"])
def test_a_known_answer_that_does_not_run_proves_nothing(code: str) -> None:
    found = fairness._mistake(LOSS, Known("cut off", "", code), PLUG)

    assert not found.loses
    assert found.problem.startswith("a known answer fails: ")
    assert not fairness._style(LOSS, Known("cut off", "", code), PLUG).keeps


def test_missing_data_are_no_answers_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise DataError("There is no table.")

    monkeypatch.setattr(answers, "answers_of", missing)

    with pytest.raises(DataError, match="There is no table"):
        fairness._style(LOSS, Known("", "", RIGHT), PLUG)


# Several.


def small_course(root: Path, *numbers: str) -> Course:
    """Make a course of which only some exercises are left."""
    root.mkdir()
    shutil.copy(COURSE.root / CONFIG_NAME, root)
    kept = {f"test_ex_{number.replace('.', '_')}" for number in numbers}
    path = COURSE.root / "source" / "optimisers" / "optimisers.ipynb"
    notebook = source.read_source(path)
    notebook.cells = [cell for cell in notebook.cells if source.grade_id(cell) in kept]
    (root / "source" / "few").mkdir(parents=True)
    nbformat.write(notebook, root / "source" / "few" / "few.ipynb")
    return Course(root)


def test_known_answers_are_tested_in_processes_of_their_own(tmp_path: Path) -> None:
    course = small_course(tmp_path / "course", "1.1.1", "1.1.3")

    found = measure(course)

    assert found.ok
    assert [each.exercise for each in found.rows] == ["1.1.1", "1.1.3"]
    assert [len(each.mistakes) for each in found.rows] == [
        len(mistakes("ex_1_1_1")),
        len(mistakes("ex_1_1_3")),
    ]
    assert [m.name for m in found.rows[0].mistakes] == [m.name for m in mistakes("ex_1_1_1")]
    assert [s.name for s in found.rows[1].styles] == [s.name for s in styles("ex_1_1_3")]


def test_processes_have_one_thread_each_and_leave_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    with fairness.processes() as pool:
        there = pool.submit(os.getenv, "OMP_NUM_THREADS").result()

    assert there == "1"
    assert "OMP_NUM_THREADS" not in os.environ


def test_an_answer_that_ends_its_process_is_one_sentence() -> None:
    with fairness.processes() as pool:
        ended = pool.submit(os._exit, 1)
        with pytest.raises(CourseError, match="ended the process that tested it"):
            fairness._wait_for(ended)


def test_a_course_with_other_exercises_of_the_same_numbers_has_no_known_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(fairness, "processes")
    shutil.copytree(TINY / "source", tmp_path / "source")
    shutil.copy(COURSE.root / CONFIG_NAME, tmp_path)

    found = measure(Course(tmp_path))

    assert found == Fairness((), ("1.1.1", "1.1.2"))
    assert found.ok
    assert shown(found) == ("Nothing can be said of 1.1.1, 1.1.2: no answers to them are known.\n")


def test_a_test_cell_that_is_no_python_has_no_known_answers() -> None:
    assert not replace(LOSS, source="loss(").is_about(symbols(LOSS.grade_id))


def test_an_unknown_assignment_is_refused() -> None:
    with pytest.raises(CourseError, match="No assignment 'products'"):
        measure(Course(TINY), ["products"])


# What is enough, and how it is told.


@pytest.mark.parametrize(
    ("answers", "ok"),
    [
        ((mistake(), style()), True),
        ((mistake(mark=1.5), style()), True),
        ((mistake(mark=2.0), style()), False),
        ((mistake(fault="it is no Python"), style()), False),
        ((mistake(), style(mark=1.5)), False),
        ((*[mistake(str(i)) for i in range(9)], mistake(named="")), True),
        ((*[mistake(str(i)) for i in range(8)], mistake(named=""), mistake(named="0")), False),
    ],
)
def test_every_mistake_must_lose_every_style_keep_and_nine_in_ten_be_named(
    answers: tuple[MistakeFound | StyleFound, ...], ok: bool
) -> None:
    assert Fairness((row(*answers),)).ok is ok


@pytest.mark.parametrize("width", [80, 100])
def test_the_table_counts_for_each_exercise_and_fits_its_terminal(width: int) -> None:
    rows = [row(mistake(), mistake("other", seen=False), style()) for _ in range(2)]

    text = shown(Fairness(tuple(rows)), width)

    assert max(map(len, text.splitlines())) <= width
    cells = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in text.splitlines()
        if line.startswith("│")
    ]
    assert cells == [
        ["1.1.1", "2", "2", "2", "1", "1", "1", "ok"],
        ["1.1.1", "2", "2", "2", "1", "1", "1", "ok"],
        ["all", "4", "4", "4", "2", "2", "2", ""],
    ]


def test_nothing_more_is_shown_when_all_is_well() -> None:
    assert len(list(fairness_tables(Fairness((row(mistake(seen=False), style()),))))) == 1


def test_what_is_wrong_is_told_by_name() -> None:
    text = shown(
        Fairness(
            (
                row(
                    mistake("a [bold]sign[/]", mark=2.0, named=""),
                    mistake("a factor", named="sign"),
                    style("a loop", 0.5, "✗ [1] is wrong."),
                ),
            )
        )
    )

    assert "wrong" in text
    assert re.search(r"^1\.1\.1 +a \[bold\]sign\[/\] +keeps all its marks *$", text, re.MULTILINE)
    assert "is told the sentence of “sign”" in text
    assert "0.5 of 2 points: ✗ [1] is wrong." in text
    assert "1.1.1: 0 of 2 mistakes are named by their own sentences; nine in ten must be." in text


def test_details_name_what_only_hidden_tests_find() -> None:
    found = Fairness((row(mistake("in sight"), mistake("out of sight", seen=False), style()),))

    assert "out of sight" not in shown(found)
    assert "out of sight" in shown(found, details=True)
    assert "in sight" not in shown(found, details=True).replace("out of sight", "")


# The command.


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing marked for `course check`."""
    good = self_check.ExerciseCheck("sums", "sums", "1.1.1", 2, 2, 0)
    monkeypatch.setattr(self_check, "selfcheck", lambda *_: self_check.SelfCheck((good,)))


def check(*options: str) -> Any:
    return CliRunner().invoke(app, ["--course", str(TINY), "check", *options])


@pytest.mark.usefixtures("marked")
@pytest.mark.parametrize(("mark", "code"), [(0.0, 0), (2.0, 1)])
def test_check_fails_when_a_mistake_keeps_its_marks(
    monkeypatch: pytest.MonkeyPatch, mark: float, code: int
) -> None:
    found = Fairness((row(mistake("sign", mark=mark, seen=False), style()),))
    monkeypatch.setattr(fairness, "measure", lambda *_: found)

    result = check("--details")

    assert result.exit_code == code
    assert ("keeps all its marks" in result.output) is bool(code)
    assert "Only hidden tests find" in result.output


@pytest.mark.usefixtures("marked")
def test_check_leaves_the_known_answers_out_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(fairness, "measure")

    result = check("--no-fairness")

    assert result.exit_code == 0
    assert "Known mistakes" not in result.output
