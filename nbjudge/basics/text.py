"""Make text from a submission safe to show: without control characters, and of bounded length."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["as_terminal_shows", "clean_characters", "cut", "sort_key"]

#: Control characters, lone surrogates, private-use and special characters, and Unicode's line and
#: paragraph separators.
UNREADABLE_CHARACTERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ue000-\uf8ff\ufff9-\ufffb\ufffe\uffff]"
)
#: Bidirectional controls: they reorder text on the screen, so that code can look like other code.
REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: Escape sequences of a terminal: colours, cursor movements, titles.
ESCAPES = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|\x1b[@-Z\\\\^_]"
)

#: Base letters of those that Unicode does not decompose into a letter and an accent.
LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "þ": "th", "æ": "ae", "œ": "oe"}
)


def sort_key(text: str) -> tuple[tuple[tuple[int, int, str], ...], str, str]:
    """Return a sort key for names: word by word, and numbers by their value.

    Accents, capitals and punctuation only break ties, as in the Unicode collation algorithm. The
    locale of the machine makes no difference.

    >>> sorted(["Zorn", "Émile", "s10", "Eve", "s9", "o'Hara", "Ödön"], key=sort_key)
    ['Émile', 'Eve', 'Ödön', "o'Hara", 's9', 's10', 'Zorn']
    """
    if text.isascii():  # as most ids are
        folded = text.lower()
        base = folded.replace("'", "").replace("-", "")
    else:
        folded = unicodedata.normalize("NFKD", text.casefold()).translate(LETTERS)
        base = "".join(c for c in folded if not unicodedata.combining(c) and c not in "'’-")
    words = re.findall(r"[0-9]+|[^\W0-9_]+", base)
    order = tuple((0, int(word), "") if word.isdecimal() else (1, 0, word) for word in words)
    return order, folded, text


def clean_characters(text: str) -> str:
    r"""Return the text with a visible replacement for each character that would not show.

    >>> clean_characters("a\x07b\u202ec")
    'a�b[U+202E]c'
    """
    return REORDERING.sub(
        lambda found: f"[U+{ord(found[0]):04X}]", UNREADABLE_CHARACTERS.sub("�", text)
    )


def as_terminal_shows(text: str) -> str:
    r"""Return a program's output as a terminal would finally show it, without colours.

    >>> as_terminal_shows("\x1b[31mred\x1b[0m\n10 %\r100 %\n")
    'red\n100 %\n'
    """
    text = ESCAPES.sub("", text).replace("\r\n", "\n")
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return clean_characters("\n".join(lines))


def cut(text: str, most: int, *, keep_end: bool = False) -> str:
    r"""Cut a text to `most` characters, its first or last ones, and say how many are left out.

    >>> cut("one two three", 7)
    'one two\n… (6 more characters)'
    """
    if (left := len(text) - most) <= 0:
        return text
    if keep_end:
        return f"({left} characters before) …\n{text[-most:]}"
    return f"{text[:most]}\n… ({left} more characters)"
