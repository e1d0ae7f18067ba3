"""Whether this machine can grade, and what it keeps a submission from: tried, not assumed."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from pathlib import Path

from nbgrader.api import Gradebook

from nbjudge.course.course import Course
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.proof.probe_cells import DATA_PROBE, PROBES
from nbjudge.proof.probe_runs import examine, outside
from nbjudge.proof.protections import Diagnosis, Protection, ProtectionState, StateAndReason
from nbjudge.sandbox import bubblewrap
from nbjudge.sandbox.warm_kernels import running_fork_server

__all__ = ["examine_machine", "machine"]

#: The row that says how limits are kept.
MEANS = "limits kept"


def examine_machine(course: Course | None) -> Diagnosis:
    """Try every protection, and look at the rest of the machine.

    Parameters
    ----------
    course : Course or None
        None leaves out what only a course has.
    """
    if problem := bubblewrap.problem():
        nothing = "there is no sandbox"
        broken = [
            Protection("protection", probe.name, ProtectionState.BROKEN, nothing)
            for probe in PROBES
        ]
        return Diagnosis(problem, (*broken, *machine(course)))
    plug = course.plug if course else Plug()
    with outside(course) as facts:
        probes = (*PROBES, DATA_PROBE) if plug.data else PROBES
        rows = (*examine(facts, probes, plug), _means(plug), *machine(course))
        return Diagnosis("", rows)


def machine(course: Course | None) -> list[Protection]:
    """Look at what else grading needs.

    Parameters
    ----------
    course : Course or None
        None leaves out its gradebook.
    """
    state = ProtectionState.HOLDS if sys.version_info >= (3, 11) else ProtectionState.BROKEN
    rows = [Protection("machine", "Python", state, f"{platform.python_version()} in {sys.prefix}")]
    rows.append(
        Protection(
            "machine", "nbgrader", ProtectionState.HOLDS, importlib.metadata.version("nbgrader")
        )
    )
    if course is not None:
        rows.append(Protection("machine", "gradebook", *_gradebook(course)))
    if course is not None and course.plug.data:
        rows.append(Protection("machine", "data sets", *_data_sets(course.plug)))
    return rows


def _means(plug: Plug) -> Protection:
    """Return by what means the limits are kept here."""
    try:
        groups = running_fork_server(plug).groups
    except (CourseError, OSError) as error:
        return Protection("protection", MEANS, ProtectionState.UNTRIED, str(error))
    if groups is None:
        kept = (
            "by counting: no control group can be had here, and what that leaves possible is in "
            "docs/sandbox.md"
        )
    elif groups.counts_computing:
        kept = "by control groups, for memory, processes and the share of the processors"
    else:
        kept = "by control groups, for memory and processes"
    return Protection("protection", MEANS, ProtectionState.HOLDS, kept)


def _gradebook(course: Course) -> StateAndReason:
    try:
        folder = course.api().coursedir
        file = Path(folder.db_url.removeprefix("sqlite:///"))
        if folder.db_url.startswith("sqlite:///") and not file.exists():
            return ProtectionState.HOLDS, "none yet: the first `course release` makes it"
        with Gradebook(folder.db_url, folder.course_id) as gradebook:
            students, assignments = len(gradebook.students), len(gradebook.assignments)
            return (
                ProtectionState.HOLDS,
                f"reachable: {assignments} assignments, {students} students",
            )
    # The configuration is code, and each kind of database has errors of its own.
    except Exception as error:
        said = (str(error).splitlines() or [""])[0]
        return ProtectionState.BROKEN, f"not reachable: {type(error).__name__}: {said}"


def _data_sets(plug: Plug) -> StateAndReason:
    try:
        origins = plug.data_origins()
    except CourseError as error:
        return ProtectionState.BROKEN, str(error)
    told = ", ".join(f"{name}: {origin}" for name, origin in origins.items())
    remedy = " (`course data` fetches the real ones)" if "stand-in" in origins.values() else ""
    return ProtectionState.HOLDS, told + remedy
