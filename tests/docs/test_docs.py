"""The documentation builds without a broken link, and what it tells people to type can be typed."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from classroom import answered, hand_in, released_course
from distributed.cli import dask_scheduler, dask_ssh, dask_worker
from doc_pages import PAGES, ROOT, blocks, typed
from mkdocs.__main__ import cli as mkdocs
from nbconvert.exporters import get_export_names
from nbconvert.nbconvertapp import NbConvertApp
from nbgrader.apps.nbgraderapp import NbGraderApp
from traitlets import HasTraits
from traitlets.config import Configurable
from typer.main import get_command
from typer.testing import CliRunner

import course_utils
import nbjudge
from nbjudge.cli import manual
from nbjudge.cli.commands import app
from nbjudge.course.course import Course
from nbjudge.sandbox.limits import Limits

GROUP: Any = get_command(app)
DASK = {"scheduler": dask_scheduler.main, "worker": dask_worker.main, "ssh": dask_ssh.main}
#: What is run by a test of its own, and where; the longest beginning of a command counts.
RUN_IN = {
    "course --": "nbjudge/cli/test_commands.py",
    "course autograde --help": "nbjudge/cli/test_commands.py",
    "course autograde --scheduler": "nbjudge/grading/test_workers.py",
    "course autograde warm_up": "docs/test_docs_exercise.py",
    "course check warm_up": "docs/test_docs_exercise.py",
    "course collect": "nbjudge/intake/test_hand_in.py",
    "course data": "nbjudge/cli/test_commands.py",
    "course demo": "nbjudge/cli/test_demo.py",
    "course desk": "nbjudge/cli/test_desk_command.py",
    "course doctor": "nbjudge/proof/test_doctor.py",
    "course export --student": "nbjudge/export/test_export.py",
    "course export --to canvas --roster": "nbjudge/export/test_export.py",
    "course export --to moodle --roster": "nbjudge/export/test_export.py",
    "course feedback warm_up": "docs/test_docs_exercise.py",
    "course formgrader": "nbjudge/hooks/test_formgrader_browser.py",
    "course autograde ps1": "docs/test_docs_any_course.py",
    "course feedback ps1": "docs/test_docs_any_course.py",
    "course init": "nbjudge/cli/test_first_course.py",
    "course mistakes ps1": "docs/test_docs_any_course.py",
    "course release ps1": "docs/test_docs_any_course.py",
    "course report ps1": "docs/test_docs_any_course.py",
    "course mistakes optimisers --name": "nbjudge/mistakes/test_course_mistakes.py",
    "course new": "docs/test_docs_exercise.py",
    "course release warm_up": "docs/test_docs_exercise.py",
    "course roster": "nbjudge/cli/test_term_commands.py",
    "course deadline": "nbjudge/cli/test_term_commands.py",
    "course extend": "nbjudge/cli/test_term_commands.py",
    "course totals": "nbjudge/cli/test_term_commands.py",
    "course similar optimisers --against": "nbjudge/similar/test_similar.py",
    "nbgrader collect": "nbjudge/hooks/test_exchange.py",
    "nbgrader db": "nbjudge/hooks/test_exchange.py",
    "nbgrader export --exporter": "nbjudge/export/test_export.py",
    "nbgrader fetch_assignment": "nbjudge/hooks/test_exchange.py",
    "nbgrader fetch_feedback": "nbjudge/hooks/test_exchange.py",
    "nbgrader quickstart": "docs/test_docs_any_course.py",
    "nbgrader release_assignment": "nbjudge/hooks/test_exchange.py",
    "nbgrader release_feedback": "nbjudge/feedback/test_feedback.py",
    "nbgrader submit": "nbjudge/hooks/test_exchange.py",
    "nbgrader validate": "course_utils/test_partial.py",
    "nbgrader zip_collect": "nbjudge/intake/test_platforms.py",
}


def told() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each command of the documentation once, with a page that tells it."""
    seen = set()
    for page in PAGES:
        for words in typed(page.read_text(encoding="utf-8")):
            # "[ASSIGNMENT]" may be left out, "[--check]" be said.
            command = tuple(w.strip("[]") for w in words if not re.fullmatch(r"\[[A-Z]+\]", w))
            if command not in seen:
                seen.add(command)
                yield page.name, command


TOLD = list(told())
each = pytest.mark.parametrize(
    "command", [words for _, words in TOLD], ids=[f"{page}: {' '.join(c)}" for page, c in TOLD]
)


