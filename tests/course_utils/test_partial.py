"""Partial credit: a part that is right keeps its points, and nothing gives more than is right."""

from __future__ import annotations

import ast
import io
import re
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_solution
from nbgrader.validator import Validator
from sampling import each
from test_diagnosis import params
from test_examine import ANSWERS, send_away
from traitlets.config import Config

from course_utils.reference import examine
from course_utils.reference.diagnosis import named_mistake
from course_utils.reference.examine import EXERCISES
from course_utils.reference.known_answers import Known, answers_of, mistakes, styles
from nbjudge import seeds
from nbjudge.course.cells import is_test
from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class
from nbjudge.exceptions import CheckFailed, ReleaseError
from nbjudge.judge.judge import Test, Verdict, judge
from nbjudge.judge.notebooks import RECORD
from nbjudge.kernel.service import Service
from nbjudge.release import source
from nbjudge.release.partial_credit import weight_problem
from nbjudge.release.release import make_release
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel

ROOT = Path(__file__).parents[2]
TESTS = {
    source.grade_id(cell): cell
    for path in sorted((ROOT / "source").glob("*/*.ipynb"))
    for cell in source.read_source(path).cells
    if is_test(cell)
}
#: What the parts of each exercise are worth, in order.
PARTS = {
    "ex_1_2_1": [1, 2],
    "ex_1_3_1": [1, 3],
    "ex_1_4_3a": [1, 2],
    "ex_1_5_2": [3, 2],
    "ex_2_1": [2, 2, 1],
}
#: Which answer each examination of a part takes.
EXAMINED = {
    "momentum_first_step": "momentum",
    "rmsprop_first_step": "rmsprop",
    "forward_shapes": "forward",
    "generalised_dice_present": "generalised_dice_loss",
    "contrastive_loss_similar": "contrastive_loss",
    "contrastive_loss_dissimilar": "contrastive_loss",
}
#: Known mistakes, and what is right about them.
WORTH = {
    ("ex_1_2_1", "memory lost"): 1,
    ("ex_1_2_1", "beta and its complement exchanged"): 1,
    ("ex_1_2_1", "memory in the class"): 0,
    ("ex_1_2_1", "uphill"): 0,
    ("ex_1_3_1", "memory lost"): 1,
    ("ex_1_3_1", "epsilon outside the root"): 0,
    ("ex_1_4_3a", "no relu"): 1,
    ("ex_1_4_3a", "samples in rows"): 0,
    ("ex_1_5_2", "division by zero"): 3,
    ("ex_1_5_2", "absent class weighs nothing"): 3,
    ("ex_1_5_2", "epsilon below the line"): 0,
    ("ex_1_5_2", "weights not squared"): 0,
    ("ex_2_1", "gap not squared"): 2,
    ("ex_2_1", "distance not squared for similar pairs"): 2,
    ("ex_2_1", "cut from the graph"): 4,
    ("ex_2_1", "labels exchanged"): 0,
}

# A known mistake may divide by zero, as its student's does; warnings cost no marks.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")


@pytest.fixture(autouse=True)
def student() -> Iterator[None]:
    with seeds.seed_within("a secret", "an assignment", "ada"):
        yield


def in_parts(grade_id: str) -> bool:
    return grade_id in PARTS


def known(find: Any) -> list[Any]:
    return [each for each in params(find) if in_parts(each.values[0])]


def points(grade_id: str) -> float:
    return float(TESTS[f"test_{grade_id}"].metadata.nbgrader.points)


def verdict_on(grade_id: str, *answers: Any) -> Verdict:
    """Judge answers by the whole test cell of their exercise."""
    service = Service(
        dict(zip(EXERCISES[grade_id].symbols, answers, strict=True)), probes="course_utils.probes"
    )
    line = KernelChannel(lambda request, _: service.answer(request), Limits())
    number = grade_id.removeprefix("ex_").replace("_", ".")
    code = TESTS[f"test_{grade_id}"].source
    return judge(Test(number, code, points(grade_id)), line, named_mistake)


def mark_in_the_kernel(grade_id: str, *answers: Any) -> float:
    """Run the test cell beside the answers, and read the mark from it as nbgrader does."""
    seeds.reset(0)
    namespace = dict(zip(EXERCISES[grade_id].symbols, answers, strict=True))
    tree = ast.parse(TESTS[f"test_{grade_id}"].source)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr)
    try:
        with redirect_stdout(io.StringIO()):
            exec(compile(tree, "<test>", "exec"), namespace)
            value = eval(compile(ast.Expression(last.value), "<test>", "eval"), namespace)
    except (CheckFailed, Exception):
        return 0.0
    return points(grade_id) if value is None else float(repr(value))


