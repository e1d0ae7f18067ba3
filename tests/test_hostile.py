"""Students who try to forge marks: each gains nothing, and takes nothing from anybody else.

A folder of `tests/hostile` is a student. Its `outcome.json` tells what is tried (`about`), in which
course of `tests/courses`, and the marks that it must have; perhaps also a `remark` of the row, and
what it `needs` of the grader. All answers are right but those that are handed in there:

- `ex_1_1_1.py` is that answer;
- `first.py`, `last.py`, `before_<cell>.py` and `after_<cell>.py` are cells of the student's own;
- `edit.json` lists what is done to the notebook then, as `edit` below reads it;
- `beside/` holds the files beside the notebook.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from course_utils.autograde.batch import Row, Status, autograde
from course_utils.autograde.course import Course
from course_utils.instructor import source

HOSTILE = Path(__file__).parent / "hostile"
COURSES = Path(__file__).parent / "courses"
SCENARIOS = {
    path.parent.name: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(HOSTILE.glob("*/outcome.json"))
}
#: The assignment of each course, and what bounds its students: imports of PyTorch take their time.
ASSIGNMENTS = {"tiny": "sums", "steps": "steps"}
LIMITS = {
    "tiny": "c.Execute.timeout = 3\nc.Judge.call_seconds = 2\n",
    "steps": "c.Execute.timeout = 60\n",
}
FULL = {"tiny": {"1.1.1": 2, "1.1.2": 3}, "steps": {"1.1.1": 2, "1.2.1": 3}}
#: Sorted by name, they are graded before, between and after the others.
HONEST = ("0_honest", "honest", "zz_honest")
#: Graded twice: one that dies, one that hangs, one that meets random inputs, one that is restored.
REGRADED = ("exit_in_call", "no_reply", "lying_tensors", "moved_test")

Classes = Callable[[str], dict[str, Row]]


def hand_in(course: Course, name: str, student: str) -> None:
    """Hand in what a folder of `tests/hostile` says, or an honest notebook if there is none."""
    assignment = ASSIGNMENTS[name]
    release, original = (
        source.read(course.root / step / assignment / f"{assignment}.ipynb")
        for step in ("release", "source")
    )
    notebook = source.answer(release, original)
    given = HOSTILE / student
    for path in sorted(given.glob("*.py")):
        put(notebook, path.stem, path.read_text(encoding="utf-8").rstrip("\n"))
    if (edits := given / "edit.json").exists():
        for change in json.loads(edits.read_text(encoding="utf-8")):
            edit(notebook, **change)
    folder = course.root / "submitted" / student / assignment
    if (beside := given / "beside").exists():
        shutil.copytree(beside, folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Not by nbformat, which would repair what is wrong with it.
    (folder / f"{assignment}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def place(notebook: NotebookNode, cell_id: str) -> int:
    """Return where a cell stands."""
    (found,) = (index for index, cell in enumerate(notebook.cells) if cell.id == cell_id)
    return found


def put(notebook: NotebookNode, name: str, code: str) -> None:
    """Replace the answer of this name, or insert a cell where the name says."""
    where, _, neighbour = name.partition("_")
    match where:
        case "ex":
            notebook.cells[place(notebook, name)].source = code
            return
        case "first":
            index = 0
        case "last":
            index = len(notebook.cells)
        case "before":
            index = place(notebook, neighbour)
        case "after":
            index = place(notebook, neighbour) + 1
        case _:
            raise ValueError(f"'{name}.py' is neither an answer nor a place")
    new = nbformat.v4.new_code_cell(code, id=name)  # type: ignore[no-untyped-call]
    notebook.cells.insert(index, new)


def edit(
    notebook: NotebookNode,
    cell: str = "",
    *,
    kind: str = "",
    text: str = "",
    before: str = "",
    outputs: tuple[dict[str, Any], ...] = (),
    metadata: dict[str, Any] | None = None,
    nbgrader: dict[str, Any] | None = None,
) -> None:
    """Change a cell: its kind, text, place, outputs and metadata; or the notebook's metadata."""
    if not cell:
        notebook.metadata.update(metadata or {})
        return
    changed = notebook.cells.pop(old := place(notebook, cell))
    changed.cell_type = kind or changed.cell_type
    changed.source = text or changed.source
    changed.metadata.update(metadata or {})
    changed.metadata.setdefault("nbgrader", {}).update(nbgrader or {})
    if outputs:
        changed.outputs = list(outputs)
    notebook.cells.insert(place(notebook, before) if before else old, changed)


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Course]:
    """Return the courses with everything that is handed in."""
    found = {}
    for name, assignment in ASSIGNMENTS.items():
        root = tmp_path_factory.mktemp(name) / "course"
        shutil.copytree(COURSES / name, root)
        with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
            config.write(f"\n{LIMITS[name]}")
        course = found[name] = Course(root)
        assert course.api().generate_assignment(assignment)["success"]
        for student in (*HONEST, *SCENARIOS):
            if student in HONEST or SCENARIOS[student]["course"] == name:
                hand_in(course, name, student)
    return found


@pytest.fixture(scope="module")
def classes(courses: dict[str, Course]) -> Classes:
    """Return what grades a course, once, and gives its rows by student."""
    graded: dict[str, dict[str, Row]] = {}

    def rows(name: str) -> dict[str, Row]:
        if name not in graded:
            found = autograde(courses[name], ASSIGNMENTS[name])
            graded[name] = {row.student: row for row in found}
        return graded[name]

    return rows


def marks(row: Row) -> dict[str, float]:
    """Return the marks that the grader gave, without those that a person still has to give."""
    return {mark.exercise: mark.points for mark in row.exercises if not mark.waiting}


def scenarios() -> list[Any]:
    """Return the scenarios as parameters; those that need more than there is are known to fail."""
    return [
        pytest.param(
            name,
            marks=pytest.mark.xfail(
                "needs" in outcome,
                reason=f"needs a {outcome.get('needs')}",
                strict=sys.platform == "linux",  # where these attacks are at home
            ),
        )
        for name, outcome in SCENARIOS.items()
    ]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", scenarios())
def test_a_forgery_gains_nothing_and_costs_no_more_than_its_exercise(
    classes: Classes, scenario: str
) -> None:
    expected = SCENARIOS[scenario]

    row = classes(expected["course"])[scenario]

    assert marks(row) == expected["marks"]
    assert row.status is Status.GRADED
    assert expected.get("remark", "") in " ".join(row.remarks)


@pytest.mark.slow
@pytest.mark.parametrize("student", HONEST)
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_an_honest_student_among_forgers_has_all_marks_and_no_remarks(
    classes: Classes, name: str, student: str
) -> None:
    row = classes(name)[student]

    assert marks(row) == FULL[name]
    assert row.status is Status.GRADED
    assert row.remarks == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_grading_again_gives_the_same_row(
    courses: dict[str, Course], classes: Classes, name: str
) -> None:
    first = classes(name)
    sample = [student for student in (*REGRADED, HONEST[0]) if student in first]

    again = autograde(courses[name], ASSIGNMENTS[name], students=sample, force=True)

    assert [row.student for row in again] == sorted(sample)
    assert again == [first[row.student] for row in again]


def test_every_folder_is_a_scenario_whose_outcome_is_complete() -> None:
    folders = {path.name for path in HOSTILE.glob("[!.]*/")}

    assert folders == set(SCENARIOS)
    assert len(SCENARIOS) >= 40
    assert all(outcome["about"].endswith(".") for outcome in SCENARIOS.values())
    assert all(o["marks"].keys() == FULL[o["course"]].keys() for o in SCENARIOS.values())
