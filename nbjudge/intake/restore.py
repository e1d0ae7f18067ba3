"""Rebuild a submitted notebook from the text of its cells and the course's own copy of the rest.

The kind, points, place and text of tests come from the course's copy. A submitted cell with the
grade_id of one of the course's cells is matched by that grade_id alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import nbformat
from nbformat import NotebookNode

from nbjudge.course.cell_text import is_same
from nbjudge.course.cells import CourseCell, exercise_number
from nbjudge.intake.copies import Piece, choose
from nbjudge.intake.merges import answers_below, is_courses, misplaced_answers, part_cells

__all__ = ["Restored", "restore_notebook"]

CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
#: Sentences about a notebook and exercises in it.
IDS_LOST = (
    "No cell of '{}' carries the course's ids: the nbgrader metadata is lost. The "
    "tests ran at its end; its written answers could not be told from other text."
)
MERGED = (
    "'{}' had cells merged into one, which were parted again: {}. "
    "Look whether the answers are whole."
)
SEVERAL_ANSWERS = (
    "'{}' has different answers to {} above and below "
    "the check: the last one above counts, as in Jupyter. Look at the others."
)
MISPLACED = (
    "'{}' has no answer to {} in its place, but text of the "
    "student's in cells that are not run. Look whether the answer is there."
)
BELOW = (
    "'{}' defines the answer to {} only below its check, in the cell of another exercise, where "
    "it comes too late. Look whether it counts."
)
REPEATED = "'{}' has {} twice: the last one counts."
RELEASED = "'{}' has {} more than once: what is as it was released does not count."
IN_OWN_CELL = "'{}' has the answer to {} in a cell of the student's own: that one counts."
PUT_BACK = "'{}' lacked cells, which were put back: {}."
MOVED = "'{}' had cells in another place: {}."
NO_ANSWER_CELL = "'{}' has no answer cell for {}."


@dataclass(frozen=True)
class Restored:
    """The cells of a submitted notebook as the course can grade them.

    Parameters
    ----------
    cells : tuple of NotebookNode
        In notebook format 4.5.
    problems : tuple of str
        Sentences about what a person has to check.
    notes : tuple of str
        Sentences for information only.
    """

    cells: tuple[NotebookNode, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def restore_notebook(
    name: str,
    cells: Iterable[Mapping[str, Any]],
    owned: Collection[CourseCell],
    given: Collection[tuple[str, str]] = (),
) -> Restored:
    """Return the cells of a submitted notebook as the course can grade them.

    Restoring is idempotent.

    Parameters
    ----------
    name : str
        The notebook's file name, for the messages.
    cells : iterable of mapping
        The submitted cells, in notebook format 4.
    owned : collection of CourseCell
        The course's own cells of this notebook, in their order.
    given : collection of (str, str)
        The kind and the text of the other released cells, if they are known.
    """
    cells = list(cells)
    own = {cell.grade_id: cell for cell in owned}
    parted = part_cells(list(map(_piece, cells)), owned, given)
    pieces = parted.pieces
    choice = choose(pieces, owned, given)
    known = [name for name in own if name in {piece.grade_id for piece in pieces}]

    ids: set[str] = set()
    built = []
    for index, piece in enumerate(pieces):
        if index in choice.left_out:
            continue
        owner = choice.owners.get(index)
        cell = cells[parted.sources[index]]
        text = choice.joined.get(index, piece.source)
        fresh = _fresh_id(cell.get("id"), f"cell-{index}", ids)
        built.append(_rebuilt(cell, replace(piece, source=text), owner, fresh))
    ordered, put_back, moved = _put_in_order(built, owned, ids)

    if not known:
        return Restored(tuple(ordered), (IDS_LOST.format(name),), ())

    def tell(*found: tuple[str, Collection[str]]) -> tuple[str, ...]:
        return tuple(text.format(name, _exercise_list(ids)) for text, ids in found if ids)

    answered = {cell.grade_id for cell in choice.owners.values()}
    answers = [cell.grade_id for cell in owned if cell.solution and not cell.grade]
    problems = tell(
        (MERGED, parted.merged),
        (SEVERAL_ANSWERS, choice.apart),
        (MISPLACED, misplaced_answers(pieces, choice.owners, owned, given)),
        (BELOW, answers_below(pieces, choice.owners, owned)),
    )
    notes = tell(
        (REPEATED, choice.repeated),
        (RELEASED, choice.changed),
        (IN_OWN_CELL, choice.elsewhere),
        (PUT_BACK, put_back),
        (MOVED, moved),
        (NO_ANSWER_CELL, [grade_id for grade_id in answers if grade_id not in answered]),
    )
    return Restored(tuple(ordered), problems, notes)


def _piece(cell: Mapping[str, Any]) -> Piece:
    kind = cell.get("cell_type")
    return Piece(
        _grade_id_in(cell), kind if kind in ("code", "raw") else "markdown", _source_text(cell)
    )


def _rebuilt(
    cell: Mapping[str, Any], piece: Piece | None, owner: CourseCell | None, cell_id: str
) -> NotebookNode:
    """Build a valid cell from a submitted one's type, text, tags and pictures, and nothing else."""
    if owner and (piece is None or is_courses(owner)):
        kind, source = owner.cell_type, owner.source
    else:
        assert piece is not None
        kind, source = owner.cell_type if owner else piece.kind, piece.source
    if owner and owner.grade and is_same(source, owner.source, is_code=False):
        source = owner.source  # a change of spaces alone is not a written answer
    attachments = cell.get("attachments")
    content: dict[str, Any] = {
        "cell_type": kind,
        "id": cell_id,
        "metadata": {},
        "source": source,
    }
    if kind == "code":
        content |= {"execution_count": None, "outputs": []}
    elif kind != "raw" and isinstance(attachments, dict) and _are_pictures(attachments):
        content["attachments"] = attachments
    # nbformat's own functions for new cells are slower, since they validate each cell.
    built: NotebookNode = nbformat.from_dict(content)  # type: ignore[no-untyped-call]
    if owner:
        # The course's cells must not carry a student's tags, which could change how they are run.
        built.metadata.nbgrader = nbformat.from_dict(  # type: ignore[no-untyped-call]
            owner.metadata
        )
    elif (tags := _tags(cell)) is not None:
        built.metadata.tags = tags
    return built


