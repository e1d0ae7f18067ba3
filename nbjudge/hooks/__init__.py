"""What an `nbgrader_config.py` names: two lines make nbgrader's own commands use the judge.

    from nbjudge.hooks import configure
    configure(c)

It may import every room below it: all that grades, releases and makes pages. Nothing imports it but
nbgrader, by the names that `configure` sets.
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

#: What a kernel of `nbgrader validate` is started with.
KERNEL_ARGUMENTS = ("--InteractiveShellApp.ignore_cwd=True", "--IPKernelApp.log_level=ERROR")
#: The step that takes from a page of the formgrader what could act in it.
SHIELD = "nbjudge.hooks.formgrader.Shield"


def configure(c: Config, root: Path | None = None) -> None:
    """Have nbgrader grade, release and show a course by the judge.

    What `nbgrader_config.py` sets, before or afterwards, overrules what is set here, and so does
    what is set for all courses; but feedback is the judge's unless that is set afterwards. Every
    limit is a setting of `Judge`, and what the course tells of itself one of `Plug`:
    docs/settings.md explains each.

    Parameters
    ----------
    c : Config
        What `get_config()` returns in `nbgrader_config.py`.
    root : Path, optional
        The course's folder; by default `c.CourseDirectory.root`, or else that of the file that
        calls this.

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
    if not are_for_all_courses():  # each has a gradebook of its own
        set_default(c, known, "CourseDirectory", "db_url", gradebook_url(root))
    # To make a new gradebook, nbgrader starts `alembic` by name: it must be found even if this
    # environment is not activated.
    scripts = sysconfig.get_path("scripts")
    if scripts not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])


def _configure_releases(c: Config, known: Config, root: Path) -> None:
    # nbgrader's own steps, and one more: where a student repairs broken code instead of writing new
    # code, the answer cell of the student version holds that code.
    change_steps(c, "GenerateAssignment", "preprocessors", _use_starters)
    # The mark scheme of a written answer may stand in the locked cell that asks the question.
    # Students do not see it; nbgrader puts it back when it grades, for who marks.
    set_default(c, known, "ClearMarkScheme", "enforce_metadata", False)
    # A released folder works by itself. A hook of the course's own comes first.
    places = [s[name] for s in (c, known) for name in ("GenerateAssignment", "BaseConverter")]
    own = next(filter(None, (place.get("post_convert_hook") for place in places)), None)
    c.GenerateAssignment.post_convert_hook = partial(_complete, root, own)


def _use_starters(steps: list[Any]) -> None:
    steps.insert(place_of(steps, "ClearSolutions") + 1, "nbjudge.hooks.starter.UseStarter")


def _complete(root: Path, own: Callable[..., object] | str | None, **told: object) -> None:
    from nbjudge.release.release import complete  # which only a release needs

    if own is not None:
        hook = import_item(own) if isinstance(own, str) else own
        hook(**told)
    complete(root, **told)  # type: ignore[arg-type]  # nbgrader's own words


def _configure_grading(c: Config, known: Config) -> None:
    # Submissions are rebuilt from the text of their cells and the course's own copy. The student's
    # cells then run in a kernel of their own, and the tests outside it; marks come from what the
    # tests found. docs/how-grading-works.md tells how.
    change_steps(c, "Autograde", "sanitize_preprocessors", _restore)
    change_steps(c, "Autograde", "autograde_preprocessors", _add_judge)
    # Seconds that one cell may take. It is then interrupted, fails, and the next cells still run.
    set_default(c, known, "Execute", "timeout", 120, "ExecutePreprocessor", "NotebookClient")
    # `nbgrader validate` runs a notebook in the folder where it lies. What lies there beside it
    # must not stand in for what is installed. (The second option keeps the kernel from telling
    # every time that local connections are not encrypted.)
    change_steps(c, "Execute", "extra_arguments", lambda found: found.extend(KERNEL_ARGUMENTS))
    # What lateness costs: nothing, unless the course sets `LatePolicy`.
    policy = "nbjudge.term.late_policy.LatePolicy"
    set_default(c, known, "AssignLatePenalties", "plugin_class", policy)
    # A test cell that a student deleted comes back, so that the rest of the notebook is marked.
    set_default(c, known, "OverwriteCells", "add_missing_cells", True)
    # `nbgrader zip_collect` unpacks within bounds, and nowhere else than it should.
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
    # The formgrader shows submissions in the grader's own session. So that nothing in one can act
    # there, its pages are made of what cannot, and say so to the browser.
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
    # A page of its own for each notebook, which asks the gradebook itself: nbgrader's own
    # preprocessors have nothing left to do.
    c.GenerateFeedback.exporter_class = "nbjudge.feedback.exporter.FeedbackExporter"
    c.GenerateFeedback.preprocessors = []