# What parts are worth


def test_these_exercises_have_parts() -> None:
    assert {f"test_{name}" for name in PARTS} == {
        name for name, cell in TESTS.items() if "Parts(" in cell.source
    }


@pytest.mark.parametrize(("grade_id", "weights"), PARTS.items())
def test_the_parts_of_an_exercise_are_worth_its_points(grade_id: str, weights: list[int]) -> None:
    code = TESTS[f"test_{grade_id}"].source
    found = [
        ast.literal_eval(item.context_expr.args[0])
        for node in ast.parse(code).body
        if isinstance(node, ast.With)
        for item in node.items
        if isinstance(item.context_expr, ast.Call)
    ]
    assert found == weights
    assert sum(weights) == points(grade_id)
    assert weight_problem(code, points(grade_id)) == ""


def test_the_guide_tells_what_the_parts_are_worth() -> None:
    guide = (ROOT / "docs" / "grading.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+a?), .*\| (.*) \|$", guide, re.MULTILINE)

    told = {
        f"ex_{number.replace('.', '_')}": [int(n) for n in re.findall(r" (\d)\b", parts)]
        for number, parts in rows
    }
    assert told == PARTS


MADE = "parts = check.Parts()\n"
A, B, C = (f"with parts({n}, 'a'):\n    f()\n" for n in (1, 0.1, 0.2))
END = "parts.points()"


@pytest.mark.parametrize(
    ("code", "worth"),
    [
        ("check.close(f(), 1, what='it')", 7),
        (MADE + A + END, 1),
        (MADE + A + A + "\n" + END + "\n", 2),
        (MADE + B + C + END, 0.3),
        ("p = Parts()\nwith p(2.5, 'a'):\n    f()\np.points()", 2.5),
    ],
)
def test_parts_that_are_worth_the_points_are_fine(code: str, worth: float) -> None:
    assert weight_problem(code, worth) == ""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (MADE + A + END, "has parts worth 1, and 2 points"),
        (MADE + A + A + A + END, "has parts worth 3, and 2 points"),
        (MADE + A + A, "has parts and does not end with `parts.points()`"),
        (MADE + A + A + END + ";", "has parts and does not end with `parts.points()`"),
        (MADE + A + A + f"mark = {END}", "has parts and does not end with `parts.points()`"),
        (MADE + A + "parts(1, 'a')\n" + END, "has a part that is not of the form"),
        (MADE + "if g():\n    with parts(2, 'a'):\n        f()\n" + END, "has a part that is not"),
        (MADE + A.replace("1", "n") + A + END, "has a part that is not of the form"),
        (MADE + A.replace("1", "True") + A + END, "has a part that is not of the form"),
        (MADE + A.replace("1", "-1") + END, "has a part that is not of the form"),
        (MADE + A + A + "q = parts\n" + END, "has a part that is not of the form"),
        (MADE + MADE + A + A + END, "makes parts and not once"),
        ("check.Parts().points()", "makes parts and not once"),
    ],
)
def test_parts_that_would_give_another_mark_are_found(code: str, said: str) -> None:
    assert weight_problem(code, 2).startswith(said)


