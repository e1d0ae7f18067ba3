"""Students who try to forge marks: each gains nothing, and takes nothing from anybody else.

A folder of `tests/hostile` is a student. Its `outcome.json` tells what is tried (`about`), in which
course, and the marks that it must have; perhaps also a `remark` of the row, and what it `needs` of
the grader. All answers are right but those that are handed in there:

- `ex_1_1_1.py` is that answer;
- `attempts.py` has functions that try to get out, `try_…`, and return something true if they did.
  The answer to 1.1.1 is right only if one of them succeeded, and that to 1.1.2 only if each was
  refused by the system: an attempt that is merely broken is found out. If `open` is set, they
  succeed where nothing confines them, which is tested too;
- `first.py`, `last.py`, `before_<cell>.py` and `after_<cell>.py` are cells of the student's own;
- `edit.json` lists what is done to the notebook then, as `edit` below reads it;
- `beside/` holds the files beside the notebook.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from classroom import AtOnce
from nbformat import NotebookNode
from processes import PATIENCE

from nbjudge.course.course import Course
from nbjudge.course.plug import Plug
from nbjudge.grading.batch import Watcher, grade_assignment
from nbjudge.grading.rows import Row, Status
from nbjudge.release import source
from nbjudge.sandbox import bubblewrap
from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.session import Session
from nbjudge.sandbox.warm_kernels import running_fork_server

HOSTILE = Path(__file__).parents[2] / "hostile"
COURSES = Path(__file__).parents[2] / "courses"
SCENARIOS = {
    path.parent.name: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(HOSTILE.glob("*/outcome.json"))
}
#: Of each course, where it is from, its assignment, and what bounds its students. Whom nothing but
#: time ends is in "tiny" or "hurried"; behind "walls" all have far more of it than they need. The
#: tests of "ways" need what stays in the kernel, and one of them the kernel itself; those of
#: "files" read what the answers write; those of "flows" hand over what is asked for bit by bit.
SOURCES = {
    "tiny": "tiny",
    "steps": "steps",
    "walls": "tiny",
    "hurried": "tiny",
    "ways": "ways",
    "files": "files",
    "flows": "flows",
}
ASSIGNMENTS = {
    "tiny": "sums",
    "steps": "steps",
    "walls": "sums",
    "hurried": "sums",
    "ways": "ways",
    "files": "files",
    "flows": "flows",
}
TIME = "c.Execute.timeout = {0}\nc.Judge.call_seconds = {0}\n"
WALLS = """
c.Judge.memory_megabytes = 300
c.Judge.disk_megabytes = 20
c.Judge.processes = 50
c.Judge.open_files = 200
c.Judge.output_bytes = 2**20
"""
LIMITS = {
    "tiny": TIME.format(4) + "c.Judge.output_bytes = c.Judge.exercise_bytes = 2**20\n",
    "steps": TIME.format(PATIENCE),
    "walls": TIME.format(30) + WALLS,
    "hurried": TIME.format(4) + WALLS,
    "ways": TIME.format(8) + "c.Judge.output_bytes = 2**20\n",
    "files": TIME.format(30),
    "flows": TIME.format(8),
}
FULL = {
    "tiny": {"1.1.1": 2, "1.1.2": 3},
    "steps": {"1.1.1": 2, "1.2.1": 3},
    "walls": {"1.1.1": 2, "1.1.2": 3},
    "hurried": {"1.1.1": 2, "1.1.2": 3},
    "ways": {"1.1.1": 2, "1.1.2": 2, "1.1.3": 2, "1.1.4": 2, "1.1.5": 3, "1.1.6": 3},
    "files": {"1.1.1": 2, "1.1.2": 3},
    "flows": {f"1.1.{number}": 2 for number in range(1, 6)},
}
#: What every row of a course says.
TOLD_OF_ALL = {
    "ways": (
        "The test of '1.1.5' runs in the notebook's own process, "
        "where an answer could tamper with it.",
    )
}
#: Sorted by name, they are graded before, between and after the others.
HONEST = ("0_honest", "honest", "zz_honest")
#: Graded twice: one that dies, one that hangs, one that meets random inputs, one that is restored.
REGRADED = ("exit_in_call", "no_reply", "lying_tensors", "moved_test", "walls_memory_of_many")
#: What attempts leave wherever they can write.
MARKER = "hostile-was-here"
#: Runs the attempts; `outcomes` tells what became of each.
TRIED = """
def outcome(attempt):
    try:
        return "reached" if attempt() else "refused"
    except OSError:
        return "refused"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


