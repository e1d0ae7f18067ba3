"""What docs/hand-in.md and docs/export.md say to type can be typed; their links lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbgrader.apps import NbGraderApp
from nbgrader.exchange.default import Exchange
from traitlets.utils.importstring import import_item
from typer.main import get_command

from nbjudge.cli.commands import app
from nbjudge.export import marks_files
from nbjudge.intake import platforms
from nbjudge.intake.unpack import CarefulExtractor
from nbjudge.term.deadlines import TermSettings
from nbjudge.term.late_policy import LatePolicy
from nbjudge.term.totals import Totals

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {name: (DOCS / name).read_text(encoding="utf-8") for name in ("hand-in.md", "export.md")}
COURSE = get_command(app).commands  # type: ignore[attr-defined]
TERM = (TermSettings, LatePolicy, Totals)
OURS = (*marks_files.plugins().values(), *platforms.COLLECTORS.values(), CarefulExtractor)


def typed(program: str) -> Iterator[list[str]]:
    """Yield what a program is given, wherever a page starts it."""
    for text in PAGES.values():
        for block in re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            for line in block.splitlines():
                if line.startswith(f"{program} "):
                    yield shlex.split(re.split(r" {3,}", line)[0])[1:]


@pytest.mark.parametrize("arguments", list(typed("course")), ids=" ".join)
def test_a_course_command_has_these_options(arguments: list[str]) -> None:
    COURSE[arguments[0]].make_context("typed", arguments[1:])


@pytest.mark.parametrize("arguments", list(typed("nbgrader")), ids=" ".join)
def test_an_nbgrader_command_has_these_options(arguments: list[str]) -> None:
    made = NbGraderApp()
    words = list(arguments)
    while words and words[0] in dict(made.subcommands):
        made = made.subcommands[words.pop(0)][0]()
    traits = {
        f"{each.__name__}.{name}"
        for each in (*made.classes, *OURS)
        for name in each.class_trait_names(config=True)
    }

    assert not isinstance(made, NbGraderApp)
    options = [word.removeprefix("--").partition("=")[0] for word in words if word[:2] == "--"]
    assert set(options) <= {*made.aliases, *made.flags, *traits}
    for word in words:
        option, _, value = word.partition("=")
        if option in ("--collector", "--exporter"):
            assert import_item(value) in OURS


@pytest.mark.parametrize("command", ["collect", "export"])
def test_every_option_is_told(command: str) -> None:
    options = [name for each in COURSE[command].params for name in each.opts if "--" in name]

    assert [name for name in options if all(name not in text for text in PAGES.values())] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_that_a_page_sets_is_one(name: str) -> None:
    classes = (*OURS, *TERM, *NbGraderApp().classes, Exchange)
    known = {
        each.__name__.removesuffix("Settings"): each.class_trait_names(config=True)
        for each in classes
    }
    settings = re.findall(r"`?\bc\.(\w+)\.(\w+)(?: =|`)", PAGES[name])

    assert settings
    assert [(owner, trait) for owner, trait in settings if trait not in known[owner]] == []


@pytest.mark.parametrize(
    ("page", "link"),
    [(page, link) for page in PAGES for link in re.findall(r"\]\((?!http)([^)]+)\)", PAGES[page])],
)
def test_a_link_leads_somewhere(page: str, link: str) -> None:
    path, _, anchor = link.partition("#")
    there = DOCS / (path or page)
    headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)

    assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}
