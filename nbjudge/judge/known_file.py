"""Read a file of known answers to an exercise: the solution, other right answers, and mistakes.

Each answer in the file is either complete, or an edit of another one::

    # %% solution
    def area(width, height):
        return width * height

    # %% mistake: sum of the sides
    # You add the sides, and an area is their product.
    -    return width * height
    +    return width + height

    # %% style: with NumPy
    def area(width, height):
        return np.multiply(width, height)

    # %% mistake: halved (from: with NumPy)
    # This is the area of a triangle: a rectangle has all of it.
    -    return np.multiply(width, height)
    +    return np.multiply(width, height) / 2

The comment below the name of a mistake is the sentence for its student. Below it stands a complete
answer, or an edit of the solution, or of the answer in ``(from: …)``, which has to be complete
itself. An edit removes lines with ``-`` and adds lines with ``+``. Lines that begin with a space
are kept, and only show the place; ``...`` stands for any lines between. Text above the first answer
is a comment on the file.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from nbjudge.exceptions import CourseError

__all__ = ["Known", "read_known"]

CELL_LINE = "# %% "
GAP = "..."
MARKS = ("-", "+", " ")
HEADER_LINE = re.compile(r"(?:(solution|mistake|style): *(\S.*?)|solution)(?: \(from: (.+)\))?")


@dataclass(frozen=True)
class Known:
    """One known answer to an exercise.

    Parameters
    ----------
    name : str
        Unique in its file.
    sentence : str
        The explanation of a mistake for its student; of another answer, a comment or nothing.
    source : str
        The answer cell.
    kind : str
        "mistake", "style", or "solution".
    """

    name: str
    sentence: str
    source: str
    kind: str = "mistake"


@dataclass(frozen=True)
class _Cell:
    """An answer as written in the file `path`, where `lines` begin at line number `start`."""

    path: Path
    start: int
    kind: str
    name: str
    base: str | None
    sentence: str
    lines: Sequence[str]

    @property
    def is_edit(self) -> bool:
        return self.lines[0].startswith(MARKS)

    def refuse(self, why: str, line: int) -> NoReturn:
        raise _refusal(self.path, line, f'"{self.name}" {why}')


def read_known(path: Path) -> tuple[Known, ...]:
    """Return the known answers in a file, in its order; this module's docstring has the format.

    Parameters
    ----------
    path : Path

    Raises
    ------
    CourseError
        If the file does not have that format, or an edit does not fit its base.
    """
    cells: dict[str, _Cell] = {}
    for cell in _read_cells(path):
        if cell.name in cells:
            cell.refuse("has the name of an answer before: give it another", cell.start)
        cells[cell.name] = cell
    return tuple(
        Known(cell.name, cell.sentence, "\n".join(_source_of(cell, cells)) + "\n", cell.kind)
        for cell in cells.values()
    )


def _read_cells(path: Path) -> Iterator[_Cell]:
    lines = path.read_text(encoding="utf-8").split("\n")
    starts = [n for n, line in enumerate(lines) if line.startswith(CELL_LINE)]
    for start, end in itertools.pairwise([*starts, len(lines)]):
        header = HEADER_LINE.fullmatch(lines[start].removeprefix(CELL_LINE).strip())
        if header is None:
            wanted = "solution, mistake: NAME or style: NAME, and perhaps (from: NAME)"
            raise _refusal(path, start + 1, f"after {CELL_LINE.strip()} there has to be {wanted}")
        code = start + 1
        while code < end and lines[code].startswith("#"):
            code += 1
        sentence = " ".join(line.removeprefix("#").strip() for line in lines[start + 1 : code])
        while code < end and not lines[code].strip():
            code += 1
        while code < end and not lines[end - 1].strip():
            end -= 1
        kind, name = header[1] or "solution", header[2] or "solution"
        cell = _Cell(path, code + 1, kind, name, header[3], sentence, lines[code:end])
        if not cell.lines:
            cell.refuse("has no code", start + 1)
        yield cell


def _source_of(cell: _Cell, cells: dict[str, _Cell]) -> Sequence[str]:
    if not cell.is_edit:
        if cell.base:
            cell.refuse("is complete, so it is not an edit: leave out (from: …)", cell.start)
        return cell.lines
    name = cell.base or "solution"
    base = cells.get(name)
    if base is None:
        cell.refuse(f'is from "{name}", which is not in the file', cell.start)
    if base.is_edit:
        cell.refuse(f'is from "{base.name}", which is an edit itself: a base is whole', cell.start)
    return _edited_lines(cell, base)


def _edited_lines(cell: _Cell, base: _Cell) -> list[str]:
    edited: list[str] = []
    done = 0
    for number, hunk in _hunks(cell):
        before = [line[1:] for line in hunk if not line.startswith("+")]
        after = [line[1:] for line in hunk if not line.startswith("-")]
        if before == after:
            cell.refuse("changes nothing here", number)
        last = len(base.lines) - len(before)
        places = [n for n in range(done, last + 1) if base.lines[n : n + len(before)] == before]
        if not places:
            below = " below the lines before" if done else ""
            cell.refuse(f'removes or keeps lines that "{base.name}" has not{below}', number)
        if len(places) > 1:
            times = f'fits "{base.name}" in {len(places)} places'
            cell.refuse(f"{times}: add a line that stays, above or below", number)
        edited += [*base.lines[done : places[0]], *after]
        done = places[0] + len(before)
    return [*edited, *base.lines[done:]]


def _hunks(cell: _Cell) -> Iterator[tuple[int, list[str]]]:
    """Yield the parts of an edit between gaps, each with its first line's number in the file."""
    numbered = enumerate(cell.lines, cell.start)
    for is_gap, part in itertools.groupby(numbered, lambda line: line[1] == GAP):
        if is_gap:
            continue
        numbers, hunk = zip(*part, strict=True)
        for number, line in zip(numbers, hunk, strict=True):
            if line and not line.startswith(MARKS):
                cell.refuse(f"is an edit, and here begins with none of {' '.join(MARKS)}", number)
        yield numbers[0], list(hunk)


def _refusal(path: Path, line: int, why: str) -> CourseError:
    return CourseError(f"{path.name}, line {line}: {why}.")