def _tags(cell: Mapping[str, Any]) -> list[str] | None:
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    if not isinstance(tags, list):
        return None
    return sorted({tag for tag in tags if isinstance(tag, str) and tag and "," not in tag})


def _put_in_order(
    cells: list[NotebookNode], owned: Collection[CourseCell], ids: set[str]
) -> tuple[list[NotebookNode], list[str], list[str]]:
    """Move the course's cells to their places, and add those that are missing.

    A student's cells keep their order. A missing answer that a person would mark is added as it was
    released. The answers divide the notebook into stretches, and each of the course's cells belongs
    to the stretch of the last answer before it.

    Returns
    -------
    cells : list of NotebookNode
    put_back, moved : list of str
        The grade_ids of the cells that were missing, and of those that were moved.
    """
    rank = {cell.grade_id: number for number, cell in enumerate(owned)}
    here = {_grade_id_in(cell): cell for cell in cells}
    home = _homes(owned, here)
    stretches = _stretches(cells, rank.keys() - home.keys())
    kept = _in_place(stretches, home, rank)
    for stretch in stretches.values():
        stretch[:] = [c for c in stretch if (name := _grade_id_in(c)) not in home or name in kept]
    put_back: list[str] = []
    moved: list[str] = []
    for cell in owned:
        if (name := cell.grade_id) not in home or name in kept:
            continue
        (moved if name in here else put_back).append(name)
        found = here.get(name) or _rebuilt({}, None, cell, _fresh_id(name, name, ids))
        stretch = stretches[home[name]]
        stretch.insert(_place_of_cell(cell, stretch, rank), found)
    return [cell for stretch in stretches.values() for cell in stretch], put_back, moved


