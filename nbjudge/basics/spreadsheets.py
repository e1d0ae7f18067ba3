"""Tables for spreadsheets, in which nothing that a student wrote is taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from nbjudge.basics.csv_files import is_formula
from nbjudge.basics.text import clean_characters

__all__ = ["as_csv", "guarded"]

Value = str | int | float | None


def guarded(text: str) -> str:
    r"""Return a text that a spreadsheet shows as it stands.

    >>> guarded("=1+1"), guarded(" @SUM(A1)"), guarded("1.3.1"), guarded("two\nlines")
    ("'=1+1", "' @SUM(A1)", '1.3.1', 'two lines')
    """
    line = " ".join(clean_characters(text).split("\n"))
    return f"'{line}" if is_formula(text) or is_formula(line) else line


def as_csv(heading: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """Return a table as CSV: texts guarded, numbers plain, None as nothing."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(heading)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return written.getvalue()


def _cell(value: Value) -> Value:
    if isinstance(value, str):
        return guarded(value)
    # Six digits are more than any class can tell.
    return float(f"{value:.6g}") if isinstance(value, float) else value
