"""The notebooks keep the contract of the exercises, and run top to bottom."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from sampling import only

from nbjudge.course.cells import exercise_number
from nbjudge.course.course import Course
from nbjudge.proof import self_check
from nbjudge.release import release
from nbjudge.release.source import Region, by_grade_id, lines, solution
from nbjudge.release.tidy import untidy
from nbjudge.stand_ins.names import free_names

ROOT = Path(__file__).parents[2]
COURSE = Course(ROOT)

# notebook: exercise: (points, names that its answer defines; none for a written answer)
CONTRACT: dict[str, dict[str, tuple[int, tuple[str, ...]]]] = {
    "optimisers/optimisers": {
        "1_1_1": (2, ("loss",)),
        "1_1_2": (2, ("calculate_gradient",)),
        "1_1_3": (2, ("w1_min", "w2_min", "loss_min")),
        "1_1_4": (2, ("GradientDescent",)),
        "1_1_5": (2, ()),
        "1_2_1": (3, ("Momentum",)),
        "1_2_2": (2, ()),
        "1_3_1": (4, ("RMSProp",)),
        "1_3_2": (2, ()),
        "1_4_1": (3, ("PretermDataset",)),
        "1_4_2": (2, ("batch_size", "dataloader")),
        "1_4_3a": (3, ("forward",)),
        "1_4_3b": (4, ("backward",)),
        "1_4_3c": (4, ("train",)),
        "1_4_4": (3, ()),
    },
    "loss_functions/generalised_dice": {
        "1_5_1": (3, ("one_hot_encode",)),
        "1_5_2": (5, ("generalised_dice_loss",)),
        "1_5_3": (2, ()),
    },
    "loss_functions/contrastive_loss": {
        "2_1": (5, ("ContrastiveLoss",)),
        "2_2": (5, ("SiameseNetwork",)),
        "2_3": (4, ("ImagePairs",)),
        "2_4": (4, ("train_epoch",)),
        "2_5": (2, ("pair_distance",)),
        "2_6a": (2, ("binary_loss",)),
        "2_6b": (2, ("safe_distance",)),
        "2_6c": (2, ("pairwise_margin",)),
        "2_6d": (2, ("soft_dice_loss",)),
        "2_7": (2, ()),
    },
}
EXERCISES = [(name, number) for name, numbers in CONTRACT.items() for number in numbers]


def source(name: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "source" / f"{name}.ipynb", as_version=4)


def cells(name: str) -> dict[str, nbformat.NotebookNode]:
    return by_grade_id(source(name))


@pytest.mark.parametrize("name", CONTRACT)
def test_a_notebook_holds_exactly_the_exercises_of_the_contract(name: str) -> None:
    found = {grade_id for grade_id in cells(name) if "ex_" in grade_id}

    wanted = {f"ex_{number}" for number in CONTRACT[name]}
    wanted |= {f"test_ex_{number}" for number, (_, symbols) in CONTRACT[name].items() if symbols}
    assert found == wanted


@pytest.mark.parametrize(("name", "number"), EXERCISES)
def test_points_are_those_of_the_contract(name: str, number: str) -> None:
    points, symbols = CONTRACT[name][number]

    graded = cells(name)[f"test_ex_{number}" if symbols else f"ex_{number}"]

    assert graded.metadata.nbgrader.points == points


@pytest.mark.parametrize(("name", "number"), [e for e in EXERCISES if CONTRACT[e[0]][e[1]][1]])
def test_one_answer_cell_defines_the_whole_of_its_symbols(name: str, number: str) -> None:
    tree = ast.parse(solution(cells(name)[f"ex_{number}"]))

    defined = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Assign):
            names = [n for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            defined |= {n.id for n in names}
    assert defined == set(CONTRACT[name][number][1])


@pytest.mark.parametrize(("name", "number"), [e for e in EXERCISES if CONTRACT[e[0]][e[1]][1]])
def test_a_test_cell_depends_on_nothing_but_its_own_answer(name: str, number: str) -> None:
    code = cells(name)[f"test_ex_{number}"].source

    assert set(free_names(code)) == set(CONTRACT[name][number][1])


@pytest.mark.parametrize(("name", "number"), [e for e in EXERCISES if CONTRACT[e[0]][e[1]][1]])
def test_a_test_cell_has_visible_and_hidden_tests(name: str, number: str) -> None:
    regions = {
        line.region for line in lines(cells(name)[f"test_ex_{number}"]) if "check." in line.text
    }
    hidden = [
        line.text
        for line in lines(cells(name)[f"test_ex_{number}"])
        if line.region is Region.HIDDEN_TESTS
    ]

    assert Region.OPEN in regions
    assert any(text.strip().startswith("examine.") for text in hidden)


@pytest.mark.parametrize(("name", "number"), [e for e in EXERCISES if not CONTRACT[e[0]][e[1]][1]])
def test_a_written_answer_has_a_mark_scheme_and_a_model(name: str, number: str) -> None:
    question, answer = cells(name)[f"task_{number}"], cells(name)[f"ex_{number}"]

    scheme = " ".join(x.text for x in lines(question) if x.region is Region.MARK_SCHEME)
    points = CONTRACT[name][number][0]
    assert scheme.count("1 point") == points
    assert f"({points} points)" in question.source
    assert len(answer.source.split()) > 40


#: Notebooks of several parts begin with a table of them.
IN_PARTS = (
    "optimisers/optimisers",
    "loss_functions/generalised_dice",
    "loss_functions/contrastive_loss",
)


def table(name: str) -> list[tuple[str, str, str, str]]:
    """Return the rows of the table at the top: part, time, points, exercises."""
    rows = [row.strip("| ").split(" | ") for row in source(name).cells[0].source.splitlines()]
    return [(row[0], row[2], row[3], row[4]) for row in rows if len(row) == 5][1:]


@pytest.mark.parametrize("name", IN_PARTS)
def test_the_table_at_the_top_tells_what_is_marked_and_with_how_many_points(name: str) -> None:
    told = {}
    for _, _, points, exercises in table(name):
        found = re.findall(r"([\d.]+[a-d]?)( in words)? \((\d+)\)", exercises)
        assert points.replace("–", "0") == str(sum(int(worth) for *_, worth in found))
        told.update({number: (int(worth), bool(words)) for number, words, worth in found})

    marked = {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader
        for cell in source(name).cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }
    assert told == {
        exercise_number(grade_id): (own.points, bool(own.solution))
        for grade_id, own in marked.items()
    }


@pytest.mark.parametrize("name", IN_PARTS)
def test_each_section_says_how_long_it_takes_as_the_table_does(name: str) -> None:
    parts = {part: time for part, time, *_ in table(name)}
    texts = [cell.source for cell in source(name).cells if cell.cell_type == "markdown"]
    timed = [re.match(r"## ([\d.]+)?.*\n\n\*.*?[Aa]bout (\d+) minutes", text) for text in texts]

    told = {found[1]: found[2] for found in timed if found}

    assert all(re.fullmatch(r"\d+ min", time) for time in parts.values())
    assert len(told) >= 2
    for number, minutes in told.items():
        [time] = [time for part, time in parts.items() if (number or "–") in part.split(", ")]
        assert time == f"{minutes} min"


@pytest.mark.parametrize("name", CONTRACT)
def test_a_notebook_is_in_its_committed_form(name: str) -> None:
    assert untidy(ROOT / "source" / f"{name}.ipynb") == []


# As on a machine where the course is not installed.
NOT_INSTALLED = """
import sys
sys.meta_path = [f for f in sys.meta_path if "__editable__" not in getattr(f, "__module__", "")]
"""


def set_up(folder: Path) -> subprocess.CompletedProcess[str]:
    code = f"{NOT_INSTALLED}\n{cells('optimisers/optimisers')['set_up'].source}\n"
    code += "import course_utils; print(course_utils.__file__)"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_all_notebooks_begin_with_the_same_set_up() -> None:
    assert len({cells(name)["set_up"].source for name in CONTRACT}) == 1


@pytest.mark.parametrize("name", CONTRACT)
def test_the_set_up_is_folded_in_jupyter_and_on_colab(name: str) -> None:
    cell = cells(name)["set_up"]

    assert cell.metadata.jupyter.source_hidden
    assert cell.metadata.cellView == "form"
    assert cell.source.startswith("# @title ")


def test_the_set_up_finds_the_tools_beside_the_notebook(tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT / "release" / "optimisers", tmp_path / "optimisers")

    ready, *_, found = set_up(folder).stdout.splitlines()

    assert found == str(folder / "course_utils" / "__init__.py")
    assert re.match(r"Ready\. Python [\d.]+, NumPy ", ready)


def test_the_set_up_unpacks_the_tools_and_no_other_archive(tmp_path: Path) -> None:
    (tmp_path / "holidays").mkdir()
    (tmp_path / "holidays" / "beach.txt").touch()
    work = tmp_path / "work"
    shutil.make_archive(str(work / "holidays"), "zip", tmp_path, "holidays")
    shutil.make_archive(str(work / "course"), "zip", ROOT / "release", "optimisers")

    found = set_up(work).stdout.splitlines()[-1]

    assert found == str(work / "optimisers" / "course_utils" / "__init__.py")
    assert not (work / "holidays").exists()


def test_the_set_up_says_in_a_sentence_that_the_tools_are_missing(tmp_path: Path) -> None:
    result = set_up(tmp_path)

    assert result.returncode == 1
    assert result.stderr.startswith("The folder course_utils is not here.")
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", only(["loss_functions/generalised_dice"], CONTRACT))
def test_a_notebook_runs_top_to_bottom(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_QUICK", "1")
    monkeypatch.delenv("MPLBACKEND", raising=False)
    notebook = source(name)

    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()

    outputs = [(cell, out) for cell in notebook.cells for out in cell.get("outputs", [])]
    assert not [cell.id for cell, out in outputs if out.get("name") == "stderr"]
    silent = [
        cell.id
        for cell in notebook.cells
        if "display" in cell.metadata.get("tags", []) and not cell.outputs
    ]
    assert silent == []


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("assignment", COURSE.assignments)
def test_the_committed_release_gives_nothing_away_and_runs(assignment: str) -> None:
    release.verify_release(COURSE, assignment, run=True)


@pytest.mark.slow
def test_the_committed_release_is_what_the_source_gives() -> None:
    assert release.drift(COURSE) == []


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("assignment", COURSE.assignments)
def test_the_solution_gets_every_point_and_the_release_none(assignment: str) -> None:
    check = self_check.selfcheck(COURSE, [assignment])

    assert [row for row in check.rows if not row.ok] == []
    numbers = {n for name, n in EXERCISES if name.startswith(assignment)}
    assert len(check.rows) == len(numbers)