def _homes(owned: Iterable[CourseCell], here: Collection[str]) -> dict[str, str]:
    """Return the last answer before each of the course's cells; "" for those before the first."""
    homes, answer = {}, ""
    for cell in owned:
        is_lost = cell.grade and cell.grade_id not in here
        if is_lost or is_courses(cell):
            homes[cell.grade_id] = answer
        elif cell.grade_id in here:
            answer = cell.grade_id
    return homes


def _stretches(
    cells: Iterable[NotebookNode], answers: Collection[str]
) -> dict[str, list[NotebookNode]]:
    """Divide cells into stretches, by the answer that each begins with; "" is the first one."""
    stretches: dict[str, list[NotebookNode]] = {"": []}
    current = ""
    for cell in cells:
        if (name := _grade_id_in(cell)) in answers:
            stretches[current := name] = []
        stretches[current].append(cell)
    return stretches


def _in_place(
    stretches: Mapping[str, list[NotebookNode]], home: Mapping[str, str], rank: Mapping[str, int]
) -> set[str]:
    """Return those of the course's cells that can stay where they are."""
    return {
        name
        for answer, stretch in stretches.items()
        for name in _longest_in_order(
            [name for name in map(_grade_id_in, stretch) if home.get(name) == answer], rank
        )
    }


def _longest_in_order(names: list[str], rank: Mapping[str, int]) -> list[str]:
    """Return the longest subsequence of the names that is in the course's order."""
    tails: list[int] = []
    chains: list[list[str]] = []
    for name in names:
        place = bisect_left(tails, rank[name])
        chain = [*(chains[place - 1] if place else []), name]
        tails[place:], chains[place:] = (
            [rank[name], *tails[place + 1 :]],
            [chain, *chains[place + 1 :]],
        )
    return chains[-1] if chains else []


def _place_of_cell(cell: CourseCell, stretch: list[NotebookNode], rank: Mapping[str, int]) -> int:
    """Return the index for a cell in its stretch, in order with the course's other cells.

    Tests go as late as possible, after an answer that may have lost its grade_id. Other cells go as
    early as possible, as the student's cells may need them.
    """
    ranks = [rank.get(_grade_id_in(other)) for other in stretch]
    mine = rank[cell.grade_id]
    if cell.grade or cell.task:
        later = [index for index, r in enumerate(ranks) if r is not None and r > mine]
        return min(later, default=len(stretch))
    earlier = [index for index, r in enumerate(ranks) if r is not None and r < mine]
    return max(earlier, default=-1) + 1


def _grade_id_in(cell: Mapping[str, Any]) -> str:
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = marks.get("grade_id") if isinstance(marks, dict) else None
    return grade_id if isinstance(grade_id, str) else ""


def _source_text(cell: Mapping[str, Any]) -> str:
    source = cell.get("source")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    # A lone surrogate is valid in JSON, but cannot be encoded as text.
    return source.encode("utf-8", "replace").decode() if isinstance(source, str) else ""


def _are_pictures(attachments: dict[Any, Any]) -> bool:
    return all(
        isinstance(bundle, dict) and all(isinstance(data, str) for data in bundle.values())
        for bundle in attachments.values()
    )


def _fresh_id(wanted: object, otherwise: str, ids: set[str]) -> str:
    """Return a cell id that is valid, unused, and the same on every run."""
    fits = isinstance(wanted, str) and CELL_ID.fullmatch(wanted) and wanted not in ids
    chosen = str(wanted) if fits else otherwise
    while chosen in ids:
        chosen += "_"
    ids.add(chosen)
    return chosen


def _exercise_list(grade_ids: Iterable[str]) -> str:
    return ", ".join(
        f"the check of {exercise_number(name)}"
        if name.startswith("test_")
        else exercise_number(name)
        for name in grade_ids
    )