def test_a_release_whose_parts_are_not_worth_its_points_is_refused(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tests" / "courses" / "tiny", tmp_path / "tiny")
    with (tmp_path / "tiny" / "nbgrader_config.py").open("a", encoding="utf-8") as settings:
        settings.write("\nc.Plug.house_rules = True\n")
    path = tmp_path / "tiny" / "source" / "sums" / "sums.ipynb"
    notebook = source.read_source(path)
    test = next(cell for cell in notebook.cells if is_test(cell))
    test.source = f"from nbjudge import checks as check\n{MADE}with parts(0.5, 'a'):\n"
    test.source += f"    check.true(True, what='it', problem='')\n{END}"
    path.write_text(source.notebook_text(notebook), encoding="utf-8")

    with pytest.raises(ReleaseError, match=r"\('test_ex_\w+'\) has parts worth 0\.5, and"):
        make_release(Course(tmp_path / "tiny"), "sums")


# What answers get


@pytest.mark.parametrize(("grade_id", "mistake"), each(4, known(mistakes)))
def test_a_mistake_never_gets_all_points_nor_others_in_the_kernel_than_under_the_judge(
    grade_id: str, mistake: Known
) -> None:
    verdict = verdict_on(grade_id, *answers_of(mistake, grade_id))

    weights = PARTS[grade_id]
    assert verdict.fault == ""
    assert 0 <= verdict.mark <= points(grade_id) - weights[-1]  # the last part examines all
    assert verdict.mark == WORTH.get((grade_id, mistake.name), verdict.mark)
    assert mark_in_the_kernel(grade_id, *answers_of(mistake, grade_id)) == verdict.mark


@pytest.mark.parametrize(("grade_id", "style"), each(4, known(styles)))
def test_a_right_answer_gets_all_points(grade_id: str, style: Known) -> None:
    verdict = verdict_on(grade_id, *answers_of(style, grade_id))

    assert (verdict.mark, verdict.reason, verdict.fault) == (points(grade_id), "", "")
    assert mark_in_the_kernel(grade_id, *answers_of(style, grade_id)) == verdict.mark


def test_the_mistakes_whose_worth_is_written_down_exist() -> None:
    assert set(WORTH) <= {
        (grade_id, mistake.name) for grade_id in PARTS for mistake in mistakes(grade_id)
    }


@pytest.mark.parametrize("grade_id", PARTS)
def test_a_stub_gets_nothing(grade_id: str) -> None:
    def stub(*arguments: Any, **settings: Any) -> Any:
        raise NotImplementedError

    verdict = verdict_on(grade_id, stub)

    number = grade_id.removeprefix("ex_").replace("_", ".")
    assert (verdict.mark, verdict.printed, verdict.mistake) == (0.0, "", "")
    assert verdict.reason == f"✗ Exercise {number} has no answer yet."


def test_a_partial_verdict_says_what_held_apart_from_what_failed_and_names_the_mistake() -> None:
    (lost,) = (each for each in mistakes("ex_1_2_1") if each.name == "memory lost")

    verdict = verdict_on("ex_1_2_1", *answers_of(lost, "ex_1_2_1"))

    assert verdict.mistake == "memory lost"
    assert verdict.printed == (
        "✓ the first step\n✓ the first step of a new instance\n✓ a step of tensors\n"
    )
    assert verdict.reason == (
        "✗ the second step, which remembers the first: w1 is -1.0, and -1.5 was expected.\n"
        "  If the first step is right, look at what your class keeps between calls."
    )
    assert verdict.sentence == lost.sentence


def test_a_kernel_that_is_lost_in_a_later_part_leaves_no_points() -> None:
    code = f"{MADE}with parts(1, 'a'):\n    f(1)\nwith parts(1, 'b'):\n    f(2)\n{END}"
    service = Service({"f": lambda n: n})
    calls = 0

    def breaks(request: bytes, _: float) -> bytes:
        nonlocal calls
        calls += 1
        return service.answer(request) if calls < 3 else b"nonsense"

    code = code.replace("from nbjudge import checks as check\n", "")
    code = f"from nbjudge import checks as check\n{code}"
    verdict = judge(Test("1", code, 2.0), KernelChannel(breaks, Limits()))

    assert (verdict.mark, verdict.lost, verdict.fault) == (0.0, True, "")


@pytest.mark.parametrize("slip", ["unknown_name", "import unknown_module"])
def test_a_part_that_is_at_fault_itself_costs_nobody_a_mark(slip: str) -> None:
    code = f"from nbjudge import checks as check\nunknown = 1\n{MADE}with parts(1, 'a'):\n"
    code += "    f(1)\nwith parts(1, 'b'):\n"
    code += "    del unknown\n    unknown\n" if slip == "unknown_name" else f"    {slip}\n"
    service = Service({"f": lambda n: n})

    verdict = judge(
        Test("1", code + END, 2.0),
        KernelChannel(lambda request, _: service.answer(request), Limits()),
    )

    assert verdict.fault


# What the examinations of parts prove


def test_every_examination_belongs_to_an_exercise_or_to_a_part() -> None:
    assert set(examine.__all__) == {*ANSWERS, "dataloader", *EXAMINED}


@pytest.mark.parametrize(("part", "whole"), EXAMINED.items())
def test_the_examination_of_a_part_passes_the_reference_in_a_few_requests(
    part: str, whole: str
) -> None:
    answers, requests = send_away(*ANSWERS[whole])

    getattr(examine, part)(*answers)

    assert 0 < len(requests) <= 6


@pytest.mark.parametrize(("part", "whole"), EXAMINED.items())
def test_the_examination_of_a_part_draws_other_inputs_for_other_students(
    part: str, whole: str
) -> None:
    asked = []
    for student in ("ada", "ada", "alan"):
        answers, requests = send_away(*ANSWERS[whole])
        with seeds.seed_within(student):
            getattr(examine, part)(*answers)
        asked.append(requests)
    assert asked[0] == asked[1] != asked[2]


# With nbgrader itself


#: By student: the known mistake in each exercise; where there is none, the answer is right.
CLASS = {
    "ada": {},
    # Nobody here divides by zero: stock nbgrader takes NumPy's warning for an error.
    "ben": {
        "ex_1_2_1": "memory lost",
        "ex_1_3_1": "memory lost",
        "ex_1_4_3a": "no relu",
        "ex_1_5_2": "absent class weighs nothing",
        "ex_2_1": "gap not squared",
    },
    "cleo": {
        "ex_1_2_1": "uphill",
        "ex_1_3_1": "epsilon outside the root",
        "ex_1_5_2": "weights not squared",
        "ex_2_1": "cut from the graph",
    },
}


def shortened(notebook: NotebookNode) -> NotebookNode:
    """Return what a notebook needs for its exercises in parts."""
    wanted = {name for grade_id in PARTS for name in (grade_id, f"test_{grade_id}")}
    notebook.cells = [c for c in notebook.cells if source.grade_id(c) in {"imports", *wanted}]
    return notebook


@pytest.fixture(scope="module")
def class_of_three(tmp_path_factory: pytest.TempPathFactory) -> Course:
    root = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    folder = root / "source" / "parts"
    folder.mkdir(parents=True)
    originals = {
        path.stem: shortened(source.read_source(path))
        for path in (ROOT / "source").glob("*/*.ipynb")
    }
    for name, notebook in originals.items():
        folder.joinpath(f"{name}.ipynb").write_text(
            source.notebook_text(notebook), encoding="utf-8"
        )
    course = Course(root)
    shutil.copy(ROOT / course.plug.readme, root / course.plug.readme)
    assert course.api().generate_assignment("parts")["success"]
    for student, slips in CLASS.items():
        handed_in = root / "submitted" / student / "parts"
        handed_in.mkdir(parents=True)
        for name, original in originals.items():
            released = source.read_source(root / "release" / "parts" / f"{name}.ipynb")
            notebook = source.answer(released, original)
            for cell in filter(is_solution, notebook.cells):
                for mistake in mistakes(str(source.grade_id(cell))):
                    if mistake.name == slips.get(str(source.grade_id(cell))):
                        cell.source = mistake.source
            (handed_in / f"{name}.ipynb").write_text(
                source.notebook_text(notebook), encoding="utf-8"
            )
    return course


@pytest.mark.slow
@pytest.mark.thorough
def test_stock_nbgrader_gives_the_marks_of_the_judge(class_of_three: Course) -> None:
    stock, judged = Config(), Config()
    stock.Autograde.sanitize_preprocessors = Autograde.sanitize_preprocessors.default()
    stock.Autograde.autograde_preprocessors = Autograde.autograde_preprocessors.default()
    assert Execute in stock.Autograde.autograde_preprocessors
    found = []
    for config in (stock, judged):
        result = class_of_three.api(config).autograde("parts", "*", force=True)
        assert result["success"], result
        found.append(marks_of_class(class_of_three, "parts"))

    inside, outside = found
    assert inside == outside
    for student in outside:
        for mark in student.marks:
            name = f"ex_{mark.exercise.replace('.', '_')}"
            slip = CLASS[student.student].get(name)
            assert mark.points == (WORTH[name, slip] if slip else points(name))
    ben = class_of_three.root / "autograded" / "ben" / "parts" / "optimisers.ipynb"
    record = source.read_source(ben).metadata[RECORD]["verdicts"]["test_ex_1_2_1"]
    assert record["mistake"] == "memory lost"
    assert record["reason"].startswith("✗ the second step")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("student", "failing"),
    [
        pytest.param("ada", 0, id="right", marks=pytest.mark.thorough),
        pytest.param("ben", 3, id="partly"),
        pytest.param("cleo", 2, id="wrong", marks=pytest.mark.thorough),
    ],
)
def test_nbgraders_validator_does_not_call_a_partly_right_notebook_right(
    class_of_three: Course, student: str, failing: int
) -> None:
    path = class_of_three.root / "submitted" / student / "parts" / "optimisers.ipynb"

    found = Validator().validate(str(path))

    assert len(found.get("failed", ())) == failing
    assert "changed" not in found
