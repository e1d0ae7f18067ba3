"""How nbgrader runs this course.

nbgrader reads this file by itself whenever one of its commands, or its formgrader, runs in this
folder; the `course` command reads it too, so that both do the same. Every setting is explained in
nbgrader's documentation: https://nbgrader.readthedocs.io/en/stable/configuration/config_options.html
"""

import os
import sysconfig
from functools import partial
from pathlib import Path

import nbgrader
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.preprocessors import ClearSolutions, Execute, SaveAutoGrades

import course_utils
from course_utils.autograde.course import gradebook_url
from course_utils.autograde.preprocessors import Judge, Record, Restore
from course_utils.instructor.release import complete
from course_utils.instructor.starter import UseStarter

c = get_config()  # noqa: F821 (nbgrader provides it)

# ---- The course and its folders -------------------------------------------------------------

# The folders have nbgrader's standard names: source/<assignment>/, release/<assignment>/, and for
# each student submitted/, autograded/ and feedback/<student>/<assignment>/. The marks are in
# gradebook.db.
c.CourseDirectory.course_id = "optimisers-and-losses"
c.CourseDirectory.db_url = gradebook_url(Path(__file__).resolve().parent)

# To make a new gradebook, nbgrader starts `alembic` by name: let it be found even if this
# environment is not activated.
scripts = sysconfig.get_path("scripts")
if scripts not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])

# ---- Student versions -----------------------------------------------------------------------

# nbgrader's own steps, and one of ours: where a student repairs broken code instead of writing
# new code, the answer cell of the student version holds that code.
steps = GenerateAssignment.preprocessors.default()
steps.insert(steps.index(ClearSolutions) + 1, UseStarter)
c.GenerateAssignment.preprocessors = steps

# The mark scheme of a written answer stands in the locked cell that asks the question. Students do
# not see it; nbgrader puts it back when it grades, so that who marks has it before their eyes.
c.ClearMarkScheme.enforce_metadata = False

# A released folder works by itself: it also gets the students' part of course_utils, a README and
# the list of packages.
c.GenerateAssignment.post_convert_hook = partial(complete, Path(__file__).resolve().parent)

# ---- Grading --------------------------------------------------------------------------------

# Notebooks train for a few seconds instead of minutes when this is set. A class's grading, and
# `nbgrader validate`, need only the short training; COURSE_QUICK=0 in your shell overrules it.
os.environ.setdefault("COURSE_QUICK", "1")

# Kernels run in folders of their own, so a path relative to this shell would mislead them.
if os.environ.get("COURSE_DATA_DIR"):
    os.environ["COURSE_DATA_DIR"] = str(Path(os.environ["COURSE_DATA_DIR"]).resolve())

# Submissions are rebuilt from the text of their cells and the course's own copy. The student's
# cells then run in a kernel of their own, and the tests outside it; marks come from what the tests
# found. docs/how-grading-works.md tells how. Every limit is a setting of `Judge`, such as
# `c.Judge.call_seconds = 30`; the class explains each.
c.Autograde.sanitize_preprocessors = [Restore, *Autograde.sanitize_preprocessors.default()]
steps = Autograde.autograde_preprocessors.default()
steps[steps.index(Execute)] = Judge
steps.insert(steps.index(SaveAutoGrades) + 1, Record)
c.Autograde.autograde_preprocessors = steps

# Seconds that one cell may take. It is then interrupted, fails, and the next cells still run.
c.Execute.timeout = 120

# `nbgrader validate` runs a notebook in the folder where it lies. What lies there beside it must
# not stand in for what is installed. (The second option keeps the kernel from telling every time
# that local connections are not encrypted.)
c.Execute.extra_arguments = [
    "--InteractiveShellApp.ignore_cwd=True",
    "--IPKernelApp.log_level=ERROR",
]

# A test cell that a student deleted comes back, so that the rest of the notebook is still marked.
c.OverwriteCells.add_missing_cells = True

# ---- What comes through a learning platform -------------------------------------------------

# `nbgrader zip_collect` unpacks what students made: within bounds, and nowhere else than it should.
# Whose a file is, --collector tells: docs/hand-in.md says how.
c.ZipCollectApp.extractor_plugin = "course_utils.instructor.unpack.CarefulExtractor"

# ---- Marking by hand -------------------------------------------------------------------------

# The formgrader shows submissions in the grader's own session. So that nothing in one can act
# there, its pages are made of what cannot, and say so to the browser: docs/written-answers.md.
c.HTMLExporter.preprocessors = ["course_utils.autograde.formgrader.Shield"]
c.HTMLExporter.filters = {"markdown2html": "course_utils.autograde.formgrader.markdown"}
c.HTMLExporter.template_name = "graders"
formgrader = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "templates"
templates = Path(course_utils.__file__).parent / "autograde" / "templates"
c.HTMLExporter.extra_template_basedirs = [str(templates), str(formgrader)]
c.HTMLExporter.extra_template_paths = [str(formgrader)]

# ---- Feedback -------------------------------------------------------------------------------

# A page of the course's own for each notebook: docs/feedback.md shows what it holds. It asks the
# gradebook itself, so nbgrader's own preprocessors have nothing left to do.
c.GenerateFeedback.exporter_class = "course_utils.autograde.feedback_page.FeedbackExporter"
c.GenerateFeedback.preprocessors = []
