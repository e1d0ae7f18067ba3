"""The state of a machine's protections, and of other things that grading needs, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rich import box
from rich.table import Table
from rich.text import Text

__all__ = ["Diagnosis", "Protection", "ProtectionState", "StateAndReason", "protections_table"]


class ProtectionState(StrEnum):
    """The state of a protection."""

    HOLDS = "holds"
    BROKEN = "does not hold"
    UNTRIED = "cannot be tried"


STATE_COLOURS = {
    ProtectionState.HOLDS: "green",
    ProtectionState.BROKEN: "bold red",
    ProtectionState.UNTRIED: "yellow",
}


@dataclass(frozen=True)
class Protection:
    """A row of the table: a protection, or another thing that grading needs.

    Parameters
    ----------
    group : str
        "protection" or "machine".
    name : str
    state : ProtectionState
    reason : str
    """

    group: str
    name: str
    state: ProtectionState
    reason: str


@dataclass(frozen=True)
class Diagnosis:
    """All rows of the table, and why there is no sandbox (empty if there is one)."""

    problem: str
    rows: tuple[Protection, ...]

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return all(row.state is ProtectionState.HOLDS for row in self.rows)


StateAndReason = tuple[ProtectionState, str]


def protections_table(diagnosis: Diagnosis) -> Table:
    """Return the rows as a table for a terminal."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("What", no_wrap=True)
    table.add_column("State", no_wrap=True)
    table.add_column("Why", overflow="fold")
    for row, following in zip(diagnosis.rows, [*diagnosis.rows[1:], None], strict=True):
        ends = following is not None and following.group != row.group
        state = Text(row.state, style=STATE_COLOURS[row.state])
        table.add_row(Text(row.name), state, Text(row.reason), end_section=ends)
    return table
