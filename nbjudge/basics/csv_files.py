"""Tables in files: CSV as learning platforms and spreadsheets have it, read and written.

Nothing that a student wrote is taken for a formula: see `guard`.
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
#: The first line of a file that tells a spreadsheet which character separates its fields.
SEPARATOR = re.compile(r"sep=([,;\t])\r?\n", re.IGNORECASE)
#: A spreadsheet takes what begins with one of these for a formula; the last are wide forms.
FORMULA = ("=", "+", "-", "@", "|", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Sheet:
    """A table: the names of its columns, and rows that are all as long, as they were written.

    Parameters
    ----------
    name : str
        What to call it in a sentence.
    header : tuple of str
    rows : tuple of tuple of str
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def has(self, *columns: str) -> bool:
        """Return whether all these columns are there."""
        return set(columns) <= set(self.header)

    @property
    def records(self) -> list[dict[str, str]]:
        """The rows, each by the names of the columns."""
        return [dict(zip(self.header, row, strict=True)) for row in self.rows]

    def column(self, name: str) -> list[str]:
        """Return the cells of a column, from the top; empty ones if there is none."""
        if name not in self.header:
            return [""] * len(self.rows)
        index = self.header.index(name)
        return [row[index] for row in self.rows]

    def first_of(self, columns: Iterable[str]) -> str | None:
        """Return the first of these columns that is there and holds anything."""
        return next((name for name in columns if any(map(str.strip, self.column(name)))), None)

    def require(self, column: str) -> str:
        """Return a column's name if it is there.

        Raises
        ------
        CourseError
            If it is not; the message lists those that are.
        """
        if column in self.header:
            return column
        message = f"{self.name} has no column '{column}'. It has: {', '.join(self.header)}."
        raise CourseError(message)

    def require_one(self, column: str) -> str:
        """Return a column's name if there is one alone of that name, or several that are the same.

        Raises
        ------
        CourseError
            If there is none, or if there are several that differ.
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
    """Read a CSV file with a header, its fields parted by commas, semicolons or tabs.

    Raises
    ------
    CourseError
        If it cannot be read, is not UTF-8, or holds no table; or a row has more cells than the
        header: then a comma that belongs to a cell has parted it.
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
        if told := SEPARATOR.match(text):  # as some spreadsheets have it told
            delimiter, text = told[1], text[told.end() :]
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
    """Return what is the same for names that differ by case, spaces or the coding of accents alone.

    >>> alike(" Ada  LOVELACE") == alike("ada lovelace")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def guard(text: str, *, numbers: bool = False) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe, if need be.

    Parameters
    ----------
    text : str
    numbers : bool
        Whether a number with a sign has to stay text, too.

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
    """Return a number with a decimal point, and no more digits than it needs: six at most.

    >>> number_text(4.0), number_text(0.1 + 0.2), number_text(1 / 3)
    ('4', '0.3', '0.333333')
    """
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def as_csv(
    header: Sequence[str], rows: Iterable[Sequence[Value]], *, line_end: str = "\r\n"
) -> str:
    """Return a table as CSV: commas, quotes where needed, None as nothing."""
    text = io.StringIO(newline="")
    # RFC 4180 ends lines with both characters, so a field that has either gets quotes.
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
