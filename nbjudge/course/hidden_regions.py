"""The delimited regions of a cell in `source/`: solution, hidden tests, mark scheme, starter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from nbformat import NotebookNode
from traitlets.config import Config

from nbjudge.exceptions import ReleaseError

__all__ = [
    "AUTOTEST",
    "DELIMITER",
    "USUAL_DELIMITERS",
    "CellLine",
    "Region",
    "grade_id",
    "in_usual_words",
    "lines",
    "own_delimiters",
    "refuse_regions",
    "solution",
    "visible",
]


class Region(Enum):
    """A kind of region between `BEGIN` and `END` lines; `OPEN` is the text outside all of them."""

    OPEN = ""
    SOLUTION = "SOLUTION"
    HIDDEN_TESTS = "HIDDEN TESTS"
    MARK_SCHEME = "MARK SCHEME"
    STARTER = "STARTER"


DELIMITER = re.compile(
    rf"\b(BEGIN|END) ({'|'.join(region.value for region in Region if region.value)})\b"
)
#: A line from which nbgrader generates tests from the solution's results.
AUTOTEST = re.compile(r"^\s*### (?:HASHED )?AUTOTEST\b", re.MULTILINE)
#: nbgrader's settings for the delimiters of regions, and their defaults.
USUAL_DELIMITERS = {
    "ClearSolutions.begin_solution_delimeter": "BEGIN SOLUTION",
    "ClearSolutions.end_solution_delimeter": "END SOLUTION",
    "ClearHiddenTests.begin_test_delimeter": "BEGIN HIDDEN TESTS",
    "ClearHiddenTests.end_test_delimeter": "END HIDDEN TESTS",
    "ClearMarkScheme.begin_mark_scheme_delimeter": "BEGIN MARK SCHEME",
    "ClearMarkScheme.end_mark_scheme_delimeter": "END MARK SCHEME",
}
#: The regions of test and task cells that students do not get.
_UNSEEN = re.compile(
    r"^.*BEGIN (HIDDEN TESTS|MARK SCHEME).*\n(?:.*\n)*?.*END \1.*(?:\n|\Z)", re.MULTILINE
)


@dataclass(frozen=True)
class CellLine:
    """A line of a cell, and its region."""

    region: Region
    text: str


def own_delimiters(config: Config) -> dict[str, str]:
    """Return the delimiters that a course has redefined, each with nbgrader's default for it."""
    found = {}
    for name, usual in USUAL_DELIMITERS.items():
        owner, setting = name.split(".")
        own = config[owner].get(setting, usual)
        if isinstance(own, str) and own != usual:
            found[own] = usual
    return found


def in_usual_words(text: str, own: Mapping[str, str]) -> str:
    """Return a cell's text with a course's own delimiters replaced by nbgrader's defaults."""
    changed = text.split("\n")
    for number, line in enumerate(changed):
        if usual := next((usual for word, usual in own.items() if word in line), ""):
            indent = line[: len(line) - len(line.lstrip())]
            changed[number] = f"{indent}### {usual}"
    return "\n".join(changed)


def grade_id(cell: NotebookNode) -> str | None:
    """Return a cell's grade_id; None if it has none."""
    found = cell.metadata.get("nbgrader", {}).get("grade_id")
    return str(found) if found else None


def lines(cell: NotebookNode) -> Iterator[CellLine]:
    """Yield the lines of a cell, each with its region; the lines that delimit regions are left out.

    Raises
    ------
    ReleaseError
        If a region begins within another, ends without a beginning, or never ends.
    """
    region = Region.OPEN
    for text in cell.source.split("\n"):
        if (found := DELIMITER.search(text)) is None:
            yield CellLine(region, text)
            continue
        edge, named = found[1], Region(found[2])
        if region is not (Region.OPEN if edge == "BEGIN" else named):
            where = f"inside {region.value}" if region.value else "outside any region"
            raise refuse_regions(cell, f"has '{edge} {named.value}' {where}")
        region = named if edge == "BEGIN" else Region.OPEN
    if region is not Region.OPEN:
        raise refuse_regions(cell, f"has 'BEGIN {region.value}' and no 'END {region.value}'")


def refuse_regions(cell: NotebookNode, what: str) -> ReleaseError:
    """Return the error for a cell whose regions are malformed."""
    return ReleaseError(
        f"Cell '{grade_id(cell) or cell.get('id')}' {what}. "
        "Give each region a BEGIN line and an END line of its own, one region after the other."
    )


def solution(cell: NotebookNode) -> str:
    """Return a cell's text with the solution in it, and without delimiters."""
    kept = (Region.OPEN, Region.SOLUTION)
    return "\n".join(line.text for line in lines(cell) if line.region in kept).strip("\n")


def visible(text: str) -> str:
    """Return the text of a test or task cell as students get it."""
    return _UNSEEN.sub("", text).strip()
