"""Find the files of known answers in a course's folder `known/`, beside `source/`.

`known/<assignment>/<grade_id>.diff` belongs to the answer cell with that grade_id, in the format
that `known_file` describes. If two notebooks of an assignment have the same grade_id, the file is
in `known/<assignment>/<notebook>/`. None of these files is ever released.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbformat import from_dict

from nbjudge.course.answer_texts import answers_tested
from nbjudge.course.cells import NotebookVersion
from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError
from nbjudge.judge.known_file import Known, read_known

__all__ = ["KNOWN_FOLDER", "KnownFile", "place_of_known", "read_catalogue", "tested_answers"]

KNOWN_FOLDER, SUFFIX = "known", ".diff"


@dataclass(frozen=True)
class KnownFile:
    """The known answers to one exercise.

    Parameters
    ----------
    notebook, grade_id : str
        The answer cell.
    path : Path
    answers : tuple of Known
        In the order of the file.
    """

    notebook: str
    grade_id: str
    path: Path
    answers: tuple[Known, ...]


def read_catalogue(
    course: Course, assignment: str, versions: Mapping[str, NotebookVersion]
) -> list[KnownFile]:
    """Return the known answers to the exercises of an assignment, in the order of its notebooks.

    Raises
    ------
    CourseError
        If a file belongs to no answer of the assignment, or is malformed.
    """
    wanted = {
        place_of_known(course, assignment, versions, *where): where
        for where in _answer_cells(versions)
    }
    folder = course.root / KNOWN_FOLDER / assignment
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        if path not in wanted:
            name = path.relative_to(course.root).as_posix()
            message = (
                f"{name} is about no answer of '{assignment}': call it as the answer's cell is "
                f"called in nbgrader, {_example(course, wanted)}."
            )
            raise CourseError(message)
    return [
        KnownFile(notebook, grade_id, path, read_known(path))
        for path, (notebook, grade_id) in wanted.items()
        if path.is_file()
    ]


def place_of_known(
    course: Course,
    assignment: str,
    versions: Mapping[str, NotebookVersion],
    notebook: str,
    grade_id: str,
) -> Path:
    """Return the path of an exercise's file of known answers, whether or not it exists."""
    folder = course.root / KNOWN_FOLDER / assignment
    if sum(found == grade_id for _, found in _answer_cells(versions)) > 1:
        folder /= notebook
    return folder / f"{grade_id}{SUFFIX}"


@functools.cache  # called for each notebook of a class
def tested_answers(version: NotebookVersion) -> Mapping[str, tuple[str, ...]]:
    """Return the grade_ids of the code answers that each test of a notebook examines."""
    cells = (
        from_dict({"cell_type": cell.cell_type, "metadata": {"nbgrader": cell.metadata}})  # type: ignore[no-untyped-call]
        for cell in version.cells
    )
    return answers_tested(cells)


def _answer_cells(versions: Mapping[str, NotebookVersion]) -> Iterator[tuple[str, str]]:
    for name, version in versions.items():
        for cell in version.cells:
            if cell.solution and cell.cell_type == "code":
                yield name, cell.grade_id


def _example(course: Course, wanted: Mapping[Path, object]) -> str:
    first = next(iter(wanted), None)
    return f"such as {first.relative_to(course.root).as_posix()}" if first else "which has none"
