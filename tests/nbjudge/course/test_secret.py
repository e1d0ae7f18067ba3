"""The course's secret: from the environment, or from a file that the first grading writes."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nbjudge.course.secret import SECRET_FILE, secret, seed_parts
from nbjudge.exceptions import CourseError


@pytest.fixture(autouse=True)
def no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COURSE_SECRET", raising=False)


def test_the_first_call_writes_a_secret_and_the_next_ones_read_it(tmp_path: Path) -> None:
    first = secret(tmp_path)

    assert len(first) == 64
    assert secret(tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == [SECRET_FILE]
    assert stat.S_IMODE((tmp_path / SECRET_FILE).stat().st_mode) & 0o077 == 0


def test_an_instructors_own_file_is_read(tmp_path: Path) -> None:
    (tmp_path / SECRET_FILE).write_text("autumn\n")

    assert secret(tmp_path) == "autumn"


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_SECRET", "from outside")

    assert secret(tmp_path) == "from outside"
    assert not (tmp_path / SECRET_FILE).exists()


def test_of_many_at_once_all_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(secret, [tmp_path] * 40))

    assert len(found) == 1


def test_a_secret_that_another_process_writes_first_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(size: int) -> str:
        (tmp_path / SECRET_FILE).write_text("another's\n")
        return "f" * 2 * size

    monkeypatch.setattr("nbjudge.course.secret.secrets.token_hex", overtaken)

    assert secret(tmp_path) == "another's"
    assert (tmp_path / SECRET_FILE).read_text() == "another's\n"


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    (tmp_path / SECRET_FILE).write_text("\n")

    with pytest.raises(CourseError, match="is empty"):
        secret(tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(CourseError, match="Set the environment variable COURSE_SECRET"):
        secret(tmp_path / "file")


def test_what_inputs_depend_on_tells_nothing_of_the_secret() -> None:
    (found,) = seed_parts("autumn", "sums", "ada")

    assert len(found) == 64
    assert not any(part in found for part in ("autumn", "sums", "ada"))
    assert seed_parts("autumn", "sums", "ada") == (found,)


def test_what_inputs_depend_on_is_another_for_each_student_assignment_and_secret() -> None:
    asked = [("sums", "ada"), ("sums", "bob"), ("more", "ada"), ("sum", "sada"), ("", "sumsada")]
    found = [seed_parts("autumn", *each) for each in asked]
    found.append(seed_parts("another", "sums", "ada"))

    assert len(set(found)) == 6


def test_an_id_that_is_no_text_has_inputs_too() -> None:
    assert seed_parts("", "sums", "a\udcff") != seed_parts("", "sums", "a")
