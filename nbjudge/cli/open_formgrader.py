"""Starting nbgrader's formgrader, where it finds this course and its settings."""

from __future__ import annotations

import os
from collections.abc import Sequence

from nbjudge.course.course import Course

__all__ = ["serve"]

#: The list of what is to be marked.
START = "/formgrader/gradebook"


def serve(course: Course, options: Sequence[str] = ()) -> None:
    """Run JupyterLab in the course's folder, until it is stopped, and open the formgrader.

    The formgrader takes the settings of the folder in which its server started, and only these
    make submissions safe to look at: so it has to be this one.

    Parameters
    ----------
    course : Course
    options : sequence of str
        For `jupyter lab`.
    """
    from jupyterlab.labapp import LabApp

    os.chdir(course.root)
    LabApp.launch_instance(
        [f"--ServerApp.root_dir={course.root}", f"--LabApp.default_url={START}", *options]
    )
