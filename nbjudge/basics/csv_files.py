"""Read and write CSV files of the kinds that learning platforms and spreadsheets use.

`guard` keeps a spreadsheet from running a student's text as a formula.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbjudge.exceptions import CourseError

__all__ = ["Sheet", "alike", "as_csv", "guard", "number_text", "read_csv"]

Value = str | int | float | None

MAX_CSV_BYTES = 50 * 2**20
#: An optional first line, `sep=;`, that tells a spreadsheet which character separates the fields.
SEPARATOR = re.compile(r"sep=([,;\t])\r?\n", re.IGNORECASE)
#: A spreadsheet reads a cell that begins with one of these as a formula; the last four are the
#: full-width forms.
FORMULA = ("=", "+", "-", "@", "|", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Sheet:
    """A table of text: column names, and rows that all have one cell per column.

    Parameters
    ----------
    name : str
        What messages call the table.
    header : tuple of str
    rows : tuple of tuple of str
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def has(self, *columns: str) -> bool:
        """Return whether the table has all these columns."""
        return set(columns) <= set(self.header)

    @property
    def records(self) -> list[dict[str, str]]:
        """The rows as dictionaries from column name to cell."""
        return [dict(zip(self.header, row, strict=True)) for row in self.rows]

    def column(self, name: str) -> list[str]:
        """Return the cells of a column from top to bottom; empty strings if it does not exist."""
        if name not in self.header:
            return [""] * len(self.rows)
        index = self.header.index(name)
        return [row[index] for row in self.rows]

    def first_of(self, columns: Iterable[str]) -> str | None:
        """Return the first of these columns that exists and is not empty; None if none does."""
        return next((name for name in columns if any(map(str.strip, self.column(name)))), None)

    def require(self, column: str) -> str:
        """Return the column's name if the table has that column.

        Raises
        ------
        CourseError
            If it does not; the message lists the columns that it has.
        """
        if column in self.header:
            return column
        message = f"{self.name} has no column '{column}'. It has: {', '.join(self.header)}."
        raise CourseError(message)

    def require_one(self, column: str) -> str:
        """Return the column's name if it is unambiguous: one column, or several with equal cells.

        Raises
        ------
        CourseError
            If no column has that name, or if several do and differ.
        """
        places = [i for i, name in enumerate(self.header) if name == self.require(column)]
        if all(len({row[i].strip() for i in places}) == 1 for row in self.rows):
            return column
        message = (
            f"{self.name} has {len(places)} columns '{column}' that differ. Rename or delete "
            "those that are not meant."
        )
        raise CourseError(message)


def read_csv(path: Path) -> Sheet:
    """Read a CSV file with a header and fields separated by commas, semicolons or tabs.

    Raises
    ------
    CourseError
        If the file cannot be read, is not UTF-8 or holds no table, or if a row has more cells than
        the header has, as when a comma inside a cell is not quoted.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CSV_BYTES + 1)
    except OSError as error:
        message = f"'{path}' cannot be read: {error.strerror}. Give the path of a CSV file."
        raise CourseError(message) from error
    try:
        text = content.decode("utf-8-sig")
        if len(content) > MAX_CSV_BYTES or "\0" in text:
            raise ValueError
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        if declared := SEPARATOR.match(text):
            delimiter, text = declared[1], text[declared.end() :]
        header, *rows = (
            row
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            if any(cell.strip() for cell in row)
        )
    except (ValueError, csv.Error) as error:
        message = f"'{path}' is no table with a header. Export it again, as CSV in UTF-8."
        raise CourseError(message) from error
    width = len(header)
    if long := next((row for row in rows if any(map(str.strip, row[width:]))), None):
        message = (
            f"'{path}' has more cells than headings in a row: {delimiter.join(long)[:80]!r}. "
            f"Put cells that hold a {delimiter!r} in quotes."
        )
        raise CourseError(message)
    even = tuple(tuple((row + [""] * width)[:width]) for row in rows)
    return Sheet(path.name, tuple(name.strip() for name in header), even)


def alike(text: str) -> str:
    """Return a form for comparing names that ignores case, spaces and the encoding of accents.

    >>> alike(" Ada  LOVELACE") == alike("ada lovelace")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def guard(text: str, *, numbers: bool = False) -> str:
    """Return the text with a leading apostrophe if a spreadsheet would read it as a formula.

    Parameters
    ----------
    text : str
    numbers : bool
        Whether to guard a number with a sign, too, so that it stays text.

    >>> guard("=1+1"), guard(" =1"), guard("-3.5"), guard("-3.5", numbers=True), guard("ada")
    ("'=1+1", "' =1", '-3.5', "'-3.5", 'ada')
    """
    if not text.startswith(FORMULA) and not text.lstrip().startswith(FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return f"'{text}" if numbers else text


def number_text(value: float) -> str:
    """Return a number as text, with as many decimals as it needs but at most six.

    >>> number_text(4.0), number_text(0.1 + 0.2), number_text(1 / 3)
    ('4', '0.3', '0.333333')
    """
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def as_csv(
    header: Sequence[str], rows: Iterable[Sequence[Value]], *, line_end: str = "\r\n"
) -> str:
    """Return a table as CSV text: separated by commas, quoted where needed, None left empty."""
    text = io.StringIO(newline="")
    # The default `line_end` is that of RFC 4180. With both characters in it, the writer quotes a
    # field that contains either.
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
