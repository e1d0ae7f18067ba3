"""Our steps take their places among nbgrader's own, whatever those are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from nbjudge.hooks import configure
from nbjudge.hooks.steps import Steps, place_of


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    c = Config()
    configure(c, tmp_path)
    return c


def made(converter: type, settings: Config) -> Any:
    return converter(coursedir=CourseDirectory(config=settings), config=settings)


def names(steps: list[Any]) -> list[str]:
    return [str(getattr(step, "__name__", step)).rpartition(".")[2] for step in steps]


def test_the_judge_takes_the_place_of_nbgraders_execute(settings: Config) -> None:
    wanted = names(Autograde.autograde_preprocessors.default())
    wanted[wanted.index("Execute")] = "Judge"
    wanted.insert(wanted.index("SaveAutoGrades") + 1, "Record")

    assert names(made(Autograde, settings).autograde_preprocessors) == wanted


def test_a_submission_is_restored_before_nbgrader_sees_it(settings: Config) -> None:
    wanted = ["Restore", *names(Autograde.sanitize_preprocessors.default())]

    assert names(made(Autograde, settings).sanitize_preprocessors) == wanted


def test_starters_are_put_in_where_solutions_are_cleared(settings: Config) -> None:
    wanted = names(GenerateAssignment.preprocessors.default())
    wanted.insert(wanted.index("ClearSolutions") + 1, "UseStarter")

    assert names(made(GenerateAssignment, settings).preprocessors) == wanted


def test_a_course_can_add_steps_of_its_own(settings: Config) -> None:
    settings.GenerateAssignment.preprocessors.append("course.Last")
    settings.Autograde.sanitize_preprocessors.append("course.Last")
    settings.Autograde.autograde_preprocessors.insert(0, "course.First")

    assert names(made(GenerateAssignment, settings).preprocessors)[-1] == "Last"
    assert names(made(Autograde, settings).sanitize_preprocessors)[0] == "Restore"
    assert names(made(Autograde, settings).sanitize_preprocessors)[-1] == "Last"
    assert names(made(Autograde, settings).autograde_preprocessors)[0] == "First"


def test_a_step_changes_a_list_once_however_often_it_is_read() -> None:
    steps, own = Steps(lambda found: found.append("ours")), ["theirs"]

    assert [steps.get_value(own) for _ in range(2)] == [["theirs", "ours"]] * 2
    assert own == ["theirs"]


def test_an_nbgrader_without_a_step_is_told() -> None:
    with pytest.raises(ValueError, match="Execute"):
        place_of(["nbgrader.preprocessors.Other"], "Execute")


def test_settings_are_read_without_nbgrader() -> None:
    code = (
        "import sys; from pathlib import Path; from traitlets.config import Config\n"
        "from nbjudge.hooks import configure; configure(Config(), Path('course'))\n"
        "sys.exit('nbgrader' in sys.modules or 'sqlalchemy' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
