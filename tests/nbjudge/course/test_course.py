"""Where a course lives, and what its configuration makes of the shell it is started from."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from nbgrader.coursedir import CourseDirectory
from typer.testing import CliRunner

from nbjudge.cli.commands import app
from nbjudge.course.course import Course, causes, unfit_name
from nbjudge.course.gradebook import open_gradebook
from nbjudge.exceptions import CourseError

TINY = Path(__file__).parents[2] / "courses" / "tiny"


def test_a_course_is_found_from_a_folder_inside_it() -> None:
    assert Course.find(TINY / "source" / "sums") == Course(TINY)


def test_a_folder_outside_any_course_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"No course here: .* holds nbgrader_config\.py"):
        Course.find(tmp_path)


def test_an_unknown_assignment_is_told_with_those_there_are() -> None:
    with pytest.raises(CourseError, match=r"No assignment 'products' .* There is: sums\."):
        Course(TINY).require("products")


def test_a_course_without_sources_has_no_assignments(tmp_path: Path) -> None:
    assert Course(tmp_path).assignments == ()


def course_with(root: Path, *assignments: str) -> Course:
    """Make a course whose assignments have notebooks that nobody reads."""
    root.mkdir(parents=True)
    shutil.copy(TINY / "nbgrader_config.py", root)
    for name in assignments:
        (root / "source" / name).mkdir(parents=True)
        (root / "source" / name / "sums.ipynb").touch()
    return Course(root)


def course_that_sets(root: Path, name: str, value: str) -> Course:
    """Make a course with a setting of nbgrader's folders."""
    course = course_with(root)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as settings:
        settings.write(f"\nc.CourseDirectory.{name} = {value!r}\n")
    return course


def test_a_course_that_its_settings_put_elsewhere_is_a_sentence(tmp_path: Path) -> None:
    here = course_that_sets(tmp_path / "here", "root", ".")
    elsewhere = course_that_sets(tmp_path / "elsewhere", "root", "/srv/other")

    assert here.config().CourseDirectory.root == str(here.root)
    with pytest.raises(CourseError, match=r"put the course elsewhere .* two folders"):
        elsewhere.config()


@pytest.mark.parametrize(
    ("name", "other"),
    [
        *((f"{step}_directory", "elsewhere") for step in ("source", "release", "submitted")),
        *((f"{step}_directory", "elsewhere") for step in ("autograded", "feedback")),
        ("directory_structure", "{nbgrader_step}/{assignment_id}/{student_id}"),
    ],
)
def test_folders_of_other_names_are_a_sentence(name: str, other: str, tmp_path: Path) -> None:
    usual = getattr(CourseDirectory, name).default_value or CourseDirectory().directory_structure

    course_that_sets(tmp_path / "usual", name, usual).config()
    with pytest.raises(CourseError, match=rf"c\.CourseDirectory\.{name} as .*usual folders"):
        course_that_sets(tmp_path / "other", name, other).config()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *((f"hw{c}x", f"has {c!r} in its name") for c in '+*?[]{}\\:<>|"%#\n\t\x1b\u202e'),
        (".hw", "begins with a dot"),
        ("-hw", "begins with a dot, a dash"),
        (" hw", "begins with a dot, a dash or a space"),
        ("hw.", "ends with a dot"),
        ("é" * 65, "has a name of more than 128 bytes"),
    ],
)
def test_a_name_that_no_assignment_can_have_is_told_by_its_character(name: str, told: str) -> None:
    assert told in (unfit_name(name) or "")


@pytest.mark.parametrize("name", ["hw 1", "été", "学", "hw'1", "a.b-c_d", "hw, 2 (new)", "é" * 64])
def test_other_names_are_fit(name: str) -> None:
    assert unfit_name(name) is None


