"""Start nbgrader's formgrader in the course's folder, where it finds the course's settings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise

from nbjudge.course.course import Course
from nbjudge.exceptions import CourseError

__all__ = ["FOR_OTHERS", "allow_root", "serve_formgrader"]

#: The page with the list of what is to be marked.
START_PAGE = "/formgrader/gradebook"
#: JupyterLab's default address, and others that no other machine can reach.
OWN_MACHINE = ("localhost", "127.0.0.1", "::1")
IP_ALONE = ("--ip", "--ServerApp.ip")
IP = tuple(f"{name}=" for name in IP_ALONE)
#: The message about access from other machines.
FOR_OTHERS = (
    "The formgrader answers this machine alone. From another one: "
    "ssh -L 8888:localhost:8888 <this machine>, then open the address below there."
)


def allow_root(options: Sequence[str]) -> list[str]:
    """Return the options with `--allow-root`, without which JupyterLab refuses to start as root.

    Raises
    ------
    CourseError
        If it would listen to other machines.
    """
    if "--allow-root" in options:
        return list(options)
    addresses = [word.partition("=")[2] for word in options if word.startswith(IP)]
    addresses += [after for word, after in pairwise(options) if word in IP_ALONE]
    if any(address not in OWN_MACHINE for address in addresses):
        message = (
            f"As root the formgrader serves this machine alone, not {addresses[-1]}. Start it as "
            "another user, or add --allow-root if everybody who reaches it may be root here."
        )
        raise CourseError(message)
    return ["--allow-root", *options]


def serve_formgrader(course: Course, options: Sequence[str] = ()) -> None:
    """Run JupyterLab in the course's folder until it is stopped, and open the formgrader.

    The formgrader reads its settings from the folder in which the server starts, and only the
    course's settings make submissions safe to view.

    Parameters
    ----------
    course : Course
    options : sequence of str
        Options for `jupyter lab`.

    Raises
    ------
    CourseError
        If root would serve other machines as well, unless `options` has `--allow-root`.
    """
    if os.name == "posix" and os.geteuid() == 0:
        options = allow_root(options)
    from jupyterlab.labapp import LabApp

    os.chdir(course.root)
    LabApp.launch_instance(
        [f"--ServerApp.root_dir={course.root}", f"--LabApp.default_url={START_PAGE}", *options]
    )
