"""Generate the reference pages of the documentation from the code.

`docs/hooks.py` inserts them when the site is built, so that they are always up to date.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from traitlets import HasTraits, TraitType
from typer.main import get_command

from nbjudge.basics.settings import HELP
from nbjudge.cli.commands import app
from nbjudge.course.plug import PlugSettings
from nbjudge.desk.desk_policy import DeskSettings
from nbjudge.export import marks_files
from nbjudge.hooks.autograde import Judge
from nbjudge.intake import platforms
from nbjudge.intake.unpack import CarefulExtractor
from nbjudge.sandbox.limits import Limits
from nbjudge.term.deadlines import TermSettings
from nbjudge.term.late_policy import LatePolicy
from nbjudge.term.totals import Totals

__all__ = ["CONFIGURABLE", "commands", "limits", "settings", "traits"]

#: The classes of settings in `nbgrader_config.py`, in the order of the page.
CONFIGURABLE: tuple[type[HasTraits], ...] = (
    Judge,
    PlugSettings,
    TermSettings,
    LatePolicy,
    Totals,
    platforms.MoodleCollector,
    platforms.CanvasCollector,
    CarefulExtractor,
    DeskSettings,
    *marks_files.plugins().values(),
)

PARAMETER = re.compile(r"^(\w[\w, ]*) : .+\n((?:    .+\n?)+)", re.MULTILINE)


def commands() -> str:
    """Return a Markdown section for each command: what it does, its usage, its options."""
    course: Any = get_command(app)
    context = course.make_context("course", [], resilient_parsing=True)
    sections = [f"## course\n\n{_command(course, context)}"]
    for name, command in course.commands.items():
        full = f"course {name}"
        own = command.make_context(full, [], resilient_parsing=True, parent=context)
        sections.append(f"## {full}\n\n{_command(command, own)}")
    return "\n\n".join(sections)


def _command(command: Any, context: Any) -> str:
    usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    rows = [
        (f"`{called}`", told)
        for parameter in command.params
        if (record := parameter.get_help_record(context))
        for called, told in [record]
    ]
    parts = [command.help, f"```\n{usage}\n```"]
    if rows:
        parts.append(_markdown_table(("argument or option", "what it does"), rows))
    return "\n\n".join(parts)


def settings() -> str:
    """Return a Markdown section for each class of settings: each with its default and help."""
    return "\n\n".join(_class(configurable) for configurable in CONFIGURABLE)


def _class(configurable: type[HasTraits]) -> str:
    name = configurable.__name__
    rows = [
        (f"`{trait}`", f"`{found.default()!r}`", found.help)
        for trait, found in sorted(traits(configurable).items())
    ]
    about = inspect.getdoc(configurable) or ""
    table = _markdown_table((f"`c.{name}`", "unless set", "what it is"), rows)
    return f"## {name}\n\n{about}\n\n{table}"


def traits(configurable: type[HasTraits]) -> dict[str, TraitType[Any, Any]]:
    """Return the settings of a class by name, those of its bases in this package included."""
    return {
        name: found
        for kind in configurable.mro()
        if issubclass(kind, HasTraits) and kind.__module__.startswith("nbjudge.")
        for name, found in kind.class_own_traits(config=True).items()
    }


def limits() -> str:
    """Return a Markdown table of the fields of `Limits`."""
    rows = [(f"`{each.name}`", f"`{each.default}`", each.metadata[HELP]) for each in fields(Limits)]
    return _markdown_table(("field", "unless given", "what it is"), rows)


def _markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(_markdown_rows(headings, rows))


def _markdown_rows(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (headings, ["---"] * len(headings), *rows):
        cells = (" ".join(cell.split()).replace("|", "\\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
