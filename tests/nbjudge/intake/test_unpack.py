"""What students archive is unpacked within bounds, and into its own folder; one spoils no other."""

from __future__ import annotations

import errno
import io
import logging
import os
import struct
import time
import zipfile
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import pytest
from archives import LINK, zipped, zipped_link

from nbjudge.exceptions import CourseError
from nbjudge.intake.unpack import CarefulExtractor, UnpackingBounds, unpack

SMALL = UnpackingBounds(
    file_bytes=1000, inner_bytes=2500, inner_files=4, total_bytes=10_000, total_files=50
)


class Place:
    """Where archives lie, where they are unpacked, and what was said about it."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "archive"
        self.target = folder / "extracted"
        self.source.mkdir()
        self.target.mkdir()
        self.told: list[str] = []

    def unpacked(self, bounds: UnpackingBounds = SMALL, **archives: bytes) -> list[str]:
        """Unpack archives, and return the paths of what came out of them, archives apart."""
        for name, content in archives.items():
            (self.source / f"{name}.zip").write_bytes(content)
        unpack(self.source, self.target, bounds, self.told.append)
        return sorted(
            path.relative_to(self.target).as_posix()
            for path in self.target.rglob("*")
            if not path.is_dir() and path.suffix != ".zip"
        )


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_an_archive_becomes_a_folder_and_an_archive_in_it_another(place: Place) -> None:
    inner = zipped({"work/sums.ipynb": b"{}"})

    found = place.unpacked(download=zipped({"ada/work.zip": inner, "ben/sums.ipynb": b"{}"}))

    assert found == ["download/ada/work/work/sums.ipynb", "download/ben/sums.ipynb"]
    assert place.told == []


def test_what_was_downloaded_unpacked_is_copied_and_archives_in_it_are_unpacked(
    place: Place,
) -> None:
    (place.source / "download" / "ada").mkdir(parents=True)
    (place.source / "download" / "ada" / "sums.ipynb").write_bytes(b"{}")
    (place.source / "download" / "ben.zip").write_bytes(zipped({"sums.ipynb": b"{}"}))

    assert place.unpacked() == ["download/ada/sums.ipynb", "download/ben/sums.ipynb"]


def test_a_file_keeps_the_time_that_its_archive_tells(place: Place) -> None:
    place.unpacked(download=zipped({"sums.ipynb": b"{}"}))

    changed = (place.target / "download" / "sums.ipynb").stat().st_mtime
    assert datetime.fromtimestamp(changed) == datetime(2026, 3, 1, 12)


@pytest.mark.parametrize(
    "name",
    [
        "../../out.ipynb",
        "a/../../../out.ipynb",
        "/tmp/out.ipynb",
        "..\\..\\out.ipynb",
        "C:\\out.ipynb",
        "\\\\server\\out.ipynb",
    ],
)
def test_a_path_that_leads_elsewhere_is_not_followed(place: Place, name: str) -> None:
    before = sorted(place.source.parent.iterdir())

    found = place.unpacked(download=zipped({name: b"{}", "ben/sums.ipynb": b"{}"}))

    assert found == ["download/ben/sums.ipynb"]
    assert sorted(place.source.parent.iterdir()) == before
    (told,) = place.told
    assert "leads out of its folder" in told


def test_a_path_that_is_odd_and_leads_nowhere_else_is_taken(place: Place) -> None:
    names = ("ada//sums.ipynb", "./ben/./sums.ipynb", "cyd\\sums.ipynb", "dan/at 10:30.csv")

    found = place.unpacked(download=zipped(dict.fromkeys(names, b"{}")))

    assert found == [
        "download/ada/sums.ipynb",
        "download/ben/sums.ipynb",
        "download/cyd/sums.ipynb",
        "download/dan/at 10:30.csv",
    ]
    assert place.told == []


def test_links_are_never_made_nor_followed(place: Place) -> None:
    secret = place.source.parent / "secret"
    secret.write_text("secret")
    (place.source / "linked.ipynb").symlink_to(secret)
    content = io.BytesIO(zipped_link("ada/sums.ipynb", str(secret)))
    with zipfile.ZipFile(content, "a") as archive:
        folder = zipfile.ZipInfo("ben")
        folder.external_attr = LINK << 16
        archive.writestr(folder, str(place.source.parent))
        archive.writestr("ben/pwned", "x")

    found = place.unpacked(download=content.getvalue())

    assert found == ["download/ben/pwned"]
    assert sorted(path.name for path in place.source.parent.iterdir()) == [
        "archive",
        "extracted",
        "secret",
    ]
    assert sum("no ordinary file" in told for told in place.told) == 3


def test_no_file_can_be_run_or_belongs_to_a_group_of_the_archives_choice(place: Place) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        info = zipfile.ZipInfo("tool")
        info.external_attr = 0o104777 << 16
        archive.writestr(info, "x")

    place.unpacked(download=content.getvalue())

    assert not (place.target / "download" / "tool").stat().st_mode & 0o7111


def test_what_machines_add_is_left_out_in_silence(place: Place) -> None:
    rubbish = ("__MACOSX/._sums.ipynb", ".ipynb_checkpoints/sums-checkpoint.ipynb", ".DS_Store")

    found = place.unpacked(download=zipped({"./sums.ipynb": b"{}"} | dict.fromkeys(rubbish, b"x")))

    assert found == ["download/sums.ipynb"]
    assert place.told == []


@pytest.mark.parametrize(("flag", "coding"), [(True, "utf-8"), (False, "utf-8"), (False, "cp437")])
def test_umlauts_survive_however_the_archive_was_written(
    place: Place, flag: bool, coding: str
) -> None:
    content = zipped(
        {"XXXXX/sums.ipynb": b"{}"} if coding == "utf-8" else {"XXXX/sums.ipynb": b"{}"}
    )
    name = "Jörg".encode(coding)
    content = content.replace(b"X" * len(name), name)
    if flag:
        content = content.replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\0\x08")
        content = content.replace(b"PK\3\4\x14\0\0\0", b"PK\3\4\x14\0\0\x08")

    assert place.unpacked(download=content) == ["download/Jörg/sums.ipynb"]


def test_a_damaged_archive_costs_nobody_else_anything(place: Place) -> None:
    good = zipped({"sums.ipynb": b"{}" * 200})
    cut = good[: len(good) // 2]
    flipped = bytearray(good)
    flipped[45] ^= 0xFF
    encrypted = bytearray(zipped({"sums.ipynb": b"{}"}))
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        encrypted[encrypted.index(mark) + offset] |= 1

    found = place.unpacked(
        download=zipped(
            {
                "ada/cut.zip": cut,
                "ben/flipped.zip": bytes(flipped),
                "cem/encrypted.zip": bytes(encrypted),
                "dan/not.zip": b"Rar!",
                "eve/good.zip": good,
            }
        )
    )

    assert [path for path in found if "good" in path] == ["download/eve/good/sums.ipynb"]
    assert len(place.told) == 4
    assert all(told.endswith("Ask for it again.") for told in place.told)


def test_a_file_that_is_too_large_is_left_out_and_the_others_are_taken(place: Place) -> None:
    found = place.unpacked(
        download=zipped({"ada/data.csv": b"0" * 1001, "ada/sums.ipynb": b"0" * 1000})
    )

    assert found == ["download/ada/sums.ipynb"]
    assert place.told == ["'ada/data.csv' in 'download.zip' is larger than 0 MB, and was left out."]


@pytest.mark.parametrize(
    "bomb",
    [
        {f"{number}.ipynb": b"0" * 900 for number in range(4)},
        {f"{number}.ipynb": b"" for number in range(5)},
        {f"{number}.ipynb": b"" for number in range(50)},
    ],
    ids=["bytes", "files", "entries"],
)
def test_an_archive_of_a_students_cannot_fill_the_disk(
    place: Place, bomb: dict[str, bytes]
) -> None:
    found = place.unpacked(
        replace(SMALL, file_bytes=9000),
        download=zipped({"ada/bomb.zip": zipped(bomb), "ben/sums.ipynb": b"{}"}),
    )

    assert "download/ben/sums.ipynb" in found
    assert len(found) <= 5
    assert place.told == ["'bomb.zip' holds more than 4 files or 0 MB: the rest was left out."]


def test_a_size_that_is_claimed_is_not_believed(place: Place) -> None:
    content = bytearray(zipped({"sums.ipynb": b"0" * 5000}))
    for mark, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        struct.pack_into("<I", content, content.index(mark) + offset, 10)

    found = place.unpacked(download=bytes(content))

    assert all((place.target / path).stat().st_size <= 1000 for path in found)
    assert place.told


def test_archives_in_archives_come_to_an_end(place: Place) -> None:
    content = zipped({"sums.ipynb": b"{}"})
    for _ in range(5):
        content = zipped({"deeper.zip": content})

    assert place.unpacked(UnpackingBounds(), download=content) == []
    (told,) = place.told
    assert "one archive too deep" in told


def test_collecting_stops_where_everything_together_is_too_much(place: Place) -> None:
    content = zipped({f"{number}/sums.ipynb": b"0" * 900 for number in range(12)})

    with pytest.raises(CourseError, match=r"Collect fewer students at a time"):
        place.unpacked(download=content)


def test_of_two_files_of_one_name_the_first_is_taken(place: Place) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("sums.ipynb", "first")
        archive.writestr("sums.ipynb", "second")
    place.unpacked(download=content.getvalue())

    assert (place.target / "download" / "sums.ipynb").read_text() == "first"
    assert place.told == ["'sums.ipynb' in 'download.zip' is there twice; the first was taken."]


def test_an_archive_that_is_there_twice_is_unpacked_once(place: Place) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("work.zip", zipped({"sums.ipynb": b"{}"}))
        archive.writestr("work.zip", zipped({"more.ipynb": b"{}"}))

    assert place.unpacked(download=content.getvalue()) == ["download/work/sums.ipynb"]
    assert place.told == ["'work.zip' in 'download.zip' is there twice; the first was taken."]


def test_a_copied_file_that_is_too_large_is_told_by_its_name(place: Place) -> None:
    (place.source / "big.csv").write_bytes(b"0" * 1001)

    assert place.unpacked() == []
    assert place.told == ["'big.csv' is larger than 0 MB, and was left out."]


def test_an_archive_of_exactly_the_size_of_a_file_is_unpacked(place: Place) -> None:
    inner = zipped({"sums.ipynb": b"{}"})

    found = place.unpacked(
        replace(SMALL, file_bytes=len(inner)), download=zipped({"ada/work.zip": inner})
    )

    assert found == ["download/ada/work/sums.ipynb"]


def test_a_disk_that_is_full_while_an_archive_is_opened_ends_everything(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile, "ZipFile", full)
    (place.source / "all.zip").write_bytes(b"PK")

    with pytest.raises(CourseError, match="no space left"):
        unpack(place.source, place.target, SMALL, place.told.append)


def test_a_pipe_is_not_waited_for(place: Place) -> None:
    os.mkfifo(place.source / "sums.ipynb")

    assert place.unpacked() == []
    assert place.told == ["'sums.ipynb' is no ordinary file, and was left out."]


@pytest.mark.parametrize("deep", ["", "a/b/c/d/"])
@pytest.mark.parametrize(
    ("size", "files", "is_whole"),
    [(625, 4, True), (626, 4, False), (500, 5, False)],
    ids=["exactly as much", "a byte more", "a file more"],
)
def test_the_bounds_of_a_students_archive_hold_in_its_subfolders(
    place: Place, deep: str, size: int, files: int, is_whole: bool
) -> None:
    inner = zipped({f"{deep}{number}/x.csv": b"0" * size for number in range(files)})

    found = place.unpacked(download=zipped({"ada/more/work.zip": inner}))

    assert (len(found) == files) == is_whole
    assert place.told == (
        [] if is_whole else ["'work.zip' holds more than 4 files or 0 MB: the rest was left out."]
    )


@pytest.mark.parametrize(("folders", "is_opened"), [(39, True), (40, False)])
def test_an_archive_of_folders_is_not_opened_if_it_lists_too_many(
    place: Place, folders: int, is_opened: bool
) -> None:
    names = {f"{number}/": b"" for number in range(folders)}
    inner = zipped({**names, "sums.ipynb": b"{}"})

    bounds = replace(SMALL, file_bytes=9000)

    found = place.unpacked(bounds, download=zipped({"ada/work.zip": inner}))

    assert (found == ["download/ada/work/sums.ipynb"]) == is_opened
    assert len(place.told) == (not is_opened)


def test_each_archive_of_a_student_has_room_of_its_own(place: Place) -> None:
    inner = zipped({f"{number}.csv": b"0" * 600 for number in range(4)})

    found = place.unpacked(download=zipped({"ada/one.zip": inner, "ada/two.zip": inner}))

    assert len(found) == 8
    assert place.told == []


@pytest.mark.parametrize(
    ("changed", "is_whole"),
    [
        ({"total_bytes": 2700}, True),
        ({"total_bytes": 2699}, False),
        ({"total_files": 3}, True),
        ({"total_files": 2}, False),
    ],
)
def test_everything_together_may_be_exactly_as_much_as_its_bounds(
    place: Place, changed: dict[str, int], is_whole: bool
) -> None:
    content = zipped({f"{number}/sums.ipynb": b"0" * 900 for number in range(3)})
    stops = nullcontext() if is_whole else pytest.raises(CourseError, match="Collect fewer")

    with stops:
        assert len(place.unpacked(replace(SMALL, **changed), download=content)) == 3


@pytest.mark.parametrize("archived", [True, False])
def test_a_full_disk_ends_the_unpacking_with_a_sentence(
    place: Place, monkeypatch: pytest.MonkeyPatch, archived: bool
) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "utime", full)
    content = {"download": zipped({"ada/sums.ipynb": b"{}"})} if archived else {}
    if not archived:
        (place.source / "sums.ipynb").write_bytes(b"{}")

    with pytest.raises(CourseError) as told:
        place.unpacked(**content)

    assert str(told.value) == "There is no space left to unpack. Make room, then collect again."
    assert place.told == []


def test_no_file_is_read_into_memory_as_a_whole(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []
    read = zipfile.ZipExtFile.read

    def remembered(file: zipfile.ZipExtFile, size: int | None = -1) -> bytes:
        asked.append(size)
        return read(file, size)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", remembered)

    place.unpacked(download=zipped({"sums.ipynb": b"{}"}))

    assert asked == [2**20, 2**20]  # the second time it is at its end


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EDQUOT, "no space left to unpack"),
        (errno.EACCES, "'sums.ipynb' was left out: Permission denied."),
    ],
)
def test_what_cannot_be_written_is_left_out_and_only_no_space_ends_everything(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    def failing(path: Path, *_: object) -> None:
        if path.name == "sums.ipynb":
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "utime", failing)
    for name in ("sums.ipynb", "z.csv"):
        (place.source / name).write_bytes(b"{}")
    if number == errno.EDQUOT:
        with pytest.raises(CourseError, match=told):
            place.unpacked()
    else:
        assert "z.csv" in place.unpacked()
        assert place.told == [told]


def test_a_copied_file_keeps_its_time_and_its_content(place: Place) -> None:
    content = os.urandom(3 * 2**20 + 1)
    for name in ("sums.ipynb", "folder/sums.ipynb"):
        (place.source / name).parent.mkdir(exist_ok=True)
        (place.source / name).write_bytes(content)
        os.utime(place.source / name, (1_000_000_000, 1_000_000_001))

    assert place.unpacked(UnpackingBounds()) == ["folder/sums.ipynb", "sums.ipynb"]

    for name in ("sums.ipynb", "folder/sums.ipynb"):
        assert (place.target / name).read_bytes() == content
        assert (place.target / name).stat().st_mtime == 1_000_000_001


def test_what_hides_in_a_folder_is_not_copied(place: Place) -> None:
    for name in (".ipynb_checkpoints/sums.ipynb", "__MACOSX/x", "ada/.DS_Store", "ada/sums.ipynb"):
        (place.source / name).parent.mkdir(exist_ok=True)
        (place.source / name).write_bytes(b"{}")

    assert place.unpacked() == ["ada/sums.ipynb"]
    assert place.told == []


def test_an_archive_is_known_by_its_suffix_in_capitals_too(place: Place) -> None:
    (place.source / "ALL.ZIP").write_bytes(
        zipped({"ada/WORK.Zip": zipped({"sums.ipynb": b"{}"}), "ben/sums.ipynb": b"{}"})
    )

    unpack(place.source, place.target, SMALL, place.told.append)

    assert (place.target / "ALL" / "ada" / "WORK" / "sums.ipynb").is_file()
    assert (place.target / "ALL" / "ben" / "sums.ipynb").is_file()
    assert place.told == []


def test_a_platforms_own_archive_has_no_bound_but_that_of_everything(place: Place) -> None:
    content = zipped({f"{number}/sums.ipynb": b"0" * 900 for number in range(6)})

    assert len(place.unpacked(download=content)) == 6  # a student's may hold four, and 2500 bytes
    assert place.told == []


def test_an_archive_in_a_downloaded_folder_is_a_students(place: Place) -> None:
    (place.source / "download").mkdir()
    content = zipped({f"{number}.csv": b"" for number in range(5)})
    (place.source / "download" / "ada.zip").write_bytes(content)

    place.unpacked()

    assert place.told == ["'ada.zip' holds more than 4 files or 0 MB: the rest was left out."]


def test_what_was_left_out_for_its_size_counts_in_everything(place: Place) -> None:
    content = zipped({f"{number}.csv": b"0" * 1001 for number in range(10)})

    with pytest.raises(CourseError) as stopped:
        place.unpacked(download=content)

    assert len(place.told) == 9
    assert str(stopped.value) == (
        "There are more than 50 files or 0 MB to unpack. Collect fewer students at a time, or "
        "raise CarefulExtractor.total_megabytes or total_files."
    )


def test_a_file_of_a_students_archive_that_is_too_large_costs_the_others_nothing(
    place: Place,
) -> None:
    inner = zipped({"a.csv": b"0" * 1001, "sums.ipynb": b"{}"})

    found = place.unpacked(download=zipped({"ada/work.zip": inner}))

    assert found == ["download/ada/work/sums.ipynb"]
    assert place.told == ["'a.csv' in 'work.zip' is larger than 0 MB, and was left out."]


def test_of_a_file_that_is_more_than_there_is_room_for_nothing_is_left(place: Place) -> None:
    inner = zipped({f"{number}.csv": b"0" * 900 for number in range(3)})

    found = place.unpacked(download=zipped({"ada/work.zip": inner}))

    assert found == ["download/ada/work/0.csv", "download/ada/work/1.csv"]


def test_sizes_are_told_in_megabytes(place: Place) -> None:
    bounds = UnpackingBounds(file_bytes=2 * 2**20, inner_bytes=3 * 2**20, inner_files=7)
    two = b"0" * (2 * 2**20)

    place.unpacked(
        bounds,
        download=zipped({"ada/a.csv": two + b"0", "ben/work.zip": zipped({"1": two, "2": two})}),
    )

    assert place.told == [
        "'ada/a.csv' in 'download.zip' is larger than 2 MB, and was left out.",
        "'work.zip' holds more than 7 files or 3 MB: the rest was left out.",
    ]


@pytest.mark.parametrize("date", [(2026, 1, 31, 23, 59, 58), (2026, 7, 1, 12, 0, 2)])
def test_a_time_in_an_archive_is_local_in_winter_and_in_summer(
    place: Place, monkeypatch: pytest.MonkeyPatch, date: tuple[int, int, int, int, int, int]
) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("sums.ipynb", date), "{}")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        place.unpacked(download=content.getvalue())
    finally:
        monkeypatch.undo()
        time.tzset()

    changed = (place.target / "download" / "sums.ipynb").stat().st_mtime
    assert datetime.fromtimestamp(changed, ZoneInfo("Europe/Berlin")) == datetime(
        *date, tzinfo=ZoneInfo("Europe/Berlin")
    )


def test_a_time_that_is_none_is_the_beginning_of_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overflowing(_: object) -> NoReturn:
        raise OverflowError

    monkeypatch.setattr(time, "mktime", overflowing)

    assert place.unpacked(download=zipped({"sums.ipynb": b"{}"})) == ["download/sums.ipynb"]
    assert (place.target / "download" / "sums.ipynb").stat().st_mtime == 0.0


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"file_megabytes": 1}, "is larger than 1 MB"),
        ({"student_megabytes": 1}, "holds more than 1000 files or 1 MB"),
        ({"student_files": 1}, "holds more than 1 files or 300 MB"),
    ],
)
def test_nbgraders_settings_are_the_bounds(
    place: Place, setting: dict[str, int], told: str
) -> None:
    content = {"big.csv": b"0" * (2**20 + 1), "sums.ipynb": b"{}"}
    (place.source / "all.zip").write_bytes(zipped({"ada/work.zip": zipped(content)}))
    extractor = CarefulExtractor(**setting)

    extractor.extract(str(place.source), str(place.target))

    (remark,) = extractor.remarks
    assert told in remark


@pytest.mark.parametrize("setting", [{"total_megabytes": 1}, {"total_files": 1}])
def test_too_much_in_all_ends_nbgraders_command_and_leaves_nothing(
    place: Place, setting: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    content = {"big.csv": b"0" * (2**20 + 1), "sums.ipynb": b"{}"}
    (place.source / "all.zip").write_bytes(zipped(content))
    log = logging.getLogger("test_unpack")

    with pytest.raises(SystemExit) as stopped:
        CarefulExtractor(log=log, **setting).extract(str(place.source), str(place.target))

    assert stopped.value.code == 1
    assert isinstance(stopped.value.__cause__, CourseError)
    assert "Collect fewer students at a time" in str(stopped.value.__cause__)
    assert caplog.messages[-1] == str(stopped.value.__cause__)
    assert not place.target.exists()


def test_a_disk_without_room_for_a_folder_ends_nbgraders_command_with_a_sentence(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    (place.source / "all.zip").write_bytes(zipped({"sums.ipynb": b"{}"}))
    place.target.rmdir()
    monkeypatch.setattr(Path, "mkdir", full)

    with pytest.raises(SystemExit):
        CarefulExtractor(log=logging.getLogger("test_unpack")).extract(
            str(place.source), str(place.target)
        )

    assert caplog.messages == ["There is no space left to unpack. Make room, then collect again."]


def test_what_was_left_out_is_in_nbgraders_log(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    (place.source / "all.zip").write_bytes(b"Rar!")

    CarefulExtractor(log=logging.getLogger("test_unpack")).extract(
        str(place.source), str(place.target)
    )

    assert caplog.messages == ["'all.zip' is damaged, or no ZIP archive. Ask for it again."]
