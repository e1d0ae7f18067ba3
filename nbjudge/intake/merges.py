"""Split cells that a student merged in the editor, so that no answer is lost; find misplaced ones.

JupyterLab's *Merge Selected Cells* joins the texts of cells with blank lines between, and keeps the
metadata of one. If one of them was the course's, its text is known, and the rest is the student's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from nbjudge.course.cell_text import bound_names, is_same
from nbjudge.course.cells import CourseCell
from nbjudge.course.hidden_regions import visible
from nbjudge.intake.copies import Piece

__all__ = ["Parted", "answers_below", "is_courses", "misplaced_answers", "part_cells"]

#: The fewest characters by which a released text without a grade_id is recognised, so that it is
#: not mistaken for a line of code.
MIN_GIVEN = 20


@dataclass(frozen=True)
class Parted:
    """The cells of a notebook, with merged ones split.

    Parameters
    ----------
    pieces : tuple of Piece
    sources : tuple of int
        The index of the submitted cell that each piece comes from.
    merged : tuple of str
        The grade_ids of the cells that were found in merged ones.
    """

    pieces: tuple[Piece, ...]
    sources: tuple[int, ...]
    merged: tuple[str, ...]


def is_courses(cell: CourseCell) -> bool:
    """Return whether a cell's text and place are the course's; an answer's are the student's."""
    return not cell.solution and (cell.grade or cell.task or cell.locked)


def part_cells(
    pieces: Sequence[Piece], owned: Collection[CourseCell], given: Collection[tuple[str, str]] = ()
) -> Parted:
    """Split the cells that hold several of the course's cells, or one of them and an answer.

    Parameters
    ----------
    pieces : sequence of Piece
        The submitted cells.
    owned : collection of CourseCell
        The course's own cells of the notebook, in their order.
    given : collection of (str, str)
        The kind and the text of the released cells without a grade_id.
    """
    own = {cell.grade_id: cell for cell in owned}
    here = {piece.grade_id for piece in pieces}
    released = {text.strip(): Piece("", kind, text) for kind, text in given}
    lost = {grade_id: cell for grade_id, cell in own.items() if grade_id not in here}
    found: list[Piece] = []
    sources: list[int] = []
    merged: list[str] = []
    passed = ""  # the grade_id of the last of the course's cells so far
    for index, piece in enumerate(pieces):
        made = [piece]
        if len(lost) < len(own):  # if all grade_ids are lost, cells cannot be told apart
            made = _split_merged(piece, own, lost, released, passed) or made
        if len(made) > 1:
            merged += [part.grade_id for part in made if part.grade_id]
        for part in made:
            lost.pop(part.grade_id, None)
            passed = part.grade_id if part.grade_id in own else passed
        found += made
        sources += [index] * len(made)
    return Parted(tuple(found), tuple(sources), tuple(merged))


def _split_merged(
    piece: Piece,
    own: Mapping[str, CourseCell],
    lost: Mapping[str, CourseCell],
    released: Mapping[str, Piece],
    passed: str,
) -> list[Piece]:
    """Return the cells that were merged into a piece; none if it is a single cell."""
    owner = own.get(piece.grade_id)
    if owner is not None and piece.source == owner.source:
        return []  # restored before, hidden regions included
    is_answer = owner is not None and owner.solution
    wanted = {name: cell for name, cell in lost.items() if cell.solution}
    if is_answer:
        wanted[piece.grade_id] = own[piece.grade_id]
    if not wanted:
        return []
    blocks = {
        text: each
        for text, each in released.items()
        if each.kind == "markdown" and len(each.source) >= MIN_GIVEN
    }
    for cell in (*lost.values(), *([owner] if owner else [])):
        if is_courses(cell):
            text = visible(cell.source)
            blocks[text] = Piece(cell.grade_id, cell.cell_type, text)
    parts = [released.get(part.source, part) for part in _parts_of_text(piece.source, blocks)]
    courses = (*blocks.values(), *released.values())
    students = [i for i, part in enumerate(parts) if part not in courses]
    if len(parts) < 2 or not students:
        return []
    # Match parts by the names that they define; then match the remaining ones by their place.
    for i in students:
        grade_id = _by_names(parts[i].source, wanted)
        parts[i] = Piece(grade_id, piece.kind, parts[i].source)
        wanted.pop(grade_id, None)
    for i, part in enumerate(parts):
        if i in students and not part.grade_id:
            parts[i] = replace(part, grade_id=_by_place(wanted, own, passed))
            wanted.pop(parts[i].grade_id, None)
        passed = parts[i].grade_id or passed
    bare = [i for i in students if not parts[i].grade_id]
    if bare and is_answer and piece.grade_id in wanted:
        parts[bare[0]] = replace(parts[bare[0]], grade_id=piece.grade_id)
    return parts


def _parts_of_text(text: str, blocks: Mapping[str, Piece]) -> list[Piece]:
    """Split a text into the known blocks that it contains, and the texts between them."""
    parts: list[Piece] = []

    def add(between: str) -> None:
        if between.strip():
            parts.append(Piece("", "", between.strip("\n")))

    place = 0
    starts = {block: _find_block(block, text) for block in blocks}
    for block in sorted(blocks, key=lambda block: (starts[block], -len(block))):
        if starts[block] >= place:  # found, and not inside another block
            add(text[place : starts[block]])
            parts.append(blocks[block])
            place = starts[block] + len(block)
    add(text[place:])
    return parts


def _find_block(block: str, text: str) -> int:
    """Return the index of a block that occurs in a text as whole lines, or -1."""
    start = text.find(block) if block else -1
    while start >= 0:
        end = start + len(block)
        if text[start - 1 : start] in ("", "\n") and text[end : end + 1] in ("", "\n"):
            return start
        start = text.find(block, start + 1)
    return -1


def _by_names(text: str, wanted: Mapping[str, CourseCell]) -> str:
    """Return the grade_id of the answer whose names a text defines; empty if there is none."""
    names = bound_names(text)
    defined = {grade_id: bound_names(cell.source) for grade_id, cell in wanted.items()}
    return next((grade_id for grade_id, own in defined.items() if own and own <= names), "")


def _by_place(wanted: Mapping[str, CourseCell], own: Mapping[str, CourseCell], passed: str) -> str:
    """Return the grade_id of the next answer after a course's cell, if it is wanted; else empty."""
    order = list(own)
    later = order[order.index(passed) + 1 :] if passed in own else order
    following = next((grade_id for grade_id in later if own[grade_id].solution), "")
    return following if following in wanted else ""


