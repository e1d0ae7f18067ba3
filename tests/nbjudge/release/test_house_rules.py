"""Rules of style are advice, unless a course chooses them; what gives an answer away is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from nbjudge.course.course import Course
from nbjudge.release.verify import find_breaches

CONFIG = "from nbjudge.hooks import configure\nc = get_config()\nconfigure(c)\n"


def cell(kind: str, grade_id: str, text: str, points: float = 1) -> NotebookNode:
    marks = {"grade_id": grade_id, "schema_version": 3, "task": False, "cell_type": "code"}
    marks |= {"grade": kind == "test", "solution": kind == "answer", "locked": kind != "answer"}
    if kind == "test":
        marks["points"] = points
    made: NotebookNode = nbformat.v4.new_code_cell(text, metadata={"nbgrader": marks})
    return made


SOLUTION = "    ### BEGIN SOLUTION\n    return double(double(x)) + 0\n    ### END SOLUTION"
STYLE = [
    nbformat.v4.new_code_cell("import numpy as np"),
    cell("locked", "set-up", "from helper import double"),
    cell("answer", "Question-1_a", f"def quad(x):\n{SOLUTION}"),
    cell("answer", "cell-3a7f", "### BEGIN SOLUTION\ntwo = 2\n### END SOLUTION"),
    cell("test", "cell-9", "assert np.all(quad(1) == 4)", 0),
    cell("test", "cell-10", "assert two == 2"),
]


@pytest.fixture
def released(tmp_path: Path) -> Callable[..., Course]:
    """Return what makes and releases a course of somebody else's."""

    def make(*cells: NotebookNode, config: str = "", **beside: str) -> Course:
        course = Course(tmp_path / "course")
        folder = course.root / "source" / "hw 1"
        folder.mkdir(parents=True)
        (course.root / "nbgrader_config.py").write_text(CONFIG + config)
        (folder / "helper.py").write_text("def double(x):\n    return 2 * x\n")
        for name, text in beside.items():
            (folder / name.replace("__", ".")).write_text(text)
        notebook = nbformat.v4.new_notebook(cells=list(cells))
        (folder / "problem.ipynb").write_text(nbformat.writes(notebook))
        result = course.api().generate_assignment("hw 1")
        assert result["success"], result["log"]
        return course

    return make


def test_style_is_advice_in_a_sentence_for_each_kind(released: Callable[..., Course]) -> None:
    found = find_breaches(released(*STYLE), "hw 1")

    assert found.refusals == ()
    assert len(found.advice) == 2
    assert "'cell-3a7f') does not name 'two'" in found.advice[0]
    assert "'cell-9') has no hidden test" in found.advice[1]
    assert found.advice[1].endswith("So has 1 more.")


def test_names_that_a_stub_leaves_out_are_one_sentence_of_those_that_a_test_uses(
    released: Callable[..., Course],
) -> None:
    own = cell(
        "answer", "c", "### BEGIN SOLUTION\nmiddle = 1 + 2\nthree = middle\n### END SOLUTION"
    )

    found = find_breaches(released(*STYLE, own, cell("test", "t", "assert three == 3")), "hw 1")

    assert "'cell-3a7f') does not name 'two'" in found.advice[0]
    assert found.advice[0].endswith("So has 1 more.")
    assert "middle" not in "".join(found.advice)


def test_the_same_is_refused_where_the_course_has_house_rules(
    released: Callable[..., Course],
) -> None:
    found = find_breaches(released(*STYLE, config="c.Plug.house_rules = True\n"), "hw 1")

    told = "\n".join(found.refusals)
    assert found.advice == ()
    for breach in ("another name than", "does not name 'two'", "has no hidden", "0 points", "'np'"):
        assert breach in told


def test_a_course_that_uses_nothing_of_the_judges_gets_just_what_nbgrader_makes(
    released: Callable[..., Course],
) -> None:
    course = released(*STYLE, README__md="Read me.")

    names = {path.name for path in (course.root / "release" / "hw 1").iterdir()}

    assert names == {"problem.ipynb", "helper.py", "README.md"}
    assert (course.root / "release" / "hw 1" / "README.md").read_text() == "Read me."