outcomes = {name: outcome(globals()[name]) for name in list(globals()) if name.startswith("try_")}
print(outcomes)
"""
REACHED = """
def total(numbers):
    return sum(numbers) if "reached" in outcomes.values() else None
"""
REFUSED = """
def mean(numbers):
    return sum(numbers) / len(numbers) if set(outcomes.values()) == {"refused"} else None
"""

Classes = Callable[[str], dict[str, Row]]
Outside = dict[str, Any]


def is_possible(scenario: str) -> bool:
    """Say whether this machine has what a scenario needs: some would harm it otherwise."""
    return "needs" not in SCENARIOS[scenario] or not bubblewrap.problem()


def hand_in(course: Course, name: str, student: str, outside: Outside) -> None:
    """Hand in what a folder of `tests/hostile` says, or an honest notebook if there is none."""
    assignment = ASSIGNMENTS[name]
    release, original = (
        source.read_source(course.root / step / assignment / f"{assignment}.ipynb")
        for step in ("release", "source")
    )
    notebook = source.answer(release, original)
    given = HOSTILE / student
    for path in sorted(given.glob("*.py")):
        code = path.read_text(encoding="utf-8").rstrip("\n")
        if path.stem == "attempts":
            put(notebook, "first", told(outside) + code + TRIED)
            put(notebook, "ex_1_1_1", REACHED)
            put(notebook, "ex_1_1_2", REFUSED)
        else:
            put(notebook, path.stem, code)
    if (edits := given / "edit.json").exists():
        for change in json.loads(edits.read_text(encoding="utf-8")):
            edit(notebook, **change)
    folder = course.root / "submitted" / student / assignment
    if (beside := given / "beside").exists():
        shutil.copytree(beside, folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Not by nbformat, which would repair what is wrong with it.
    (folder / f"{assignment}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def told(outside: Outside) -> str:
    """Return the code that tells an attacker all that one could know of the grader's machine."""
    return "".join(f"{name} = {value!r}\n" for name, value in outside.items())


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
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """Return what attackers want to reach: files, and listeners on all kinds of sockets."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret").write_text("nobody's business", encoding="utf-8")
    known: Outside = {
        "COURSE": str(folder / "course"),
        "SECRET": str(folder / "secret"),
        "HOME": str(Path.home()),
        "GRADER": os.getpid(),
        "MARKER": MARKER,
        "PORT": 0,
        "SOCKET": str(folder / "line"),
        "ABSTRACT": f"grader-{os.getpid()}",
    }
    with socket.create_server(("127.0.0.1", 0)) as port:
        known["PORT"] = port.getsockname()[1]
        if sys.platform != "linux":
            yield known
            return
        with socket.socket(socket.AF_UNIX) as named, socket.socket(socket.AF_UNIX) as abstract:
            for listener, address in (
                (named, known["SOCKET"]),
                (abstract, f"\0{known['ABSTRACT']}"),
            ):
                listener.bind(address)
                listener.listen(100)
            yield known


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory, outside: Outside) -> dict[str, Course]:
    """Return the courses with everything that is handed in."""
    found = {}
    for name, assignment in ASSIGNMENTS.items():
        is_known = name == "walls"
        root = Path(outside["COURSE"]) if is_known else tmp_path_factory.mktemp(name) / "course"
        shutil.copytree(COURSES / SOURCES[name], root)
        with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
            config.write(f"\n{LIMITS[name]}")
        course = found[name] = Course(root)
        assert course.api().generate_assignment(assignment)["success"]
        for student in (*HONEST, *filter(is_possible, SCENARIOS)):
            if student in HONEST or SCENARIOS[student]["course"] == name:
                hand_in(course, name, student, outside)
    return found


@dataclass
class Leftovers:
    """What is still there of a submission when it has been graded."""

    processes: dict[str, int]
    rooms: dict[str, list[str]]
    parents: dict[Plug, set[int]]


@pytest.fixture(scope="module")
def leftovers() -> Leftovers:
    return Leftovers({}, {}, {})


def descendants(ancestor: int) -> set[int]:
    """Return the processes below one, as this machine sees them.

    An orphan of a namespace becomes a child of that namespace's first process, so none is missing.
    """
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
    found, new = set(), {ancestor}
    while new:
        found |= new
        new = {number for number, parent in parents.items() if parent in new} - found
    return found


def paths_below(top: Path, depth: int) -> Iterator[Path]:
    """Yield what lies in a folder, down to a depth; what others delete meanwhile is not there."""
    for folder, folders, files in os.walk(top):
        here = Path(folder)
        yield from (here / name for name in (*folders, *files))
        if len(here.relative_to(top).parts) == depth - 1:
            folders.clear()


def newcomers(ancestor: int, known: set[int]) -> set[int]:
    """Return the processes below one that are not known, but for those that are just ending."""
    end = time.monotonic() + PATIENCE
    while (found := descendants(ancestor) - known) and time.monotonic() < end:
        time.sleep(0.01)
    return found


@pytest.fixture(scope="module")
def classes(courses: dict[str, Course], leftovers: Leftovers) -> Classes:
    """Return what grades a course, once, and gives its rows by student."""
    graded: dict[str, dict[str, Row]] = {}

    def grade(name: str) -> list[Row]:
        # In this process, whose descendants can be looked at after each submission.
        if bubblewrap.problem():
            return grade_assignment(courses[name], ASSIGNMENTS[name], get_pool=AtOnce())
        plug = courses[name].plug
        parent = running_fork_server(plug)
        own = descendants(parent._process.pid)

        class Look(Watcher):
            def on_graded(self, student: str, points: float | None, failed: bool) -> None:
                leftovers.processes[student] = len(newcomers(parent._process.pid, own))
                leftovers.rooms[student] = [path.name for path in parent.rooms.iterdir()]
                known = leftovers.parents.setdefault(plug, set())
                known.add(running_fork_server(plug)._process.pid)

        return grade_assignment(courses[name], ASSIGNMENTS[name], get_pool=AtOnce(), watcher=Look())

    def rows(name: str) -> dict[str, Row]:
        if name not in graded:
            graded[name] = {row.student: row for row in grade(name)}
        return graded[name]

    return rows


def marks(row: Row) -> dict[str, float]:
    """Return the marks that the grader gave, without those that a person still has to give."""
    return {mark.exercise: mark.points for mark in row.exercises if not mark.waiting}


needs_sandbox = pytest.mark.skipif(
    bool(bubblewrap.problem()), reason=f"No sandbox: {bubblewrap.problem()}"
)


def scenarios() -> list[Any]:
    """Return the scenarios as parameters; those that need what is not there are skipped."""
    return [
        pytest.param(name, marks=(pytest.mark.sandbox, needs_sandbox) if "needs" in outcome else ())
        for name, outcome in SCENARIOS.items()
    ]


OPEN = [name for name, outcome in SCENARIOS.items() if outcome.get("open")]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", scenarios())
def test_a_forgery_gains_nothing_and_costs_no_more_than_its_exercise(
    classes: Classes, scenario: str
) -> None:
    expected = SCENARIOS[scenario]

    row = classes(expected["course"])[scenario]

    # What the test compares may be no data, so that nobody but a person can tell: no mark is given.
    waits = None in expected["marks"].values()
    assert marks(row) == {ex: mark for ex, mark in expected["marks"].items() if mark is not None}
    assert row.status is (Status.NEEDS_A_PERSON if waits else Status.GRADED)
    assert expected.get("remark", "") in " ".join(row.remarks)


@pytest.mark.slow
@pytest.mark.sandbox
@needs_sandbox
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_nothing_runs_on_when_a_submission_is_graded(
    classes: Classes, courses: dict[str, Course], leftovers: Leftovers, name: str
) -> None:
    students = list(classes(name))

    assert {student: leftovers.processes[student] for student in students} == dict.fromkeys(
        students, 0
    )
    assert not any(leftovers.rooms[student] for student in students)
    assert len(leftovers.parents[courses[name].plug]) == 1  # which nobody has ended


@pytest.mark.slow
@pytest.mark.sandbox
@needs_sandbox
def test_a_greedy_kernel_takes_nothing_from_its_neighbour_and_ends_whole() -> None:
    parent = running_fork_server(Plug())._process.pid
    own = descendants(parent)
    limits = Limits(processes=50)
    greedy = Session(limits)
    takes = "import os, time\nfor _ in range(35):\n    os.fork() or time.sleep(600)"
    greedy.run(nbformat.v4.new_code_cell(takes))  # type: ignore[no-untyped-call]
    assert len(descendants(parent) - own) > 35

    neighbour = Session(limits)
    starts = "import os\nprint([os.waitpid(os.fork() or os._exit(0), 0)[1] for _ in range(9)])"
    cell = nbformat.v4.new_code_cell(starts)  # type: ignore[no-untyped-call]
    neighbour.run(cell)
    neighbour.close()
    greedy.close()

    assert cell.outputs[0].text == f"{[0] * 9}\n"
    assert newcomers(parent, own) == set()


@pytest.mark.slow
@pytest.mark.sandbox
@needs_sandbox
def test_nothing_is_written_outside(classes: Classes, courses: dict[str, Course]) -> None:
    classes("walls")

    tops = (courses["walls"].root, Path.home(), Path(sys.prefix), Path("/tmp"), Path("/dev/shm"))
    library = Path(json.__file__).parents[1]
    found = [
        path
        for top in (*tops, library, *map(Path, sys.path))
        for path in paths_below(top, 3)
        if path.name.startswith(MARKER)
    ]
    assert found == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the attempts know Linux only")
@pytest.mark.parametrize("scenario", OPEN)
def test_attempts_succeed_where_nothing_confines_them(
    classes: Classes, outside: Outside, scenario: str, tmp_path: Path
) -> None:
    classes("walls")  # makes what they look for
    code = told(outside) + (HOSTILE / scenario / "attempts.py").read_text() + TRIED

    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )

    assert "'reached'" in ran.stdout, ran.stdout + ran.stderr
    assert "Error: " not in ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("student", HONEST)
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_an_honest_student_among_forgers_has_all_marks_and_no_remarks(
    classes: Classes, name: str, student: str
) -> None:
    row = classes(name)[student]

    assert marks(row) == FULL[name]
    assert row.status is Status.GRADED
    assert row.remarks == TOLD_OF_ALL.get(name, ())


@pytest.mark.slow
@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_grading_again_gives_the_same_row(
    courses: dict[str, Course], classes: Classes, name: str
) -> None:
    first = classes(name)
    sample = [student for student in (*REGRADED, HONEST[0]) if student in first]

    again = grade_assignment(
        courses[name], ASSIGNMENTS[name], students=sample, force=True, get_pool=AtOnce()
    )

    assert [row.student for row in again] == sorted(sample)
    assert again == [first[row.student] for row in again]


def test_every_folder_is_a_scenario_whose_outcome_is_complete() -> None:
    folders = {path.name for path in HOSTILE.glob("[!.]*/")}

    assert folders == set(SCENARIOS)
    assert len(SCENARIOS) >= 40
    assert sum(name.startswith("walls_") for name in SCENARIOS) >= 30
    assert all(outcome["about"].endswith(".") for outcome in SCENARIOS.values())
    assert all(o["marks"].keys() == FULL[o["course"]].keys() for o in SCENARIOS.values())