def misplaced_answers(
    pieces: Sequence[Piece],
    owners: Mapping[int, CourseCell],
    owned: Collection[CourseCell],
    given: Collection[tuple[str, str]],
) -> list[str]:
    """Return the grade_ids of missing answers that may be in a cell where no test would find them.

    Parameters
    ----------
    pieces : sequence of Piece
    owners : mapping of int to CourseCell
        The course's cell that a piece counts as, by the piece's index.
    owned, given
        As for `part_cells`.
    """
    known = {(kind, text.strip()) for kind, text in given}
    if not known:
        return []  # a student's text cannot be told from the course's
    answered = {
        cell.grade_id
        for index, cell in owners.items()
        if cell.solution
        and not is_same(pieces[index].source, cell.source, is_code=cell.cell_type == "code")
    }
    unused = {
        index: text
        for index, piece in enumerate(pieces)
        if (text := _unused_text(piece, owners.get(index), known))
    }
    defined = frozenset[str]().union(
        *(
            bound_names(piece.source)
            for index, piece in enumerate(pieces)
            if piece.kind == "code" and index not in owners
        )
    )
    found = []
    for cell in owned:
        if not cell.solution or cell.grade_id in answered:
            continue
        names = bound_names(cell.source)
        if cell.grade:
            is_somewhere = any(index in _around(cell, owners, len(pieces)) for index in unused)
        elif names:
            texts = unused.values()
            is_somewhere = not names <= defined and any(names <= bound_names(t) for t in texts)
        else:
            is_somewhere = any(map(bound_names, unused.values()))
        if is_somewhere:
            found.append(cell.grade_id)
    return found


def answers_below(
    pieces: Sequence[Piece], owners: Mapping[int, CourseCell], owned: Collection[CourseCell]
) -> list[str]:
    """Return the grade_ids of answers that only another exercise's cell below their check defines.

    This happens when an answer was merged with a later one, or two answers were swapped.

    Parameters
    ----------
    pieces, owners, owned
        As for `misplaced_answers`.
    """
    order = list(owned)
    places = {owner.grade_id: index for index, owner in owners.items()}
    found = []
    for number, cell in enumerate(order):
        names = bound_names(cell.source)
        if not cell.solution or cell.grade or not names:
            continue
        checks = (later.grade_id for later in order[number + 1 :] if _is_check(later))
        check = places.get(next(checks, ""))
        defining = [i for i in range(len(pieces)) if names <= _changed_names(i, pieces, owners)]
        if check is None or any(index < check for index in defining):
            continue
        others = (owners[index] for index in defining if index in owners)
        if any(not names <= bound_names(other.source) for other in others):
            found.append(cell.grade_id)
    return found


def _is_check(cell: CourseCell) -> bool:
    """Return whether a cell is a test."""
    return cell.grade and not cell.solution and not cell.task


def _changed_names(
    index: int, pieces: Sequence[Piece], owners: Mapping[int, CourseCell]
) -> frozenset[str]:
    """Return the names that a cell defines, if it is run and was changed since the release."""
    piece, owner = pieces[index], owners.get(index)
    kind = piece.kind if owner is None else owner.cell_type
    if kind != "code" or (owner is not None and not owner.solution):
        return frozenset()
    if owner is not None and is_same(piece.source, owner.source, is_code=True):
        return frozenset()
    return bound_names(piece.source)


def _unused_text(piece: Piece, owner: CourseCell | None, known: Collection[tuple[str, str]]) -> str:
    """Return the student's own text in a cell that is neither run nor an answer."""
    if owner is None:
        is_own = piece.kind != "code" and (piece.kind, piece.source.strip()) not in known
        return piece.source.strip() if is_own else ""
    if owner.solution:
        return ""
    lines = set(owner.source.splitlines())
    added = [line for line in piece.source.splitlines() if line not in lines]
    return "\n".join(added).strip()


def _around(cell: CourseCell, owners: Mapping[int, CourseCell], count: int) -> range:
    """Return the indices between the course's cells before and after an answer; all if missing."""
    at = next((i for i, owner in owners.items() if owner.grade_id == cell.grade_id), None)
    if at is None:
        return range(count)
    before = max((i for i in owners if i < at), default=0)
    return range(before, min((i for i in owners if i > at), default=count))
