"""The files of known answers: mistakes with their sentences, and right answers in other styles."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from torch.utils.data import RandomSampler

from course_utils.reference import known_answers
from course_utils.reference.examine import EXERCISES
from course_utils.reference.known_answers import (
    answers_of,
    define,
    mistakes,
    solutions,
    styles,
)
from nbjudge.judge.known_file import read_known
from nbjudge.release import source

MANY = {"ex_1_1_4", "ex_1_2_1", "ex_1_3_1", "ex_1_4_3c", "ex_1_5_2", "ex_2_1", "ex_2_2", "ex_2_3"}
MANY |= {"ex_2_4"}
FILES = sorted(known_answers.KNOWN.iterdir())
by_file = pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
NOTEBOOKS = sorted(Path(__file__).parents[2].glob("source/*/*.ipynb"))
CELLS = {source.grade_id(c): c for path in NOTEBOOKS for c in source.read_source(path).cells}


@pytest.mark.parametrize("grade_id", EXERCISES)
def test_every_exercise_has_its_mistakes_and_styles(grade_id: str) -> None:
    assert len(mistakes(grade_id)) >= (15 if grade_id in MANY else 10)
    assert len(styles(grade_id)) >= 5


@pytest.mark.parametrize("grade_id", EXERCISES)
def test_the_solution_is_that_of_the_notebook_without_docstrings(grade_id: str) -> None:
    solution, *_ = solutions(grade_id)

    assert solution.name == "solution"
    assert bare(solution.source) == bare(source.solution(CELLS[grade_id]))


def bare(code: str) -> str:
    """Return code without docstrings and comments."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            del node.body[0]
    return ast.unparse(tree)


@by_file
def test_a_file_belongs_to_an_exercise_and_says_so(path: Path) -> None:
    number = path.stem.removeprefix("ex_").replace("_", ".")

    assert path.stem in EXERCISES
    assert path.read_text(encoding="utf-8").startswith(f"# The known answers to exercise {number},")


@by_file
def test_sources_in_a_file_are_unique(path: Path) -> None:
    trees = Counter(ast.dump(ast.parse(answer.source)) for answer in read_known(path))

    assert trees.most_common(1)[0][1] == 1


@by_file
def test_an_answer_defines_what_is_examined(path: Path) -> None:
    symbols = EXERCISES[path.stem].symbols

    assert all(set(symbols) <= define(answer, path.stem).keys() for answer in read_known(path))


@by_file
def test_an_answer_is_silent(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for answer in read_known(path):
        define(answer, path.stem)

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("grade_id", EXERCISES)
def test_a_sentence_is_one_that_a_student_can_read(grade_id: str) -> None:
    for sentence in (mistake.sentence for mistake in mistakes(grade_id)):
        assert re.fullmatch(r"\S.*[^.?][.?]", sentence)
        assert len(sentence.split()) <= 35
        assert "  " not in sentence


@pytest.mark.parametrize("grade_id", EXERCISES)
def test_a_sentence_gives_nothing_away(grade_id: str) -> None:
    for sentence in (mistake.sentence for mistake in mistakes(grade_id)):
        assert not re.search(r"hidden tests?\b|\breference\b", sentence.lower())
        # Of numbers only small whole ones, as in "1 − β", and those in names: float32, uint8.
        assert not re.search(r"(?<![\w.])\d{2,}|\d\.\d|\de-?\d", sentence)


@pytest.mark.parametrize("grade_id", EXERCISES)
def test_different_mistakes_have_different_sentences(grade_id: str) -> None:
    sentences = Counter(mistake.sentence for mistake in mistakes(grade_id))

    assert not [sentence for sentence, times in sentences.items() if times > 1]


def test_the_files_are_part_of_the_package() -> None:
    with (Path(__file__).parents[2] / "pyproject.toml").open("rb") as file:
        data = tomllib.load(file)["tool"]["setuptools"]["package-data"]
    (pattern,) = data["course_utils.reference"]

    assert set(FILES) <= set(known_answers.KNOWN.parent.glob(pattern))


def test_an_exercise_of_which_nothing_is_known_has_no_mistakes() -> None:
    assert mistakes("ex_0_0") == ()


def test_a_cell_finds_the_imports_of_its_notebook() -> None:
    assert "torch" in define("", "ex_1_2_1")
    assert "torch" not in define("", "ex_1_5_1")
    assert define("", "ex_2_3")["RandomSampler"] is RandomSampler


def test_a_cell_finds_right_answers_to_earlier_exercises_of_its_notebook() -> None:
    found = define("gradient = calculate_gradient(1.0, 0.0)", "ex_1_2_1")

    assert found["gradient"] == (80.0, 40.0)
    assert not {"Momentum", "RMSProp", "one_hot_encode"} & found.keys()


def test_each_run_of_a_cell_has_a_namespace_of_its_own() -> None:
    source = "class Momentum:\n    z = 0.0\n"
    define(source, "ex_1_2_1")["Momentum"].z = 5.0

    assert define(source, "ex_1_2_1")["Momentum"].z == 0.0


def test_annotations_in_a_cell_are_those_of_a_notebook() -> None:
    found = define("class Momentum:\n    beta: float\n", "ex_1_2_1")

    assert found["Momentum"].__annotations__ == {"beta": float}


def test_answers_come_in_the_order_in_which_they_are_examined() -> None:
    source = "loss_min = 1.0\nw2_min = 2.0\nw1_min = 3.0\n"

    assert answers_of(source, "ex_1_1_3") == (3.0, 2.0, 1.0)