@each
def test_a_command_can_be_typed(command: tuple[str, ...]) -> None:
    program, *words = command
    understand = {
        "course": a_course_command,
        "dask": lambda name, *rest: DASK[name].make_context("dask", list(rest)),
        "jupyter": a_jupyter_command,
        "make": a_target,
        "mkdocs": lambda name, *rest: mkdocs.commands[name].make_context("mkdocs", list(rest)),
        "nbgrader": an_nbgrader_command,
        "pytest": tests_that_there_are,
        "python": a_python_program,
    }[program]
    understand(*words)


def a_course_command(*words: str) -> None:
    if words[0] == "--course":
        words = words[2:]
    if words[0] == "--help":
        return
    command = GROUP.commands[words[0]]
    arguments = [word for word in words[1:] if word != "--help"]
    # A command that is only named in a sentence is told without what it must be given.
    command.make_context(words[0], arguments, resilient_parsing=not arguments)


def an_nbgrader_command(*words: str) -> None:
    application, rest = NbGraderApp(), list(words)
    while rest and rest[0] in application.subcommands:
        application = application.subcommands[rest.pop(0)][0]()
    assert len(rest) < len(words)
    traits = {
        f"{kind.__name__}.{trait}"
        for listed in (*application.classes, *manual.CONFIGURABLE)
        for kind in (listed, *(p for p in listed.mro() if issubclass(p, Configurable)))
        for trait in kind.class_traits(config=True)
    }
    known = {*application.flags, *application.aliases, *traits}
    for word in rest:
        if word.startswith("--"):
            assert word.removeprefix("--").partition("=")[0] in known, word