def test_a_course_whose_notebooks_import_the_judges_checks_gets_them(
    released: Callable[..., Course],
) -> None:
    course = released(*STYLE, nbformat.v4.new_code_cell("from nbjudge import checks"))

    folder = course.root / "release" / "hw 1"

    assert (folder / "nbjudge" / "checks.py").is_file()
    assert (folder / "README.md").is_file()
    assert find_breaches(course, "hw 1").refusals == ()


def test_an_example_that_a_notebook_shows_may_pass_a_weak_test(
    released: Callable[..., Course],
) -> None:
    own = [nbformat.v4.new_code_cell("def four(x):\n    return 4"), *STYLE[1:]]
    own[4] = cell("test", "cell-9", "assert quad(1) == 4")

    found = find_breaches(released(*own), "hw 1")

    assert found.refusals == ()
    assert found.advice[0] == (
        "`four` (problem.ipynb) wins points as an answer to cell-9, and students see it: "
        "let the test ask for more, or leave it if it is meant so."
    )


def test_a_module_beside_the_notebook_may_have_a_line_of_a_solution(
    released: Callable[..., Course],
) -> None:
    text = "def colour(m):\n    ### BEGIN SOLUTION\n    red = m[0] * 1.0\n    green = m[1] * 1.0\n"
    answer = cell(
        "answer", "Question-1_b", f"{text}    return red - green / 2\n    ### END SOLUTION"
    )
    helper = "def redness(m):\n    red = m[0] * 1.0\n    return red\n"

    found = find_breaches(released(*STYLE, answer, colours__py=helper), "hw 1")

    assert found.refusals == ()
    assert found.advice[0].startswith("colours.py shows a line that is also one of a solution")


GIVEN_AWAY = {
    "a solution beside the notebook": (
        lambda: STYLE,
        {"solution__txt": "return double(double(x)) + 0"},
        "solution.txt gives away the solution",
    ),
    "a solution of several lines beside the notebook": (
        lambda: [
            *STYLE,
            cell(
                "answer",
                "b",
                "### BEGIN SOLUTION\ntotal = 3 * 4 + 50\nmean = total / 17\n### END SOLUTION",
            ),
        ],
        {"solutions__py": "total = 3 * 4 + 50\n# and then\nmean = total / 17\n"},
        "solutions.py gives away the solution of b",
    ),
    "a marker that was left": (
        lambda: STYLE,
        {"notes__txt": "### END HIDDEN TESTS"},
        "still has 'END HIDDEN TESTS'",
    ),
    "a module that has the answer": (
        lambda: STYLE,
        {"answers__py": "def q(x):\n    return 4 * x"},
        "`q` (answers.py) is an answer to cell-9",
    ),
}


@pytest.mark.parametrize(("cells", "beside", "told"), GIVEN_AWAY.values(), ids=GIVEN_AWAY)
def test_what_gives_something_away_is_refused_in_every_course(
    released: Callable[..., Course],
    cells: Callable[[], list[NotebookNode]],
    beside: dict[str, str],
    told: str,
) -> None:
    own = [*cells()]
    own[4] = cell("test", "cell-9", "assert quad(1) == 4")

    found = find_breaches(released(*own, **beside), "hw 1")

    assert told in "\n".join(found.refusals)


def test_a_line_that_its_instructor_shows_in_the_open_is_advice(
    released: Callable[..., Course],
) -> None:
    shows = nbformat.v4.new_code_cell("def f(x):\n    return double(double(x)) + 0")

    found = find_breaches(released(*STYLE, shows), "hw 1")

    assert found.refusals == ()
    assert "shows a line that is also one of a solution" in found.advice[0]
    assert found.shows_secrets


def test_a_test_that_anything_passes_accuses_no_helper(released: Callable[..., Course]) -> None:
    any_test = cell("test", "cell-9", "assert callable(quad)")

    assert find_breaches(released(*STYLE[:4], any_test), "hw 1").refusals == ()


def test_a_helper_may_have_a_package_of_a_name_that_the_judge_has_too(
    released: Callable[..., Course],
) -> None:
    text = "from .report import write\nfrom . import pages"

    assert find_breaches(released(*STYLE, tools__py=text), "hw 1").refusals == ()
