"""What the marks of a class depend on, besides the submissions: versions, limits and code."""

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

#: Rooms whose code changes no mark: they read marks, prove or show something, or are the command.
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
    """Return the version and a hash of all code that can change a mark.

    Parameters
    ----------
    packages : tuple of str
        The course's own packages. Only their modules count: a file of known answers, for instance,
        changes no mark.
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
    """What the marks of a whole class depend on, besides the submissions.

    Parameters
    ----------
    versions : mapping of str to NotebookVersion
        By notebook.
    limits : Limits
    run_all : bool
    plans : mapping
        How to run the tests, by notebook and the test's grade_id: see `solution_proof`.
    plug : Plug
        The course's configuration.
    environment : mapping of str to str
        The environment variables that may change a mark: those of `Plug.variables`. Workers use
        these values of the coordinator, not those of their own shell.
    grader : str
        What `grader_version` returns; by default on this machine.
    """

    versions: Mapping[str, NotebookVersion]
    limits: Limits
    run_all: bool
    plug: Plug
    plans: Mapping[str, Plans] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    grader: str = ""

    def __post_init__(self) -> None:
        # A frozen dataclass can set its own fields only in this way.
        if not self.environment:
            object.__setattr__(self, "environment", self.plug.environment())
        if not self.grader:
            object.__setattr__(self, "grader", grader_version(self.plug.packages))

    def key(self, seed_parts: tuple[str, ...]) -> str:
        """Return a hash of these conditions and a submission's seed parts."""
        return hashlib.sha256(json.dumps([self._digest, seed_parts]).encode()).hexdigest()

    @functools.cached_property
    def _digest(self) -> str:
        digests = {name: version.digest for name, version in self.versions.items()}
        # `require_sandbox` changes no mark.
        limits = asdict(replace(self.limits, require_sandbox=False))
        plans = {
            name: {test: _what_judges(plan) for test, plan in sorted(tests.items())}
            for name, tests in self.plans.items()
        }
        content = [digests, limits, self.run_all, plans, dict(self.environment), self.grader]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _what_judges(plan: TestPlan) -> list[object]:
    """Return the parts of a plan that can change marks, which the wording of reasons cannot."""
    return [bool(plan.fault), bool(plan.inside), plan.allowed, plan.shares_generators]


class _Settings(Configurable):
    locals().update(traits_of(Limits))


_Settings.__name__ = "Judge"  # nbgrader's preprocessor has the same settings


def limits_of(settings: Configurable, timeout: int | None) -> Limits:
    """Return the limits that a configurable holds: set ones, and defaults.

    Parameters
    ----------
    settings : Configurable
        With a trait for each setting of `Limits`.
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
    """Return the limits that a course's configuration sets, and those that its solution needs.

    Parameters
    ----------
    course : Course
    needed : mapping of str to float, optional
        What the solution of the assignment needs: see `fitted_limits.needs`.
    require_sandbox : bool
        Whether to refuse to grade without a sandbox, even if the configuration allows it.
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
    """Return the course's own steps of `nbgrader autograde`, which `course autograde` does not run.

    Parameters
    ----------
    config : Config
        The course's configuration.

    Returns
    -------
    list of str
        The names of preprocessors and hooks, as written in the configuration.
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
