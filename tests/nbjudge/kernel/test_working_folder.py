"""Two folders are kept alike by names and contents, and nothing that crosses leads out of them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from nbjudge.kernel import working_folder
from nbjudge.kernel.wire import TooMuch, WireError
from nbjudge.kernel.working_folder import NO_CHANGES, WorkingFolder


def change(**parts: Any) -> dict[str, Any]:
    return {**NO_CHANGES, **parts}


class Side:
    """A folder, and what keeps it like the other."""

    def __init__(self, place: Path) -> None:
        place.mkdir()
        (place / "given.csv").write_text("1")
        self.place = place
        self.folder = WorkingFolder(place)

    def holds(self) -> dict[str, str | None]:
        paths = {path.relative_to(self.place).as_posix(): path for path in self.place.rglob("*")}
        return {name: path.read_text() if path.is_file() else None for name, path in paths.items()}


@pytest.fixture
def here(tmp_path: Path) -> Side:
    return Side(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Side:
    return Side(tmp_path / "there")


def cross(one: Side, other: Side) -> dict[str, Any]:
    changes = one.folder.changes()
    other.folder.apply(changes)
    return changes


def test_what_both_have_from_the_start_never_crosses(here: Side) -> None:
    assert here.folder.changes() == NO_CHANGES


def test_files_and_folders_cross_once_and_come_not_back(here: Side, there: Side) -> None:
    (here.place / "deep" / "er").mkdir(parents=True)
    (here.place / "deep" / "er" / "out.txt").write_text("hi")
    (here.place / "empty").mkdir()

    cross(here, there)

    assert there.holds() == here.holds()
    assert here.folder.changes() == there.folder.changes() == NO_CHANGES


@pytest.mark.parametrize("text", ["2", "12", ""])
def test_a_file_that_is_written_again_crosses_again(here: Side, there: Side, text: str) -> None:
    for _ in range(3):  # as long, and perhaps within the same tick of the clock
        for now in (text, "x"):
            (here.place / "given.csv").write_text(now)
            cross(here, there)
            assert there.holds()["given.csv"] == now


def test_a_file_that_has_rested_is_not_read_again(
    here: Side, there: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.place / "out.txt").write_text("hi")
    cross(here, there)
    later = time.time_ns() + 2 * working_folder.NANOSECONDS
    monkeypatch.setattr(time, "time_ns", lambda: later)
    assert here.folder.changes() == NO_CHANGES

    monkeypatch.setattr(WorkingFolder, "_read", None)

    assert here.folder.changes() == NO_CHANGES


def test_what_is_deleted_is_deleted_there(here: Side, there: Side) -> None:
    (here.place / "deep").mkdir()
    (here.place / "deep" / "out.txt").touch()
    cross(here, there)
    (here.place / "deep" / "out.txt").unlink()
    (here.place / "deep").rmdir()
    (here.place / "given.csv").unlink()

    cross(here, there)

    assert there.holds() == {}
    assert there.folder.changes() == NO_CHANGES


def test_a_file_can_become_a_folder_and_a_folder_a_file(here: Side, there: Side) -> None:
    (here.place / "b").mkdir()
    (here.place / "b" / "c").touch()
    cross(here, there)
    (here.place / "given.csv").unlink()
    (here.place / "given.csv").mkdir()
    (here.place / "given.csv" / "d").touch()
    (here.place / "b" / "c").unlink()
    (here.place / "b").rmdir()
    (here.place / "b").write_text("now a file")

    cross(here, there)

    assert there.holds() == here.holds()


def test_a_new_other_side_hears_all_that_was_not_there_at_the_start(
    here: Side, there: Side, tmp_path: Path
) -> None:
    (here.place / "out.txt").write_text("hi")
    (here.place / "given.csv").unlink()
    cross(here, there)
    new = Side(tmp_path / "new")

    here.folder.start_over()
    cross(here, new)

    assert new.holds() == here.holds() == {"out.txt": "hi"}


def test_links_pipes_and_odd_names_stay_where_they_are(here: Side, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("nobody's business")
    (here.place / "link").symlink_to(tmp_path / "secret")
    (here.place / "circle").symlink_to(here.place)
    os.mkfifo(here.place / "pipe")
    for name in (b"\xff", b"a\nb", b"a\\b", b"__pycache__"):
        Path(os.fsdecode(bytes(here.place) + b"/" + name)).mkdir()
    (here.place / "__pycache__" / "a.pyc").touch()

    assert here.folder.changes() == NO_CHANGES


def test_a_million_files_are_too_much(here: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working_folder, "MAX_ENTRIES", 10)
    for number in range(10):
        (here.place / f"{number}").touch()

    with pytest.raises(TooMuch, match="more than 10 files"):
        here.folder.changes()


@pytest.mark.parametrize("sizes", [(2**30,), (30 * 2**20, 30 * 2**20)])
def test_a_gigabyte_is_too_much_and_is_not_read(here: Side, sizes: tuple[int, ...]) -> None:
    for number, size in enumerate(sizes):
        with (here.place / f"{number}").open("wb") as file:
            file.truncate(size)

    with pytest.raises(TooMuch, match="more than 50 MB"):
        here.folder.changes()


OUTSIDE = [
    "",
    ".",
    "..",
    "../x",
    "a/../../x",
    "/etc/x",
    "a//b",
    "a/",
    "a\\b",
    "C:x",
    "a\nb",
    "\ud800",
]


@pytest.mark.parametrize("name", [*OUTSIDE, "a" * 256, "a/" * 30 + "a", 1, b"a"])
@pytest.mark.parametrize("part", ["gone", "folders", "files"])
def test_a_name_that_leads_elsewhere_is_refused(here: Side, part: str, name: Any) -> None:
    before = here.holds()
    names: Any = {name: b""} if part == "files" else [name]

    with pytest.raises(WireError):
        here.folder.apply(change(**{part: names}))

    assert here.holds() == before


@pytest.mark.parametrize(
    "changes",
    [
        *(None, [], {}, "gone", {"gone": []}, change(more=[]), change(gone={}), change(files=[])),
        *(change(files={"a": "text"}), change(files={"a": None}), change(folders=("a",))),
        change(files={"a": bytes(51 * 2**20)}),
    ],
)
def test_what_is_no_change_is_refused(here: Side, changes: Any) -> None:
    with pytest.raises(WireError):
        here.folder.apply(changes)


@pytest.mark.parametrize("name", ["link", "link/x", "link/deep/x"])
@pytest.mark.parametrize("part", ["gone", "folders", "files"])
def test_nothing_is_done_through_a_link(here: Side, tmp_path: Path, part: str, name: str) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "x").write_text("kept")
    (outside / "deep" / "x").write_text("kept")
    (here.place / "link").symlink_to(outside)

    here.folder.apply(change(**{part: {name: b"lost"} if part == "files" else [name]}))

    assert (outside / "x").read_text() == (outside / "deep" / "x").read_text() == "kept"


def test_a_file_is_not_written_through_a_link_in_its_place(here: Side, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("kept")
    (here.place / "out.txt").symlink_to(tmp_path / "outside")

    here.folder.apply(change(files={"out.txt": b"new"}))

    assert (tmp_path / "outside").read_text() == "kept"
    assert here.holds()["out.txt"] == "new"
