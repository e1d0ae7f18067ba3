"""Check that no function or class in a release is already an answer to one of its exercises.

Every callable in the students' modules, and in the cells that are not answers, is put through each
exercise's test in the place of the answer. Results are cached for as long as the code is the same.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import hashlib
import io
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from nbformat import NotebookNode
from nbgrader.utils import is_solution
from platformdirs import user_cache_path

from nbjudge import seeds
from nbjudge.course.cells import exercise_number, is_test
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError, ReleaseError
from nbjudge.grading.conditions import grader_version
from nbjudge.judge.judge import Test, judge
from nbjudge.release import source
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel
from nbjudge.stand_ins.names import free_names

__all__ = ["Giveaway", "giveaways"]

FUTURE = "__future__"
#: Seconds for one callable in one test, and for one statement of a cell.
SECONDS_FOR_GUESS = 10
#: The statements that define names at the top level; only these are run.
DEFINITIONS = (
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef),
    *(ast.AsyncFunctionDef, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Try, ast.If),
)


@dataclass(frozen=True)
class _Examination:
    """A test that examines a single name of an answer, and that name."""

    exercise: str
    symbol: str
    source: str
    points: float


@dataclass(frozen=True)
class _Given:
    """A file that students get: a module, or a notebook's cells that are not answers."""

    name: str
    texts: tuple[str, ...]

    @property
    def module(self) -> str:
        """The name of the module in Python."""
        path = Path(self.name)
        return ".".join(path.with_suffix("").parts) if path.suffix == ".py" else "__main__"


@dataclass(frozen=True)
class Giveaway:
    """A callable that students get, and that wins points as an answer.

    Parameters
    ----------
    name : str
        The name of the callable, and its file.
    exercise : str
    stands_open : bool
        Whether it is visible in a notebook, in a cell that is not an answer.
    """

    name: str
    exercise: str
    stands_open: bool

    @property
    def told(self) -> str:
        """The sentence for a refusal."""
        return (
            f"{self.name} is an answer to {self.exercise}, and students can use it: keep it in a "
            "folder of the package, which stays with the course"
        )

    @property
    def advice(self) -> str:
        """The sentence for advice, in case the instructor shows it on purpose."""
        return (
            f"{self.name} wins points as an answer to {self.exercise}, and students see it: let "
            "the test ask for more, or leave it if it is meant so"
        )


def giveaways(folder: Path, sources: Mapping[str, NotebookNode], plug: Plug) -> list[Giveaway]:
    """Return the callables in a release that win points in the place of an answer.

    Parameters
    ----------
    folder : Path
        A released assignment.
    sources : mapping of str to NotebookNode
        The instructor's notebooks, by file name.
    plug : Plug
        It names the packages that students get, and the probes that tests call.

    Returns
    -------
    list of Giveaway
        One for each exercise and callable. Tests that examine several names at once are not tried,
        nor are objects that a function returns.

    Raises
    ------
    ReleaseError
        If a callable ended the process that tried it.
    """
    tests = [test for notebook in sources.values() for test in _examinations(notebook)]
    found: list[Giveaway] = []
    with (
        TemporaryDirectory(prefix="nbjudge-giveaways-") as within,
        ProcessPoolExecutor(
            1, get_context("spawn"), initializer=_prepare_guessing, initargs=(plug, within)
        ) as pool,
    ):
        for given in _given_files(folder, plug.all_packages):
            places = {test: _record_of(given, test, plug) for test in tests}
            known = {test: _recall(places[test]) for test in tests}
            if unknown := [test for test in tests if known[test] is None]:
                try:
                    tried = pool.submit(_winners, given, unknown, plug.probes).result()
                except BrokenProcessPool as error:
                    message = (
                        f"Something in {given.name} ended the process that tried whether it is an "
                        "answer. Take out what ends processes, then release again."
                    )
                    raise ReleaseError(message) from error
                for test, winners in zip(unknown, tried, strict=True):
                    _keep_winners(places[test], winners)
                    known[test] = winners
            found += [
                Giveaway(name, test.exercise, given.name.endswith(".ipynb"))
                for test, winners in known.items()
                for name in winners or ()
            ]
    return found


def _given_files(folder: Path, packages: Iterable[str]) -> Iterator[_Given]:
    for package in packages:
        for path in sorted((folder / package).glob("*.py")):
            text = path.read_text(encoding="utf-8", errors="replace")
            yield _Given(f"{package}/{path.name}", (text,))
    for path in sorted(folder.rglob("*.py")):  # the assignment's own modules
        name = path.relative_to(folder)
        if name.parts[0] not in packages:
            text = path.read_text(encoding="utf-8", errors="replace")
            yield _Given(name.as_posix(), (text,))
    for path in sorted(folder.glob("*.ipynb")):
        code = (cell for cell in source.read_source(path).cells if cell.cell_type == "code")
        yield _Given(path.name, tuple(cell.source for cell in code if not is_solution(cell)))


