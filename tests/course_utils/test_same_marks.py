"""An answer gets the same marks inside its kernel, as nbgrader has it, and under the judge."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_solution
from sampling import each
from test_examine import ANSWERS, OTHER_STYLES, WRONG
from traitlets.config import Config

from course_utils.reference.examine import EXERCISES
from course_utils.reference.known_answers import mistakes
from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class
from nbjudge.exceptions import CheckFailed
from nbjudge.judge.judge import Test, judge
from nbjudge.kernel.service import Service
from nbjudge.release import source
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel
from nbjudge.stand_ins.names import free_names

ROOT = Path(__file__).parents[2]
NOTEBOOKS = {
    path.stem: source.read_source(path) for path in sorted((ROOT / "source").glob("*/*.ipynb"))
}


def test_source_of(name: str) -> str:
    """Return the test cell that holds the examination of this name."""
    (found,) = (
        cell.source
        for notebook in NOTEBOOKS.values()
        for cell in notebook.cells
        if f"examine.{name}(" in cell.source
    )
    return found


test_source_of.__test__ = False  # type: ignore[attr-defined]


def is_right_in_the_kernel(test: str, namespace: dict[str, Any]) -> bool:
    """Run a test beside the answer, as nbgrader does: right is what raises and returns nothing."""
    np.random.seed(0)
    torch.manual_seed(0)
    tree = ast.parse(test)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)
    namespace = dict(namespace)
    try:
        exec(compile(tree, "<test>", "exec"), namespace)
        return eval(compile(ast.Expression(last.value), "<test>", "eval"), namespace) is None
    except (CheckFailed, Exception):
        return False


def cases(*known: tuple[str, tuple[Any, ...]]) -> list[Any]:
    return [
        pytest.param(name, answer, id=f"{name}-{getattr(answer[0], '__name__', answer[0])}")
        for name, answer in known
    ]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        *cases(*ANSWERS.items()),
        *each(3, cases(*WRONG)),
        *each(3, cases(*((name, (answer,)) for name, answer in OTHER_STYLES))),
    ],
)
def test_an_answer_is_right_in_the_kernel_exactly_if_it_is_under_the_judge(
    name: str, answer: tuple[Any, ...]
) -> None:
    test = test_source_of(name)
    symbols = {"minimum": ("w1_min", "w2_min", "loss_min")}.get(name) or free_names(test)
    namespace = dict(zip(symbols, answer, strict=True))
    service = Service(dict(namespace), probes="course_utils.probes")

    inside = is_right_in_the_kernel(test, namespace)
    verdict = judge(
        Test("1", test, 5.0), KernelChannel(lambda request, _: service.answer(request), Limits())
    )

    assert not verdict.fault
    assert (verdict.mark == 5.0) == inside, verdict.reason


def classes() -> dict[str, dict[str, str]]:
    """Return answers by student: right ones, and known mistakes in every other exercise."""
    wrong = {grade_id: mistakes(grade_id)[0].source for grade_id in [*EXERCISES][::2]}
    return {"right": {}, "wrong0": wrong}


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("assignment", ["optimisers", "loss_functions"])
def test_a_class_gets_the_marks_of_stock_nbgrader(assignment: str, tmp_path: Path) -> None:
    for name in ("source", "nbgrader_config.py"):
        kept = ROOT / name
        (shutil.copytree if kept.is_dir() else shutil.copy)(kept, tmp_path / name)
    course = Course(tmp_path)
    assert course.api().generate_assignment(assignment)["success"]
    released = tmp_path / "release" / assignment
    for student, answers in {**classes(), "untouched": None}.items():
        folder = tmp_path / "submitted" / student / assignment
        folder.mkdir(parents=True)
        for path in sorted(released.glob("*.ipynb")):
            notebook = source.read_source(path)
            if answers is not None:
                notebook = source.answer(notebook, NOTEBOOKS[path.stem])
                for cell in filter(is_solution, notebook.cells):
                    cell.source = answers.get(source.grade_id(cell), cell.source)
            folder.joinpath(path.name).write_text(source.notebook_text(notebook), encoding="utf-8")
    stock = Config()
    stock.Autograde.sanitize_preprocessors = Autograde.sanitize_preprocessors.default()
    stock.Autograde.autograde_preprocessors = Autograde.autograde_preprocessors.default()
    stock.Execute.skip_cells_with_tag = "display"
    judged = Config()
    judged.Judge.run_all = False
    assert Execute in stock.Autograde.autograde_preprocessors

    found = []
    for config in (stock, judged):
        result = course.api(config).autograde(assignment, "*", force=True)
        assert result["success"], result
        found.append(marks_of_class(course, assignment))

    inside, outside = found
    assert inside == outside
    by = {each.student: each for each in outside}
    assert by["untouched"].won == 0
    assert by["right"].won > by["wrong0"].won > 0
