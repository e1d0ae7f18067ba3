"""Decide which copy of an answer counts, if a notebook has more than one.

A changed copy always counts before an unchanged one, wherever the two are; the unchanged one is not
run, since it would define the answer's name again. Among changed copies the last one above the
check counts: it is the one whose result Jupyter shows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from nbjudge.course.cell_text import bound_names, is_same
from nbjudge.course.cells import CourseCell

__all__ = ["Choice", "Piece", "choose"]


@dataclass(frozen=True)
class Piece:
    """What is kept of a submitted cell: its grade_id, its kind, and its text."""

    grade_id: str
    kind: str
    source: str


@dataclass
class Choice:
    """How the cells of a submitted notebook are matched with the course's cells.

    Parameters
    ----------
    owners : dict of int to CourseCell
        The course's cell that a submitted cell counts as, by the submitted cell's index.
    joined : dict of int to str
        The text of cells that are joined from several, by index.
    left_out : set of int
        Indices of cells that are dropped, such as unchanged copies.
    repeated, changed, apart, elsewhere : list of str
        The grade_ids of cells that occur more than once: where the last copy counts; where the
        changed copy counts; where answers above and below the check differ; and of answers in a
        cell without a grade_id.
    """

    owners: dict[int, CourseCell] = field(default_factory=dict)
    joined: dict[int, str] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)
    repeated: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


def choose(
    pieces: Sequence[Piece],
    owned: Collection[CourseCell],
    given: Collection[tuple[str, str]] = (),
) -> Choice:
    """Match submitted cells with the course's cells.

    Parameters
    ----------
    pieces : sequence of Piece
    owned : collection of CourseCell
        The course's own cells of the notebook, in their order.
    given : collection of (str, str)
        The kind and the text of the other released cells; none of them is an answer.
    """
    choice = Choice()
    released = {(kind, text.strip()) for kind, text in given}
    known = {cell.grade_id for cell in owned}
    with_id: dict[str, list[int]] = {}
    for index, piece in enumerate(pieces):
        with_id.setdefault(piece.grade_id if piece.grade_id in known else "", []).append(index)
    own = [
        index
        for index in with_id.pop("", [])
        if (pieces[index].kind, pieces[index].source.strip()) not in released
    ]
    checks = _check_after_answer(owned)
    for cell in owned:
        at = with_id.get(cell.grade_id, [])
        if not cell.solution:
            if at:
                choice.owners[at[-1]] = cell
            if len(at) > 1:
                choice.repeated.append(cell.grade_id)
        elif cell.grade:
            _choose_written(choice, cell, at, pieces)
        else:
            check = with_id.get(checks.get(cell.grade_id, ""), [len(pieces)])[-1]
            _choose_code(choice, cell, at, own, pieces, check)
    return choice


def _check_after_answer(owned: Collection[CourseCell]) -> dict[str, str]:
    """Return the grade_id of the first check after each answer, by the answer's grade_id."""
    checks: dict[str, str] = {}
    answer = ""
    for cell in owned:
        if cell.solution:
            answer = cell.grade_id
        elif cell.grade:
            checks.setdefault(answer, cell.grade_id)
    return checks


def _choose_written(
    choice: Choice, cell: CourseCell, at: list[int], pieces: Sequence[Piece]
) -> None:
    """Choose the last changed copy, and join the others to it, as an answer may be split."""
    if not at:
        return
    said = {pieces[i].source.strip(): i for i in at if _is_changed(pieces[i], cell)}
    last = max(said.values(), default=at[-1])
    choice.owners[last] = cell
    if len(said) > 1:
        choice.joined[last] = "\n\n".join(sorted(said, key=lambda text: said[text]))
        choice.left_out.update(i for i in at if i != last)
    if len(at) > 1:
        choice.changed.append(cell.grade_id)


def _choose_code(
    choice: Choice,
    cell: CourseCell,
    at: list[int],
    own: list[int],
    pieces: Sequence[Piece],
    check: int,
) -> None:
    names = bound_names(cell.source)
    alike = [
        i
        for i in own
        if names and pieces[i].kind == "code" and names <= bound_names(pieces[i].source)
    ]
    changed, elsewhere = (
        [i for i in indices if _is_changed(pieces[i], cell)] for indices in (at, alike)
    )
    untouched = {*at, *alike} - {*changed, *elsewhere}
    if not (changed or elsewhere):
        if at:
            choice.owners[at[-1]] = cell
        if len(at) > 1:
            choice.repeated.append(cell.grade_id)
        return
    choice.left_out |= untouched
    if not changed and not at:
        return  # the check finds what cells without an id define
    free = [i for i in changed or elsewhere if i not in choice.owners]
    if not free:
        return  # one cell holds several answers
    above = [i for i in free if i < check]
    chosen = (above or free)[-1]
    choice.owners[chosen] = cell
    texts = [pieces[i].source for i in free]
    if not changed:
        choice.elsewhere.append(cell.grade_id)
    elif above and len(above) < len(free) and not _are_same(texts):
        choice.apart.append(cell.grade_id)
    elif untouched & set(at):
        choice.changed.append(cell.grade_id)
    elif len(at) > 1:
        choice.repeated.append(cell.grade_id)


def _is_changed(piece: Piece, cell: CourseCell) -> bool:
    """Return whether a copy is neither empty nor as it was released."""
    text = piece.source
    is_code = cell.cell_type == "code"
    return bool(text.strip()) and not is_same(text, cell.source, is_code=is_code)


def _are_same(texts: Sequence[str]) -> bool:
    return all(is_same(text, texts[0], is_code=True) for text in texts)
