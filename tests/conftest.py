"""What all tests have in common: no network, no setting of the shell that would change them.

And a small course, and one browser for those that look at pages as a person does.
"""

import atexit
import os
import shutil
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbgrader.api
import pytest
from sqlalchemy import Dialect, Engine

#: nbgrader asks `alembic` by name for the newest layout, for every new gradebook. Its answer is a
#: second's work and always the same: only the first who asks waits for it.
ASKED_ONCE = """\
#!/bin/sh
case "$*" in
  *" heads")
    here=$(dirname "$0")
    [ -e "$here/heads" ] || { "{alembic}" "$@" > "$here/$$" && mv "$here/$$" "$here/heads"; } \\
      && cat "$here/heads" ;;
  *) exec "{alembic}" "$@" ;;
esac
"""


def _answering_once() -> str:
    """Return a folder with an `alembic` that remembers what the real one said."""
    folder = Path(tempfile.mkdtemp(prefix="alembic-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    real = str(Path(sysconfig.get_path("scripts"), "alembic"))
    program = folder / "alembic"
    program.write_text(ASKED_ONCE.replace("{alembic}", real), encoding="utf-8")
    program.chmod(0o755)
    return str(folder)


# It is found also where no environment is activated.
os.environ["PATH"] = os.pathsep.join(
    [_answering_once(), sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)]
)


def _compiling_once(create: Callable[..., Engine]) -> Callable[..., Engine]:
    """Return what makes engines that share the text of their statements.

    A gradebook is opened for each look at it, a thousand times here, and would compile every
    statement anew. Files, connections and transactions stay each engine's own.
    """
    dialects: dict[str, Dialect] = {}
    compiled: dict[Any, Any] = {}

    def create_engine(*arguments: Any, **options: Any) -> Engine:
        engine = create(*arguments, **options)
        engine.dialect = dialects.setdefault(engine.driver, engine.dialect)
        engine.update_execution_options(compiled_cache=compiled)
        return engine

    return create_engine


nbgrader.api.create_engine = _compiling_once(nbgrader.api.create_engine)

# Read by the tests' own processes and by every kernel that they start.
os.environ["COURSE_OFFLINE"] = "1"
for name in (
    *("COURSE_QUICK", "MPLBACKEND", "NBGRADER_EXECUTION"),
    *("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"),  # by which Rich sees a terminal
):
    os.environ.pop(name, None)
# Tests run side by side: further threads of each would only wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
if folder := os.environ.get("COURSE_DATA_DIR"):
    os.environ["COURSE_DATA_DIR"] = str(Path(folder).resolve())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Iterator[None]:
    """Tell of a test that fails in a browser where it was, and what its server had said."""
    report = (yield).get_result()
    page = getattr(item, "funcargs", {}).get("page")
    if not (report.when == "call" and report.failed and hasattr(page, "url")):
        return
    ours = [entry for entry in call.excinfo.traceback if Path(entry.path) == item.path]
    lines = ", ".join(str(entry.lineno + 1) for entry in ours)
    told = [f"{name}: {value}" for name, value in item.user_properties]
    told += [f"page: {page.url}", f"lines of {item.path.name}: {lines}"]
    if (log := getattr(item.funcargs.get("server"), "log", None)) is not None:
        told += ["server:", *log.read_text(encoding="utf-8").splitlines()[-20:]]
    report.sections.append(("In the browser", "\n".join(told)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files of slow tests: everybody would wait for who gets one of them last."""
    slow = {item for item in items for name in ("slow", "browser") if item.get_closest_marker(name)}
    every, slow_ones = (Counter(item.path for item in some) for some in (items, slow))
    items.sort(key=lambda item: -slow_ones[item.path] / every[item.path])


@pytest.fixture(scope="module")
def new_course(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a small course (`Course`) whose assignment is released, to be copied by `course`."""
    from classroom import released_course  # most tests need nothing of nbgrader's

    return released_course(tmp_path_factory.mktemp("new") / "course")


@pytest.fixture
def course(new_course: Any, tmp_path: Path) -> Any:
    """Return a copy of that course for one test."""
    shutil.copytree(new_course.root, tmp_path / "course")
    return type(new_course)(tmp_path / "course")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Yield Debian's Chromium, driven by Playwright."""
    with _chromium() as started:
        yield started


@pytest.fixture
def strict_browser() -> Iterator[Any]:
    """Yield one that keeps no cookies of another site within a page, as most do by now."""
    with _chromium("--test-third-party-cookie-phaseout") as started:
        yield started


@contextmanager
def _chromium(*options: str) -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: pip install playwright"
    )
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no browser to look at pages with: apt-get install chromium")
    # Chromium's own sandbox does not start for root, as in most containers.
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as run:
        started = run.chromium.launch(executable_path=program, args=[*as_root, *options])
        yield started
        started.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """Return the script of the npm package `axe-core`, which checks accessibility."""
    folder = Path(sys.prefix, "node_modules", "axe-core", "axe.min.js")
    path = Path(os.environ.get("COURSE_AXE", folder))
    if not path.is_file():
        command = f"npm install --no-save --prefix {sys.prefix} axe-core"
        pytest.skip(f"no axe-core to check accessibility with: {command}")
    return path.read_text(encoding="utf-8")
