"""Pages take time in proportion to what came in: whatever would take more is shown as text."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from nbjudge.pages import safe_html
from nbjudge.pages.safe_html import MOST_DEPTH, MOST_FORMULAS, Cleaner, depth

Show = Callable[[str], object]


def markdown(source: str) -> object:
    return Cleaner().markdown(source)


def html(source: str) -> object:
    return Cleaner().html(source)


@pytest.fixture
def parsers_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whoever comes to a parser fail."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(safe_html, "MarkdownWithMath", refuse)
    monkeypatch.setattr(safe_html.BLEACH, "clean", refuse)


@pytest.mark.usefixtures("parsers_closed")
@pytest.mark.parametrize("begin", ["\\\\(", "\\\\[", "$", "\\begin{a}"])
def test_formulas_without_an_end_are_not_looked_for(begin: str) -> None:
    shown = str(markdown(begin * (MOST_FORMULAS + 1)))

    assert shown.startswith("<pre")
    assert begin * 100 in shown


@pytest.mark.usefixtures("parsers_closed")
@pytest.mark.parametrize(
    "tower", ["<div>", "<pre>", "<b><i>", "<dd><b>", "<a><b></a>", "<div></i>"]
)
def test_towers_of_tags_are_not_parsed(tower: str) -> None:
    assert html(tower * (MOST_DEPTH + 1)) is None


def test_a_long_text_is_no_tower() -> None:
    long = "<table>" + "<tr><td>1<br></td><td><img src=''>2</td></tr>" * 500 + "</table>"

    assert depth(long) == 3
    assert html(long) is not None


def calls(show: Show, source: str) -> int:
    """Return how many calls of Python functions something takes, which is the same everywhere."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        show(source)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "piece",
    [
        *("> ", "- ", "1. ", "*a ", "**a*", "_a ", "[", "[a](", "![", "`", "$a ", "$$", "\\\\("),
        *("\\begin{a}", "|a\n|-\n", "<div>", "<!--", "<b><i>", "</p>", "&amp;", "[a]: b\n"),
        *("~~a", "```\n", "# a\n", "a\n=\n", "<a a='", "<b><p>", "<table><tr><td>", "<dd><b>"),
        *("<svg><g>", "<script></script", "<a><b></a>", "<li>", "<select>", "<nobr>", "\\"),
    ],
)
@pytest.mark.parametrize("show", [markdown, html])
def test_twice_as_much_takes_about_twice_the_steps(show: Show, piece: str) -> None:
    show(piece * 3)  # what is imported and compiled only once
    half, whole = (calls(show, piece * (size // len(piece))) for size in (1500, 3000))

    assert whole < 2.5 * half + 5000
