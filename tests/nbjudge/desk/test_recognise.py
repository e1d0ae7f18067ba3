"""What the files are that a student sends, and what is said of those that are something else."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest
from desks import sums

from nbjudge.course.course import Course
from nbjudge.course.gradebook import versions
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.recognise import Recognised, recognise, save_upload
from nbjudge.desk.store import Refused

SMALL = DeskPolicy(megabytes=1, files=10)


def archive(files: Mapping[str, bytes]) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return content.getvalue()


def send(course: Course, tmp_path: Path, files: Mapping[str, bytes]) -> Recognised:
    sent = tmp_path / "sent" / "handed_in"
    sent.mkdir(parents=True)
    for name, content in files.items():
        save_upload(name, content, sent)
    work = tmp_path / "work"
    work.mkdir()
    return recognise(sent.parent, work, versions(course, "sums"), SMALL)


def places(found: Recognised) -> list[str]:
    return list(found.files)


@pytest.mark.parametrize(
    "name",
    [
        "sums (1).ipynb",
        "sums-2.ipynb",
        "Sums.ipynb",
        "sums - Copy.ipynb",
        "sums.ipynb.txt",
        "sums.ipynb.json",
        "renamed by hand.ipynb",
    ],
)
def test_a_notebook_of_another_name_is_told_as_what_it_is_taken(
    name: str, course: Course, tmp_path: Path
) -> None:
    found = send(course, tmp_path, {name: sums(course)})

    assert found.files["sums.ipynb"][1].read_bytes() == sums(course)
    assert found.remarks == (f"This is '{name}': taken as sums.",)


def test_the_right_name_needs_no_remark(course: Course, tmp_path: Path) -> None:
    assert send(course, tmp_path, {"sums.ipynb": sums(course)}).remarks == ()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>", "it is a web page"),
        (b"\n <html>", "it is a web page"),
        (b"%PDF-1.7", "it is a PDF"),
        (b"PK\3\4 ...", "it is an archive, or a document of an office program"),
        (b'{"cells": [', "it is damaged, or its end is missing"),
        (b"\xff\xfe{", "it is not text"),
        (b"import numpy", "it is another kind of file"),
        (b'{"a": 1}', "it is data of another kind"),
        (b"[" * 100_000, "it is another kind of file"),
    ],
)
def test_what_is_no_notebook_is_told_as_what_it_is(
    content: bytes, told: str, course: Course, tmp_path: Path
) -> None:
    with pytest.raises(Refused) as refused:
        send(course, tmp_path, {"sums.ipynb": content})

    assert f"'sums.ipynb' is not a notebook: {told}." in str(refused.value)


def test_another_assignments_notebook_is_refused(course: Course, tmp_path: Path) -> None:
    notebook = json.loads(sums(course))
    for cell in notebook["cells"]:
        if own := cell["metadata"].get("nbgrader"):
            own["grade_id"] = f"other_{own['grade_id']}"

    with pytest.raises(Refused, match="none of this assignment's notebooks"):
        send(course, tmp_path, {"losses.ipynb": json.dumps(notebook).encode()})


def test_of_two_copies_none_is_guessed(course: Course, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Hand in only the one that you mean"):
        send(course, tmp_path, {"sums (1).ipynb": sums(course), "sums (2).ipynb": sums(course)})


def test_an_archive_is_taken_apart(course: Course, tmp_path: Path) -> None:
    files = {
        "ada/sums.ipynb": sums(course),
        "ada/data/own.csv": b"1",
        "ada/.ipynb_checkpoints/sums-checkpoint.ipynb": b"old",
        "__MACOSX/ada/._sums.ipynb": b"x",
        "ada/timestamp.txt": b"2000-01-01 00:00:00",
    }
    found = send(course, tmp_path, {"ada.zip": archive(files)})

    assert places(found) == ["sums.ipynb", "data/own.csv"]
    assert found.remarks == ()


def test_paths_of_an_archive_lead_nowhere_else(course: Course, tmp_path: Path) -> None:
    files = {"../../evil.csv": b"1", "/etc/evil.csv": b"1", "sums.ipynb": sums(course)}
    found = send(course, tmp_path, {"ada.zip": archive(files)})

    assert places(found) == ["sums.ipynb"]
    assert len(found.remarks) == 2
    assert not list(tmp_path.rglob("evil.csv"))


def test_a_file_cannot_lie_where_the_notebook_does(course: Course, tmp_path: Path) -> None:
    files = {"sums (1).ipynb": sums(course), "sums.ipynb/own.csv": b"1"}
    found = send(course, tmp_path, {"ada.zip": archive(files)})

    assert places(found) == ["sums.ipynb"]


@pytest.mark.parametrize(
    "files",
    [{"big.csv": b"0" * 2**21}, {f"{n}.csv": b"0" for n in range(11)}],
    ids=["bytes", "files"],
)
def test_a_bomb_is_refused(files: Mapping[str, bytes], course: Course, tmp_path: Path) -> None:
    whole = archive({**files, "sums.ipynb": sums(course)})
    if "big.csv" in files:
        whole = archive({f"{n}.csv": b"0" * 2**19 for n in range(3)})
    with pytest.raises(Refused, match="more than 10 files, or 1 MB") as refused:
        send(course, tmp_path, {"bomb.zip": whole})

    assert refused.value.status == 413


def test_without_a_notebook_it_says_what_is_wanted(course: Course, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"'sums.ipynb' is wanted. There is 'handed_in/notes.txt'"):
        send(course, tmp_path, {"notes.txt": b"hello"})
