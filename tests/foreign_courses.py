"""Courses that nobody here wrote for, and their marks by nbgrader alone and by the judge.

A file of `tests/foreign/notebooks` is one notebook, in cells that begin with a line `# %%`:

- `# %% given`: a cell like any other; `[markdown]` one in words;
- `# %% locked ID`: a cell of the course's that students cannot change;
- `# %% answer ID`: the solution, between nbgrader's own marks; `graded ID POINTS`, one with points;
- `# %% test ID POINTS`: a test;
- `# %% file NAME`: a file beside the notebook, of this text;
- `# %% mutant ID`: what a student has instead in the answer of this ID: the lines above `# ->`
  become those below. The first mutants of all answers are one student's, the second another's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class
from nbjudge.grading.batch import grade_assignment
from nbjudge.release.release import make_release

__all__ = [
    "NOTEBOOKS",
    "ForeignNotebook",
    "Marks",
    "judged_marks",
    "read_foreign",
    "stock_marks",
    "write_source",
]

NOTEBOOKS = Path(__file__).parent / "foreign" / "notebooks"
ASSIGNMENT = "week1"
#: What an instructor adds to a configuration that is there.
TWO_LINES = "from nbjudge.hooks import configure\nconfigure(c)\n"
SOLVED, UNTOUCHED = "solved", "untouched"

#: Of each student, what each test gave; None where a person has to say.
Marks = dict[str, dict[str, float | None]]

_HEADER = re.compile(r"^# %% (.+)\n", re.MULTILINE)
_MARKS_OF_A_SOLUTION = re.compile(r"^ *### (BEGIN|END) SOLUTION *\n?", re.MULTILINE)


@dataclass
class ForeignNotebook:
    """A notebook of somebody's course, what lies beside it, and what students hand in for it."""

    name: str
    source: NotebookNode
    files: dict[str, str] = field(default_factory=dict)
    #: By the answer's id, what it is replaced with: one a student.
    mutants: dict[str, list[str]] = field(default_factory=dict)

    @property
    def tests(self) -> list[str]:
        """The ids of the cells with points."""
        return [cell.metadata.nbgrader.grade_id for cell in self.source.cells if _is_graded(cell)]

    def submissions(self, released: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
        """Yield who hands in, and what."""
        yield UNTOUCHED, released
        solutions = {
            cell.metadata.nbgrader.grade_id: _MARKS_OF_A_SOLUTION.sub("", cell.source)
            for cell in self.source.cells
            if cell.metadata.get("nbgrader", {}).get("solution")
        }
        yield SOLVED, _answered(released, solutions)
        for place in range(max(map(len, self.mutants.values()), default=0)):
            mutants = {
                name: found[place] for name, found in self.mutants.items() if place < len(found)
            }
            yield f"mutant{place + 1}", _answered(released, {**solutions, **mutants})


def read_foreign(path: Path) -> ForeignNotebook:
    """Return the notebook that a file describes."""
    _, *parts = _HEADER.split(path.read_text(encoding="utf-8"))
    found = ForeignNotebook(path.stem, new_notebook())
    answers: dict[str, str] = {}
    for header, body in zip(parts[::2], parts[1::2], strict=True):
        kind, *details = header.split()
        text = body.strip("\n")
        match kind, details:
            case "[markdown]", []:
                found.source.cells.append(new_markdown_cell(text.replace("# ", "")))
            case "given", []:
                found.source.cells.append(new_code_cell(text))
            case "file", [name]:
                found.files[name] = text + "\n"
            case "mutant", [name]:
                old, _, new = f"{text}\n".partition("\n# ->\n")
                assert answers[name].count(old) == 1, f"{path.name}: {old!r} of {name}"
                code = _MARKS_OF_A_SOLUTION.sub("", answers[name].replace(old, new.rstrip()))
                found.mutants.setdefault(name, []).append(code)
            case "locked" | "answer" | "graded" | "test", [name, *points]:
                answers[name] = text
                found.source.cells.append(_cell(kind, name, text, *map(float, points)))
            case _:
                raise ValueError(f"{path.name}: {header}")
    for place, cell in enumerate(found.source.cells):
        cell.id = hashlib.sha1(f"{place} {cell.source}".encode()).hexdigest()[:8]
    return found


def _cell(kind: str, name: str, text: str, points: float = 0) -> NotebookNode:
    is_graded = kind in ("graded", "test")
    known = {
        **{"grade": is_graded, "grade_id": name, "locked": kind in ("locked", "test")},
        **{"solution": kind in ("answer", "graded"), "task": False, "schema_version": 3},
        **({"points": points} if is_graded else {}),
    }
    return new_code_cell(text, metadata={"nbgrader": known})


def _is_graded(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def _answered(released: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    notebook = nbformat.from_dict(released)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(name, cell.source)
    return notebook


# ---- Two courses of it --------------------------------------------------------------------------


def stock_marks(foreign: ForeignNotebook, root: Path) -> Marks:
    """Return what nbgrader itself gives, in a course that knows nothing of the judge."""
    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
    write_source(foreign, root)
    api = NbGraderAPI(config=config)
    _succeed(api.generate_assignment(ASSIGNMENT, create=True))
    _hand_in(foreign, root)
    _succeed(api.autograde(ASSIGNMENT, "*", create=True))
    with Gradebook(config.CourseDirectory.db_url) as gradebook:
        return {
            submission.student.id: {
                grade.cell.name: grade.auto_score
                for notebook in submission.notebooks
                for grade in notebook.grades
            }
            for submission in gradebook.assignment_submissions(ASSIGNMENT)
        }


def judged_marks(foreign: ForeignNotebook, root: Path) -> tuple[Marks, dict[str, str]]:
    """Return what the judge gives in the same course, and the tests that it told cannot mark."""
    write_source(foreign, root)
    (root / "nbgrader_config.py").write_text(f"c = get_config()\n{TWO_LINES}", encoding="utf-8")
    course = Course(root)
    proof = make_release(course, ASSIGNMENT).proof
    _hand_in(foreign, root)
    grade_assignment(course, ASSIGNMENT)
    found: Marks = {
        submission.student: {
            mark.grade_id: None if mark.waiting else mark.auto
            for notebook in submission.notebooks
            for mark in notebook.marks
        }
        for submission in marks_of_class(course, ASSIGNMENT)
    }
    return found, proof.faults.get(foreign.name, {})


def write_source(foreign: ForeignNotebook, root: Path) -> None:
    """Write a notebook, and what lies beside it, as the source of a course's assignment."""
    folder = root / "source" / ASSIGNMENT
    folder.mkdir(parents=True)
    nbformat.write(foreign.source, folder / f"{foreign.name}.ipynb")
    for name, text in foreign.files.items():
        folder.joinpath(name).write_text(text, encoding="utf-8")


def _hand_in(foreign: ForeignNotebook, root: Path) -> None:
    released = nbformat.read(root / "release" / ASSIGNMENT / f"{foreign.name}.ipynb", 4)
    for student, notebook in foreign.submissions(released):
        folder = root / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{foreign.name}.ipynb")
        for name, text in foreign.files.items():
            folder.joinpath(name).write_text(text, encoding="utf-8")


def _succeed(result: dict[str, object]) -> None:
    assert result["success"], str(result["log"])[-4000:] + str(result["error"])