def a_target(*words: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in words:
        if "=" not in word:
            assert re.search(rf"^{word}:.*## ", makefile, re.MULTILINE), word


def a_jupyter_command(name: str, *paths: str) -> None:
    if (name, *paths) == ("server", "password"):
        return
    if name == "nbconvert":
        converter = NbConvertApp()
        converter.parse_command_line(list(paths))
        assert converter.export_format in get_export_names()
        assert [path for name in converter.extra_args for path in ROOT.glob(f"source/*/{name}")]
        return
    assert name in ("lab", "server", "server-extension", "labextension")
    assert all((ROOT / path).exists() for path in paths if not path.startswith("-"))


def a_python_program(*words: str) -> None:
    match words:
        case ["-m", module, *_]:
            assert importlib.util.find_spec(module) is not None
        case [*_, "-c", code]:
            compile(code, "typed", "exec")
        case [path, *options]:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert all(f'"{option}"' in text for option in options if option.startswith("--"))


def tests_that_there_are(*words: str) -> None:
    shown = {b.title for page in PAGES for b in blocks(page.read_text(encoding="utf-8"))}
    for word in words:
        if word.endswith(".py"):
            assert (ROOT / word).is_file() or word in shown, word


def runnable() -> Iterator[tuple[str, ...]]:
    """Yield the commands that nothing else runs, as they are told of a small course."""
    for _, command in TOLD:
        line = " ".join(command)
        elsewhere = [place for start, place in RUN_IN.items() if line.startswith(start)]
        if command[0] in ("course", "nbgrader") and not elsewhere:
            yield tuple("sums" if word == "optimisers" else word for word in command)


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = released_course(tmp_path_factory.mktemp("docs") / "course")
    hand_in(course, "ada", answered(course))
    hand_in(course, "bob", answered(course, ex_1_1_1="def total(numbers):\n    return 0\n"))
    CliRunner().invoke(app, ["--course", str(course.root), "autograde"])
    return course


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.parametrize("command", list(runnable()), ids=" ".join)
def test_a_command_does_its_work_in_a_small_course(
    classroom: Course, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(classroom.root)
    program, *words = command
    if program == "course":
        done = CliRunner().invoke(app, words)
        assert (done.exit_code, done.exception) == (0, None), done.output
        return
    if len(words) == 1 and program == "nbgrader" and words[0] != "export":
        words.append("sums")  # of a command that is only named
    run = subprocess.run(
        [sys.executable, "-m", "nbgrader", *words],
        env={**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("place", sorted(set(RUN_IN.values())))
def test_what_is_run_elsewhere_is_run_there(place: str) -> None:
    text = (Path(__file__).parents[1] / place).read_text(encoding="utf-8")

    for start, where in RUN_IN.items():
        if where == place and place != "docs/test_docs_exercise.py":
            assert start.split()[1].strip("-") in text


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the documentation; whatever MkDocs warns of ends it."""
    folder = tmp_path_factory.mktemp("site")
    command = ["-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_the_site_holds_every_page_and_the_two_beside_them(site: Path) -> None:
    built = {path.stem for path in site.glob("*.html")}

    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert built == pages | {"404", "changelog", "contributing"}
    assert not list(site.glob("**/*.py"))


def test_the_site_tells_every_command_option_and_setting(site: Path) -> None:
    commands = (site / "commands.html").read_text(encoding="utf-8")
    settings = (site / "settings.html").read_text(encoding="utf-8")

    for name, command in GROUP.commands.items():
        assert f'id="course-{name}"' in commands
        options = [option for p in command.params for option in p.opts if option.startswith("--")]
        assert all(f">{option}" in commands for option in options)
    for trait in manual.CONFIGURABLE[0].class_own_traits(config=True):
        assert f"<code>{trait}</code>" in settings
    for field in Limits.__dataclass_fields__:
        assert f"<code>{field}</code>" in settings


def test_every_class_of_settings_is_told() -> None:
    for package in (course_utils, nbjudge):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not re.search(r"\.(mistakes|styles|__main__)", found.name):
                importlib.import_module(found.name)

    waiting: list[type[Any]] = [HasTraits]
    ours = set()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        is_public = not kind.__qualname__.startswith("_")
        is_ours = kind.__module__.startswith(("course_utils.", "nbjudge."))
        if is_ours and is_public and manual.traits(kind):
            ours.add(kind)
    assert ours == set(manual.CONFIGURABLE)


def test_every_variable_that_the_course_reads_is_told() -> None:
    told = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")

    read = set()
    packages = (ROOT / "course_utils", ROOT / "nbjudge")
    files = (path for package in packages for path in package.rglob("*.py"))
    for path in (*files, ROOT / "nbgrader_config.py"):
        read |= set(re.findall(r"COURSE_[A-Z_]+", path.read_text(encoding="utf-8")))
    assert set(re.findall(r"`(COURSE_[A-Z_]+)`", told)) == read


def test_a_link_leads_to_the_page_where_the_site_has_it(site: Path) -> None:
    contributing = (site / "contributing.html").read_text(encoding="utf-8")
    exercise = (site / "add-an-exercise.html").read_text(encoding="utf-8")

    assert 'href="how-grading-works.html"' in contributing
    assert 'href="contributing.html#edit-a-notebook"' in exercise


class Scrollable(HTMLParser):
    """Collects the tables and blocks of code of a page: the names, and the attributes, of each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self._is_block = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table" or (tag == "code" and self._is_block):
            self.found.append((tag, dict(attrs)))
        self._is_block |= tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self._is_block &= tag != "pre"


def test_the_keyboard_reaches_what_scrolls_without_any_script(site: Path) -> None:
    found = {
        page.stem: Scrollable(page.read_text(encoding="utf-8")).found
        for page in site.glob("*.html")
    }

    assert {"table", "code"} == {tag for all_of_one in found.values() for tag, _ in all_of_one}
    assert {
        page: tag
        for page, all_of_one in found.items()
        for tag, attributes in all_of_one
        if attributes.get("tabindex") != "0"
    } == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_somewhere_on_a_code_host(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    links = re.findall(r"\]\((?![a-z]+:|#)([^)\s#]+)", re.sub(r"```.*?```", "", text, flags=re.S))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize(
    "page",
    [*(page for page in PAGES if page.name != "README.md"), ROOT / "CHANGELOG.md"],
    ids=lambda page: page.name,
)
def test_a_page_begins_with_who_it_is_for_and_what_comes_of_reading_it(page: Path) -> None:
    title, nothing, purpose = page.read_text(encoding="utf-8").splitlines()[:3]

    assert title.startswith("# ")
    assert nothing == ""
    assert re.fullmatch(r"\*For .+\. .+\*", purpose), purpose


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_shell_understands_what_is_told(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language == "bash":
            subprocess.run(["bash", "-n"], input=block.content, text=True, check=True)


def test_commands_are_found_in_blocks_and_sentences() -> None:
    page = "Say `make test`, or `FOO=1 pytest -q`:\n\n```\ncourse check   both\nls -l\n```\n"

    assert list(typed(page)) == [["course", "check"], ["make", "test"], ["pytest", "-q"]]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 0), (["--course", "/", "check"], 1), (["no-such"], 2), (["check", "--no"], 2)],
)
def test_exit_codes_are_those_of_the_page(arguments: list[str], code: int) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == code
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert f"\n| {code} | " in page
