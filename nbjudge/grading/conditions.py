"""What the marks of a class depend on beside what was handed in: versions, limits, and the code."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute, LimitOutput
from traitlets.config import Config, Configurable

import nbjudge
from nbjudge.basics.settings import read_settings, traits_of
from nbjudge.course.cells import NotebookVersion
from nbjudge.course.course import Course
from nbjudge.course.plug import JUDGE, Plug, package_folder
from nbjudge.judge.plans import Plans, TestPlan
from nbjudge.sandbox.fitted_limits import derive_limits
from nbjudge.sandbox.limits import Limits

__all__ = ["GradingConditions", "course_limits", "grader_version", "limits_of", "unused_steps"]

#: What changes no mark: rooms that read marks, prove or show something, and the command.
NO_JUDGES = frozenset(
    {
        "cli",
        "desk",
        "export",
        "feedback",
        "mistakes",
        "pages",
        "proof",
        "release",
        "report",
        "similar",
    }
)


@functools.cache
def grader_version(packages: tuple[str, ...]) -> str:
    """Return a text that is another for any other code that can change a mark.

    Parameters
    ----------
    packages : tuple of str
        The course's own. What is no module of theirs, such as a known answer, changes no mark.
    """
    digest = hashlib.sha256()
    for package in (JUDGE, *packages):
        root = package_folder(package)
        for path in sorted(root.rglob("*.py")):
            name = path.relative_to(root)
            is_module = (path.parent / "__init__.py").exists()
            if is_module and not (package == JUDGE and name.parts[0] in NO_JUDGES):
                digest.update(f"{package}/{name.as_posix()}".encode() + b"\0" + path.read_bytes())
    return f"{nbjudge.__version__}+{digest.hexdigest()[:12]}"


@dataclass(frozen=True)
class GradingConditions:
    """What the marks of a whole class depend on, beside what was handed in.

    Parameters
    ----------
    versions : mapping of str to NotebookVersion
        By notebook.
    limits : Limits
    run_all : bool
    plans : mapping
        How tests are to be run, by notebook and the test's grade id: see `solution_proof`.
    plug : Plug
        What the course tells of itself.
    environment : mapping of str to str
        The variables that may change a mark, `Plug.variables`: the coordinator's hold, not those of
        a worker's shell.
    grader : str
        Of `grader_version`; by default this machine's.
    """

    versions: Mapping[str, NotebookVersion]
    limits: Limits
    run_all: bool
    plug: Plug
    plans: Mapping[str, Plans] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    grader: str = ""

    def __post_init__(self) -> None:
        # A frozen class's own way to fill in what follows from the rest.
        if not self.environment:
            object.__setattr__(self, "environment", self.plug.environment())
        if not self.grader:
            object.__setattr__(self, "grader", grader_version(self.plug.packages))

    def key(self, seed_parts: tuple[str, ...]) -> str:
        """Return a text that is another if anything else would be graded, or otherwise."""
        return hashlib.sha256(json.dumps([self._digest, seed_parts]).encode()).hexdigest()

    @functools.cached_property
    def _digest(self) -> str:
        digests = {name: version.digest for name, version in self.versions.items()}
        # Whether there has to be a sandbox changes no mark.
        limits = asdict(replace(self.limits, require_sandbox=False))
        plans = {
            name: {test: _what_judges(plan) for test, plan in sorted(tests.items())}
            for name, tests in self.plans.items()
        }
        content = [digests, limits, self.run_all, plans, dict(self.environment), self.grader]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _what_judges(plan: TestPlan) -> list[object]:
    """Return what of a plan changes marks: its reasons are words."""
    return [bool(plan.fault), bool(plan.inside), plan.allowed, plan.shares_generators]


class _Settings(Configurable):
    locals().update(traits_of(Limits))


_Settings.__name__ = "Judge"  # nbgrader's preprocessor has the same settings


def limits_of(settings: Configurable, timeout: int | None) -> Limits:
    """Return the limits that are set, or stand unless they are.

    Parameters
    ----------
    settings : Configurable
        With a trait for each.
    timeout : int or None
        `Execute.timeout`.
    """
    return Limits(
        cell_seconds=timeout or Limits.cell_seconds,
        fits_machine="memory_megabytes" not in settings.config.Judge,
        **read_settings(Limits, settings),
    )


def course_limits(
    course: Course, *, needed: Mapping[str, float] | None = None, require_sandbox: bool = False
) -> Limits:
    """Return the limits that a course's configuration sets, and for the rest those that follow.

    Parameters
    ----------
    course : Course
    needed : mapping of str to float, optional
        What the solution of the assignment needs: see `fitted_limits.needs`.
    require_sandbox : bool
        Whether to refuse where nothing confines a kernel, whatever the configuration says.
    """
    config = course.config()
    shortened = LimitOutput(config=config)
    set_ones = limits_of(_Settings(config=config), Execute(config=config).timeout)
    own = derive_limits(set_ones, needed or {}, fixed=config.Judge)
    return replace(
        own,
        require_sandbox=own.require_sandbox or require_sandbox,
        output_lines=shortened.max_lines,
        traceback_lines=shortened.max_traceback,
    )


def unused_steps(config: Config) -> list[str]:
    """Return the course's own parts of `nbgrader autograde`, which the judge's command has not.

    Parameters
    ----------
    config : Config
        The course's.

    Returns
    -------
    list of str
        The names of preprocessors, and of hooks, as the configuration has them.
    """
    converter = Autograde(coursedir=CourseDirectory(config=config), config=config)
    lists = ("sanitize_preprocessors", "autograde_preprocessors")
    usual = {_name_of_step(step) for name in lists for step in getattr(Autograde, name).default()}
    steps = [_name_of_step(step) for name in lists for step in getattr(converter, name)]
    theirs = ("nbgrader.", f"{JUDGE}.hooks.")
    own = [name for name in steps if name not in usual and not name.startswith(theirs)]
    hooks = ("pre_convert_hook", "post_convert_hook")
    return [*own, *(f"Autograde.{hook}" for hook in hooks if getattr(converter, hook))]


def _name_of_step(step: object) -> str:
    return step if isinstance(step, str) else f"{step.__module__}.{step.__qualname__}"  # type: ignore[attr-defined]
