"""Tables are read however they were saved, and written so that nothing reads them wrong."""

from __future__ import annotations

import csv
import doctest
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbjudge.basics import csv_files
from nbjudge.exceptions import CourseError

FORMULAS = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\n=cmd|' /C calc'!A0", "\r=1", "＝1", "－1"),
    *('=HYPERLINK("http://127.0.0.1/?"&A1,"ada")', "|calc", "\u00a0=1", "\u2007@a"),
)


def test_the_examples_hold() -> None:
    assert doctest.testmod(csv_files).failed == 0


def read(folder: Path, content: bytes) -> csv_files.Sheet:
    path = folder / "table.csv"
    path.write_bytes(content)
    return csv_files.read_csv(path)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_whoever_saved_it(
    tmp_path: Path, mark: bytes, delimiter: str, end: str
) -> None:
    lines = (("name", " id "), ('"Müller, ""J""; J"', " 7"), ("", ""), ("ada",), ("b", "2", " "))
    content = mark + end.join(map(delimiter.join, lines)).encode()

    found = read(tmp_path, content)

    assert found.header == ("name", "id")
    assert found.rows == (('Müller, "J"; J', " 7"), ("ada", ""), ("b", "2"))


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", "Jörg".encode("latin-1"), b"a,b\0c", b"PK\3\4\0"]
)
def test_what_is_no_table_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(CourseError, match="Export it again, as CSV in UTF-8"):
        read(tmp_path, content)


def test_a_spreadsheets_line_on_what_parts_fields_is_no_header(tmp_path: Path) -> None:
    found = read(tmp_path, b"\xef\xbb\xbfsep=;\r\nid;name\r\n7;Doe, Jo\r\n")

    assert found.header == ("id", "name")
    assert found.rows == (("7", "Doe, Jo"),)


def test_a_comma_that_shifts_the_cells_of_a_row_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"'ada,Lovelace, Ada,a@x'.*Put cells that hold a ','"):
        read(tmp_path, b"id,name,email\nbob,Bob,b@x\nada,Lovelace, Ada,a@x\n")


def test_of_two_columns_of_one_name_none_is_chosen(tmp_path: Path) -> None:
    found = read(tmp_path, b"id,name,id,id\n1,Ada,1,2\n")
    same = read(tmp_path, b"id,name,id\n1,Ada,1\n")

    assert same.require_one("id") == "id"
    with pytest.raises(CourseError, match="has 3 columns 'id' that differ"):
        found.require_one("id")


def test_the_first_column_that_holds_anything_is_found() -> None:
    table = csv_files.Sheet("t.csv", ("a", "b"), ((" ", "1"),))

    assert table.first_of(("x", "a", "b")) == "b"
    assert table.first_of(("x", "a")) is None


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2)))
def test_what_is_written_is_what_a_csv_reader_reads(rows: list[list[str]]) -> None:
    text = csv_files.as_csv(["a", "b"], rows)

    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "b"], *rows]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_shown_and_not_computed(text: str) -> None:
    assert csv_files.guard(text, numbers=True) == f"'{text}"


@given(st.text())
def test_a_guarded_text_begins_no_formula_and_keeps_all_its_letters(text: str) -> None:
    found = csv_files.guard(text)

    assert found.removeprefix("'") == text.removeprefix("'")
    if found.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")):
        float(found)