@pytest.mark.parametrize("command", ["release", "check", "autograde", "feedback", "report"])
def test_every_command_answers_an_unfit_name_in_one_sentence(tmp_path: Path, command: str) -> None:
    course = course_with(tmp_path / "course", "hw+x")

    for arguments in ([command, "hw+x"], [command]):
        result = CliRunner().invoke(app, ["--course", str(course.root), *arguments])

        assert result.exit_code == 1
        assert result.stderr == (
            "The assignment 'hw+x' has '+' in its name, which nbgrader or a link reads otherwise. "
            "Rename its folder in source/.\n"
        )


@pytest.mark.parametrize("name", ["a[1]", "a*", "a?b", "a\nb"])
def test_a_path_that_nbgrader_reads_as_a_pattern_is_told_by_its_character(
    tmp_path: Path, name: str
) -> None:
    course = course_with(tmp_path / name, "sums")

    with pytest.raises(CourseError, match="Rename the folder, or move the course") as error:
        Course.find(course.root)

    assert repr(name[1]) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_demonstration_is_not_begun_where_nbgrader_cannot_work(tmp_path: Path) -> None:
    course = course_with(tmp_path / "course", "optimisers", "loss_functions")

    result = CliRunner().invoke(
        app, ["--course", str(course.root), "demo", "--folder", str(tmp_path / "a[1]")]
    )

    assert result.exit_code == 1
    assert "it finds files by patterns, and '[' has a meaning there" in result.stderr
    assert not (tmp_path / "a[1]").exists()


@pytest.mark.parametrize("name", ["a%20b", "a%b", "a#b", "a b", "a:b", "a{b}", "é", "a'b", "~"])
def test_the_gradebook_lies_in_the_courses_own_folder_whatever_that_is_called(
    tmp_path: Path, name: str
) -> None:
    course = Course.find(course_with(tmp_path / name, "sums").root)

    with open_gradebook(course):
        pass

    assert list(tmp_path.rglob("gradebook.db")) == [course.root / "gradebook.db"]


def test_an_ordinary_gradebook_has_nbgraders_own_address(tmp_path: Path) -> None:
    course = course_with(tmp_path / "é course")

    assert course.config().CourseDirectory.db_url == f"sqlite:///{course.root / 'gradebook.db'}"


def test_a_linked_course_folder_is_the_folder(tmp_path: Path) -> None:
    course = course_with(tmp_path / "course", "sums")
    (tmp_path / "link[1]").symlink_to(course.root)

    assert Course.find(tmp_path / "link[1]") == course


def test_hidden_folders_are_no_assignments(tmp_path: Path) -> None:
    course = course_with(tmp_path / "course", ".ipynb_checkpoints", "sums")

    assert course.assignments == ("sums",)


def test_accents_that_are_coded_otherwise_name_the_same_assignment(tmp_path: Path) -> None:
    course = course_with(tmp_path / "course", "e\u0301te\u0301")

    assert course.require("\u00e9t\u00e9") == "e\u0301te\u0301"


def test_training_is_short_when_grading_unless_the_shell_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COURSE_QUICK", "")  # so that it is put back afterwards
    monkeypatch.delenv("COURSE_QUICK")
    Course(TINY).config()
    assert os.environ["COURSE_QUICK"] == "1"

    monkeypatch.setenv("COURSE_QUICK", "0")
    Course(TINY).config()
    assert os.environ["COURSE_QUICK"] == "0"


def test_the_causes_of_a_failure_come_in_order_and_without_the_closing_hint() -> None:
    log = (
        "[ERROR] There was an error\nTraceback (most recent call last):\n    raise first\n"
        "nbclient.exceptions.DeadKernelError: Kernel died\n"
    )
    error = "nbgrader.converters.base.NbGraderException: Please see the above traceback\n"

    assert causes({"log": log, "error": error}) == ["DeadKernelError: Kernel died"]


def test_a_failure_without_an_exception_is_told_by_its_last_line() -> None:
    assert causes({"log": "first\n", "error": "no notebooks\n"}) == ["no notebooks"]


def test_an_interruption_is_no_failure() -> None:
    with pytest.raises(KeyboardInterrupt):
        causes({"error": "Traceback …\n\nKeyboardInterrupt\n"})