def _examinations(notebook: NotebookNode) -> Iterator[_Examination]:
    """Yield the tests of a notebook that examine a single name."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    answers: set[str] = set()
    for cell in filter(is_solution, code):
        with contextlib.suppress(SyntaxError):  # `verify` reports it
            answers |= source.definitions(source.solution(cell)).keys()
    for cell in filter(is_test, code):
        try:
            symbols = answers & set(free_names(cell.source))
        except SyntaxError:
            continue
        if len(symbols) == 1:
            number = exercise_number(source.grade_id(cell) or cell.id)
            points = float(cell.metadata.nbgrader.points)
            yield _Examination(number, symbols.pop(), cell.source, points)


# The cache of results.


def _record_of(given: _Given, test: _Examination, plug: Plug) -> Path:
    own = Path(__file__).read_text(encoding="utf-8")
    content = [grader_version(plug.packages), own, asdict(given), asdict(test)]
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    return user_cache_path("nbjudge") / "giveaways" / f"{key.hexdigest()}.json"


def _recall(place: Path) -> list[str] | None:
    try:
        found = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return None
    valid = isinstance(found, list) and all(isinstance(name, str) for name in found)
    return found if valid else None


def _keep_winners(place: Path, winners: list[str]) -> None:
    with contextlib.suppress(OSError):  # the cache is only for speed
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(winners), encoding="utf-8")
        new.replace(place)


# What follows runs in a process of its own, since the callables may change anything in it.


def _prepare_guessing(plug: Plug, within: str) -> None:
    os.chdir(within)  # tests may write files
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ |= {**dict.fromkeys(plug.offline, "1"), "MPLBACKEND": "Agg"}
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _stop)


def _stop(*_: object) -> None:
    raise TimeoutError(f"longer than {SECONDS_FOR_GUESS} s")


@contextlib.contextmanager
def _limit_time() -> Iterator[None]:
    """Suppress output in the block and, on systems with SIGALRM, stop it if it runs too long."""
    has_alarm = hasattr(signal, "SIGALRM")
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        if has_alarm:
            signal.alarm(SECONDS_FOR_GUESS)
        try:
            yield
        finally:
            if has_alarm:
                signal.alarm(0)


def _winners(given: _Given, tests: Collection[_Examination], probes: str) -> list[list[str]]:
    """Return for each test the names of the callables that win points in it."""
    label = f"({given.name})"
    tried: dict[int, tuple[str, Any]] = {}
    for name, value in _callables(_namespace(given), given.module):
        tried.setdefault(id(value), (f"`{name}` {label}", value))
    # Skip tests that anything passes; the trial of the release reports those.
    telling = [
        not any(_wins(test, value, probes) for value in (_any_value, _stand_in)) for test in tests
    ]
    return [
        [name for name, value in tried.values() if tells and _wins(test, value, probes)]
        for test, tells in zip(tests, telling, strict=True)
    ]


def _any_value(*_: Any, **__: Any) -> None:
    """Act as a callable that answers nothing."""


def _stand_in(*_: Any, **__: Any) -> None:
    """Act as a callable with other arguments than the answer, like most callables."""
    raise TypeError


def _namespace(given: _Given) -> dict[str, Any]:
    """Run a file's definitions; those that fail, perhaps for lack of an answer, are skipped."""
    # A data class looks its module up in `sys.modules`.
    module = ModuleType(given.module)
    there = sys.modules.setdefault(given.module, module)
    for code in given.texts:
        with contextlib.suppress(SyntaxError, ValueError):
            for statement in source.parse(code).body:
                is_future = isinstance(statement, ast.ImportFrom) and statement.module == FUTURE
                if isinstance(statement, DEFINITIONS) and not is_future:
                    tree = ast.Module([statement], type_ignores=[])
                    flags = __future__.annotations.compiler_flag
                    compiled = compile(tree, f"<{given.name}>", "exec", flags, dont_inherit=True)
                    with _limit_time(), contextlib.suppress(Exception):
                        exec(compiled, vars(module))
    if there is module:
        del sys.modules[given.module]
    return vars(module)


def _callables(namespace: Mapping[str, Any], module: str) -> Iterator[tuple[str, Any]]:
    """Yield the callables of a namespace with their names: methods too, bound and unbound."""
    for name, value in list(namespace.items()):
        if name.startswith("__") or isinstance(value, ModuleType):
            continue
        # Skip objects of other modules: they are tried with their own module, or not ours to check.
        if hasattr(value, "__qualname__") and getattr(value, "__module__", None) != module:
            continue
        if callable(value):
            yield name, value
        if isinstance(value, type):
            made = _make(value)
            for method in list(vars(value)):
                if method.startswith("__"):
                    continue
                for owner, label in ((value, name), (made, f"{name}()")):
                    found = _get_attribute(owner, method)
                    if callable(found):
                        yield f"{label}.{method}", found


def _make(kind: type) -> Any:
    with _limit_time(), contextlib.suppress(Exception):
        return kind()
    return None


def _get_attribute(owner: Any, name: str) -> Any:
    with contextlib.suppress(Exception):
        return getattr(owner, name)
    return None


def _wins(test: _Examination, value: Callable[..., Any], probes: str) -> bool:
    """Return whether a callable wins any points in a test, when judged like a student's answer."""
    from nbjudge.kernel.service import Service

    service = Service({test.symbol: value}, probes=probes)
    line = KernelChannel(lambda request, _: service.answer(request), Limits())
    with (
        seeds.seed_within("a release"),
        _limit_time(),
        contextlib.suppress(TimeoutError, CourseError),
    ):
        verdict = judge(Test(test.exercise, test.source, test.points), line)
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            pyplot.close("all")
        return verdict.mark > 0 and not verdict.fault
    return False
