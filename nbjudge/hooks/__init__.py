"""Configure nbgrader to use the judge, with two lines in `nbgrader_config.py`.

    from nbjudge.hooks import configure
    configure(c)

Its other modules hold the classes that nbgrader then loads by name; nothing else imports them. It
may import every room below it: all that grades, releases and makes pages.
"""

from __future__ import annotations

import inspect
import os
import sysconfig
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

from traitlets.config import Config
from traitlets.utils.importstring import import_item

from nbjudge.course.course import gradebook_url
from nbjudge.hooks.steps import (
    are_for_all_courses,
    change_steps,
    place_of,
    set_default,
    settings_for_all_courses,
)

__all__ = ["configure"]

#: Arguments for the kernels of `nbgrader validate`.
KERNEL_ARGUMENTS = ("--InteractiveShellApp.ignore_cwd=True", "--IPKernelApp.log_level=ERROR")
#: The preprocessor that removes active content from the formgrader's pages.
SHIELD = "nbjudge.hooks.formgrader.Shield"


def configure(c: Config, root: Path | None = None) -> None:
    """Make nbgrader grade, release and show a course with the judge.

    Settings in `nbgrader_config.py`, before or after this call, take priority over those made here,
    and so do settings for all courses. The exception is feedback, which only a later setting
    changes. Every limit is a setting of `Judge`, and the course's configuration is in `Plug`:
    docs/settings.md explains each.

    Parameters
    ----------
    c : Config
        What `get_config()` returns in `nbgrader_config.py`.
    root : Path, optional
        The course's folder; by default `c.CourseDirectory.root`, or else that of the calling file.

    Raises
    ------
    CourseError
        If the course has set a list of nbgrader's steps that lacks one which the judge needs.
    """
    told = c.CourseDirectory.get("root")
    caller = _folder_of(inspect.currentframe())
    root = root or (caller / told if isinstance(told, str) else caller)
    known = settings_for_all_courses()
    _configure_gradebook(c, known, root)
    _configure_releases(c, known, root)
    _configure_grading(c, known)
    _configure_pages(c, known)


def _folder_of(frame: FrameType | None) -> Path:
    """Return the folder of the file that called the function of a frame."""
    assert frame is not None
    assert frame.f_back is not None
    return Path(frame.f_back.f_code.co_filename).resolve().parent


def _configure_gradebook(c: Config, known: Config, root: Path) -> None:
    if not are_for_all_courses():  # each course has its own gradebook
        set_default(c, known, "CourseDirectory", "db_url", gradebook_url(root))
    # To create a gradebook, nbgrader runs `alembic` by name, which must be on the PATH even if this
    # environment is not activated.
    scripts = sysconfig.get_path("scripts")
    if scripts not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])


def _configure_releases(c: Config, known: Config, root: Path) -> None:
    # One step more than nbgrader's own: where students repair broken code, rather than write new
    # code, the answer cell of the student version holds that code.
    change_steps(c, "GenerateAssignment", "preprocessors", _use_starters)
    # The mark scheme of a written answer may stand in the locked cell that asks the question. It is
    # removed for students; nbgrader restores it when it grades, for the person who marks.
    set_default(c, known, "ClearMarkScheme", "enforce_metadata", False)
    # The hook completes a released folder, so that it works without the course. The course's own
    # hook runs first.
    places = [s[name] for s in (c, known) for name in ("GenerateAssignment", "BaseConverter")]
    own = next(filter(None, (place.get("post_convert_hook") for place in places)), None)
    c.GenerateAssignment.post_convert_hook = partial(_complete, root, own)


def _use_starters(steps: list[Any]) -> None:
    steps.insert(place_of(steps, "ClearSolutions") + 1, "nbjudge.hooks.starter.UseStarter")


def _complete(root: Path, own: Callable[..., object] | str | None, **told: object) -> None:
    from nbjudge.release.release import complete  # needed only by a release

    if own is not None:
        hook = import_item(own) if isinstance(own, str) else own
        hook(**told)
    complete(root, **told)  # type: ignore[arg-type]  # nbgrader's own words


def _configure_grading(c: Config, known: Config) -> None:
    # Submissions are rebuilt from the text of their cells and the course's own copy. The student's
    # cells then run in a kernel, and the tests outside it, whose findings are the marks.
    # docs/how-grading-works.md explains it.
    change_steps(c, "Autograde", "sanitize_preprocessors", _restore)
    change_steps(c, "Autograde", "autograde_preprocessors", _add_judge)
    # Seconds for one cell. After that it is interrupted and fails, and the next cells still run.
    set_default(c, known, "Execute", "timeout", 120, "ExecutePreprocessor", "NotebookClient")
    # `nbgrader validate` runs a notebook in its own folder, where other files must not shadow
    # installed modules. (The second option silences the kernel's warning that local connections
    # are not encrypted.)
    change_steps(c, "Execute", "extra_arguments", lambda found: found.extend(KERNEL_ARGUMENTS))
    # Lateness costs nothing, unless the course sets `LatePolicy`.
    policy = "nbjudge.term.late_policy.LatePolicy"
    set_default(c, known, "AssignLatePenalties", "plugin_class", policy)
    # A test cell that a student deleted comes back, so that the rest of the notebook is marked.
    set_default(c, known, "OverwriteCells", "add_missing_cells", True)
    # `nbgrader zip_collect` unpacks with limits, and only into its own folder.
    extractor = "nbjudge.intake.unpack.CarefulExtractor"
    set_default(c, known, "ZipCollectApp", "extractor_plugin", extractor)


def _restore(steps: list[Any]) -> None:
    steps.insert(0, "nbjudge.hooks.autograde.Restore")


def _put_first(ours: list[str], found: list[Any]) -> None:
    found[:0] = ours


def _add_judge(steps: list[Any]) -> None:
    steps[place_of(steps, "Execute")] = "nbjudge.hooks.autograde.Judge"
    steps.insert(place_of(steps, "SaveAutoGrades") + 1, "nbjudge.hooks.autograde.Record")


def _configure_pages(c: Config, known: Config) -> None:
    # The formgrader shows submissions in the grader's own session, where a script in a submission
    # could act. So its pages are rebuilt without active content, and a policy in them tells the
    # browser to run none.
    change_steps(c, "HTMLExporter", "preprocessors", lambda found: found.append(SHIELD))
    c.HTMLExporter.filters.update({"markdown2html": "nbjudge.hooks.formgrader.markdown"})
    set_default(c, known, "HTMLExporter", "template_name", "graders", "TemplateExporter")
    found = find_spec("nbgrader")
    assert found is not None
    assert found.origin is not None
    formgrader = Path(found.origin).parent / "server_extensions" / "formgrader" / "templates"
    templates = Path(__file__).parent / "templates"
    places = [str(templates), str(formgrader)]
    change_steps(c, "HTMLExporter", "extra_template_basedirs", partial(_put_first, places))
    c.HTMLExporter.extra_template_paths = [str(formgrader)]
    # The judge's feedback page reads the gradebook itself, so nbgrader's own preprocessors have
    # nothing to do.
    c.GenerateFeedback.exporter_class = "nbjudge.feedback.exporter.FeedbackExporter"
    c.GenerateFeedback.preprocessors = []
