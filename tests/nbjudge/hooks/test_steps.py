"""Our steps take their places among nbgrader's own, whatever those are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from traitlets.config import Config

from nbjudge.course.course import Course, machine_settings
from nbjudge.exceptions import CourseError
from nbjudge.hooks import configure
from nbjudge.hooks.steps import Steps, place_of

CALLS = "from nbjudge.hooks import configure; configure(c)"


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


def test_what_a_course_has_set_already_stays(tmp_path: Path) -> None:
    c = Config()
    c.CourseDirectory.db_url = "postgresql://grades"
    c.ExecutePreprocessor.timeout = 600
    c.Execute.extra_arguments = ["--matplotlib=inline"]
    c.AssignLatePenalties.plugin_class = "course.Late"
    c.OverwriteCells.add_missing_cells = False
    c.ClearMarkScheme.enforce_metadata = True
    c.ZipCollectApp.extractor_plugin = "course.Extractor"
    c.HTMLExporter.filters = {"loudly": "course.loudly"}
    c.HTMLExporter.preprocessors = ["course.Own"]
    c.HTMLExporter.extra_template_basedirs = ["templates"]
    c.Autograde.sanitize_preprocessors.append("course.Last")
    c.Autograde.autograde_preprocessors = ["course.First", Execute, "nbgrader.x.SaveAutoGrades"]

    configure(c, tmp_path)

    assert c.CourseDirectory.db_url == "postgresql://grades"
    assert Execute(config=c).timeout == 600
    assert Execute(config=c).extra_arguments[0] == "--matplotlib=inline"
    assert "--InteractiveShellApp.ignore_cwd=True" in Execute(config=c).extra_arguments
    assert c.AssignLatePenalties.plugin_class == "course.Late"
    assert c.OverwriteCells.add_missing_cells is False
    assert c.ClearMarkScheme.enforce_metadata is True
    assert c.ZipCollectApp.extractor_plugin == "course.Extractor"
    assert c.HTMLExporter.filters.keys() == {"loudly", "markdown2html"}
    assert names(c.HTMLExporter.preprocessors) == ["Own", "Shield"]
    assert c.HTMLExporter.extra_template_basedirs[-1] == "templates"
    converter = made(Autograde, c)
    assert names(converter.sanitize_preprocessors)[:1] == ["Restore"]
    assert names(converter.sanitize_preprocessors)[-1:] == ["Last"]
    found = names(converter.autograde_preprocessors)
    assert found == ["First", "Judge", "SaveAutoGrades", "Record"]


@pytest.mark.parametrize("calls", ["", CALLS])
def test_what_is_set_for_all_courses_stays(
    calls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for_all, root = tmp_path / "for_all", tmp_path / "course"
    for folder, told in (
        (for_all, "c.Execute.timeout = 600\nc.LatePolicy.points_per_day = 1.0\n" + calls),
        (
            root,
            "from nbjudge.hooks import configure; configure(c)\nc.LatePolicy.points_per_day = 2",
        ),
    ):
        folder.mkdir()
        text = f"c = get_config()\n{told}\n"
        folder.joinpath("nbgrader_config.py").write_text(text, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(for_all))

    config = Course(root).config()

    assert Execute(config=config).timeout == 600
    assert config.LatePolicy.points_per_day == 2
    assert config.CourseDirectory.db_url == f"sqlite:///{root / 'gradebook.db'}"
    steps = names(made(Autograde, config).autograde_preprocessors)
    assert steps.count("Judge") == 1


def test_a_hook_that_is_set_for_all_courses_runs_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr("nbjudge.release.release.complete", lambda *_, **__: told.append("ours"))
    text = "get_config().GenerateAssignment.post_convert_hook = lambda told, **_: told.append(1)"
    (tmp_path / "nbgrader_config.py").write_text(text, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    c = Config()

    configure(c, tmp_path)
    c.GenerateAssignment.post_convert_hook(told=told)

    assert told == [1, "ours"]


def test_the_gradebook_lies_in_the_folder_that_the_settings_name(tmp_path: Path) -> None:
    c = Config()
    c.CourseDirectory.root = str(tmp_path)

    configure(c)

    assert c.CourseDirectory.db_url == f"sqlite:///{tmp_path / 'gradebook.db'}"


def test_a_file_for_all_courses_that_fails_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "nbgrader_config.py"
    path.write_text("c = get_config()\nc.Execute.timeout = ten\n", encoding="utf-8")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))

    with pytest.raises(CourseError, match=rf"{re.escape(str(path))} cannot be read \(line 2\)"):
        machine_settings()


@pytest.mark.parametrize("section", ["GenerateAssignment", "BaseConverter"])
def test_a_hook_of_the_course_runs_before_the_release_is_completed(
    section: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(
        "nbjudge.release.release.complete", lambda root, **names: told.append((root, names))
    )
    c = Config()
    c[section].post_convert_hook = lambda **names: told.append(names)
    configure(c, tmp_path)

    made(GenerateAssignment, c).post_convert_hook(assignment="sums", student="ada", notebooks=[])

    names = {"assignment": "sums", "student": "ada", "notebooks": []}
    assert told == [names, (tmp_path, names)]


def test_a_list_of_steps_without_one_that_the_judge_needs_is_a_sentence(tmp_path: Path) -> None:
    c = Config()
    c.Autograde.autograde_preprocessors = ["course.Own"]

    with pytest.raises(CourseError, match=r"^c\.Autograde\.autograde_preprocessors: .*'Execute'"):
        configure(c, tmp_path)


def test_a_step_changes_a_list_once_however_often_it_is_read() -> None:
    steps, own = Steps(lambda found: found.append("ours")), ["theirs"]

    assert [steps.get_value(own) for _ in range(2)] == [["theirs", "ours"]] * 2
    assert own == ["theirs"]


def test_an_nbgrader_without_a_step_is_told() -> None:
    with pytest.raises(CourseError, match="'Execute' is not there"):
        place_of(["nbgrader.preprocessors.Other"], "Execute")


def test_settings_are_read_without_nbgrader() -> None:
    code = (
        "import sys; from pathlib import Path; from traitlets.config import Config\n"
        "from nbjudge.hooks import configure; configure(Config(), Path('course'))\n"
        "sys.exit('nbgrader' in sys.modules or 'sqlalchemy' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
