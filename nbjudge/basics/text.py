"""Text of a submission, made fit to be read: no control characters, no end without limit."""

from __future__ import annotations

import re

__all__ = ["as_terminal_shows", "clean_characters", "cut"]

#: Controls, halves of surrogate pairs, characters of nobody's alphabet, and line ends of no editor.
UNREADABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ue000-\uf8ff\ufff9-\ufffb\ufffe\uffff]"
)
#: They make text be read in another order than it stands: code that looks like other code.
REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: What a terminal takes for colours, moves and titles.
ESCAPES = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|\x1b[@-Z\\\\^_]"
)


def clean_characters(text: str) -> str:
    r"""Return a text whose characters all show what they are.

    >>> clean_characters("a\x07b\u202ec")
    'a�b[U+202E]c'
    """
    return REORDERING.sub(lambda found: f"[U+{ord(found[0]):04X}]", UNREADABLE.sub("�", text))


def as_terminal_shows(text: str) -> str:
    r"""Return what is left of a program's output on a terminal, without colours.

    >>> as_terminal_shows("\x1b[31mred\x1b[0m\n10 %\r100 %\n")
    'red\n100 %\n'
    """
    text = ESCAPES.sub("", text).replace("\r\n", "\n")
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return clean_characters("\n".join(lines))


def cut(text: str, most: int, *, keep_end: bool = False) -> str:
    r"""Return the beginning of a text, or its end, and say how much is left out.

    >>> cut("one two three", 7)
    'one two\n… (6 more characters)'
    """
    if (left := len(text) - most) <= 0:
        return text
    if keep_end:
        return f"({left} characters before) …\n{text[-most:]}"
    return f"{text[:most]}\n… ({left} more characters)"
