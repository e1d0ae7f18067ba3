"""How nbgrader runs this course.

nbgrader reads this file by itself whenever one of its commands, or its formgrader, runs in this
folder; the `course` command reads it too, so that both do the same. nbgrader's own settings:
https://nbgrader.readthedocs.io/en/stable/configuration/config_options.html
"""

import os
from pathlib import Path

from nbjudge.hooks import configure

c = get_config()  # noqa: F821 (nbgrader provides it)
configure(c)

c.CourseDirectory.course_id = "optimisers-and-losses"

# ---- What the judge is told of this course --------------------------------------------------

c.Plug.packages = ["course_utils"]
c.Plug.knowledge = "course_utils.reference.answers"
c.Plug.examinations = "course_utils.reference.examine"
c.Plug.probes = "course_utils.probes"
c.Plug.data = "course_utils.data"
c.Plug.data_variable = "COURSE_DATA_DIR"
c.Plug.offline = ["COURSE_OFFLINE"]

# What the notebooks import, so that it is imported once for all kernels. An optimiser imports
# torch._dynamo, which takes two seconds; seaborn draws one picture.
c.Plug.preload = [
    *("torch", "torch._subclasses.schema_check_mode", "torch.profiler._cupti_monitor"),
    *("torch._dynamo", "pandas", "pandas.io.formats.html", "pooch", "tqdm.auto"),
    *("course_utils.data", "course_utils.explore", "course_utils.plots", "course_utils.probes"),
]
c.Plug.preload_later = ["seaborn"]

# Notebooks train for a few seconds instead of minutes when this is set. A class's grading, and
# `nbgrader validate`, need only the short training; COURSE_QUICK=0 in your shell overrules it.
os.environ.setdefault("COURSE_QUICK", "1")
c.Plug.variables = ["COURSE_QUICK"]

# Kernels run in folders of their own, so a path relative to this shell would mislead them.
if os.environ.get("COURSE_DATA_DIR"):
    os.environ["COURSE_DATA_DIR"] = str(Path(os.environ["COURSE_DATA_DIR"]).resolve())

# Each exercise is built as docs/add-an-exercise.md says, or the assignment is not released.
c.Plug.house_rules = True

# ---- What students get with their notebooks -------------------------------------------------

c.Plug.readme = "source/release_readme.md"
c.Plug.distribution = "course-utils"
c.Plug.requirements = [
    *("ipywidgets", "jupyter", "matplotlib", "numpy", "pandas", "pooch", "requests", "seaborn"),
    "torch",
]
