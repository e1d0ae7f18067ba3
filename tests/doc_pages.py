"""The documentation as data: its pages, their blocks of code, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
)
FENCE = re.compile(
    r'^```(?P<language>\w*)(?: title="(?P<title>[^"]*)")?\n(?P<content>.*?)^```$',
    re.DOTALL | re.MULTILINE,
)
INLINE = re.compile(r"`([^`\n]+)`")
#: Programs whose command lines can be told from text, by their first word.
PROGRAMS = ("course", "nbgrader", "make", "pytest", "dask", "python", "jupyter", "mkdocs")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its title, what stands in it."""

    language: str
    title: str
    content: str


def blocks(text: str) -> list[Block]:
    """Return the blocks of a page, in order."""
    return [
        Block(found["language"], found["title"] or "", found["content"])
        for found in FENCE.finditer(text)
    ]


def typed(text: str) -> Iterator[list[str]]:
    """Yield the words of each command that a page tells to type, in a block or in a sentence."""
    for block in blocks(text):
        if block.language in ("", "bash", "sh"):
            for line in block.content.replace("\\\n", " ").splitlines():
                # What a command is for may stand behind it, or behind a #.
                yield from _command(re.split(r" {3,}| # ", line.strip())[0].removesuffix(" &"))
    for told in INLINE.findall(FENCE.sub("", text)):
        if " " in told:
            yield from _command(told)


def _command(line: str) -> Iterator[list[str]]:
    try:
        words = shlex.split(line)
    except ValueError:
        return
    while words and re.fullmatch(r"[A-Z_]+=.*|srun|nice|sudo", words[0]):  # what stands before it
        words = words[1:]
    if words and Path(words[0]).name in PROGRAMS:
        yield [Path(words[0]).name, *words[1:]]
