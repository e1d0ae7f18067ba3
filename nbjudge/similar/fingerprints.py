"""Fingerprints of an answer: hashes of its token sequences, independent of names and layout.

An answer is never run, imported or parsed. A syntax highlighter's lexer splits it into tokens,
which works for code with errors, too.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pygments.lexers import PythonLexer  # type: ignore[import-untyped]
from pygments.token import Comment, Name, Number, String, Text  # type: ignore[import-untyped]

__all__ = ["MOST_READ", "AnswerKind", "Fingerprint", "passages", "read_answer"]

#: The most characters of an answer that are compared and shown.
MOST_READ = 10_000

Span = tuple[int, int]


class AnswerKind(StrEnum):
    """How an answer is read."""

    CODE = "code"
    WORDS = "words"


#: How many consecutive tokens, or words, make one fingerprint.
IN_A_ROW = {AnswerKind.CODE: 6, AnswerKind.WORDS: 5}

#: The tokens that replace each of the student's own names, and each string.
A_NAME, A_STRING = "a name", "a string"
CLOSING_BRACKETS = frozenset(")]}")
WORD_PATTERN = re.compile(r"\w+")


@dataclass(frozen=True)
class Fingerprint:
    """An answer with its fingerprints.

    Parameters
    ----------
    text : str
        The text that was read.
    whole : bool
        Whether that is the whole answer.
    spans : tuple of (int, int)
        Start and end of each token in the text.
    places : mapping of int to tuple of int
        The indices of the tokens at which each fingerprint begins.
    in_a_row : int
        How many tokens make a fingerprint.
    """

    text: str
    whole: bool
    spans: tuple[Span, ...]
    places: dict[int, tuple[int, ...]]
    in_a_row: int


def read_answer(text: str, kind: AnswerKind = AnswerKind.CODE) -> Fingerprint:
    """Return an answer with its fingerprints.

    They are valid in this process only, as Python's hashes of strings change with each process.

    Parameters
    ----------
    text : str
    kind : AnswerKind
        In code, comments, docstrings, layout and the student's own names are ignored; in words,
        capitals and punctuation.
    """
    read = text[:MOST_READ]
    found = list(_code_tokens(read) if kind is AnswerKind.CODE else _word_tokens(read))
    in_a_row = IN_A_ROW[kind]
    tokens = tuple(token for token, _ in found)
    # Keep all fingerprints. Winnowing would select some by their hashes, and therefore different
    # ones in each run.
    places: dict[int, list[int]] = defaultdict(list)
    for at in range(len(tokens) - in_a_row + 1):
        places[hash(tokens[at : at + in_a_row])].append(at)
    return Fingerprint(
        text=read,
        whole=read == text,
        spans=tuple(span for _, span in found),
        places={key: tuple(at) for key, at in places.items()},
        in_a_row=in_a_row,
    )


def passages(read: Fingerprint, shared: Iterable[int]) -> tuple[Span, ...]:
    """Return the spans of text that these fingerprints cover, with overlapping ones joined."""
    stretches: list[tuple[int, int]] = []
    for at in sorted(place for key in shared for place in read.places.get(key, ())):
        begin = stretches.pop()[0] if stretches and at < stretches[-1][1] else at
        stretches.append((begin, at + read.in_a_row))
    return tuple((read.spans[begin][0], read.spans[end - 1][1]) for begin, end in stretches)


def _word_tokens(text: str) -> Iterator[tuple[str, Span]]:
    for word in WORD_PATTERN.finditer(text):
        yield word[0].casefold(), word.span()


def _code_tokens(text: str) -> Iterator[tuple[str, Span]]:
    """Yield the tokens of Python code that matter for what it computes."""
    names = _Tokens()
    waiting: tuple[str, Span] | None = None  # a comma, which is dropped before a closing bracket
    before = ""
    for start, kind, value in PythonLexer().get_tokens_unprocessed(text):
        if kind in Comment or kind in Text or kind is String.Doc or value == ";":
            continue
        span = (start, start + len(value))
        token = names.token(kind, value)
        if token == before == A_STRING:  # the lexer splits a string into parts
            continue
        before = token
        if waiting and token not in CLOSING_BRACKETS:
            yield waiting
        waiting = (token, span) if token == "," else None
        if not waiting:
            yield token, span
    if waiting:
        yield waiting


class _Tokens:
    """Replaces the student's own names by `A_NAME`, and keeps names of libraries and built-ins."""

    def __init__(self) -> None:
        self._last: deque[str] = deque(["", "", ""], maxlen=3)
        self._has_class = False
        #: The names of the first parameters of methods.
        self._objects = {"self", "cls"}

    def token(self, kind: object, value: str) -> str:
        """Return the token to compare."""
        define, owner, before = self._last
        self._last.append(value)
        if kind in String:
            return A_STRING
        if kind in Number:
            return _number_token(value)
        self._has_class |= value == "class"
        if kind not in Name or kind in (Name.Builtin, Name.Exception, Name.Namespace):
            return value
        if self._has_class and define == "def" and before == "(":
            self._objects.add(value)
        # The name of an attribute usually belongs to a library, not to the student.
        return value if before == "." and owner not in self._objects else A_NAME


def _number_token(value: str) -> str:
    """Return a number in one spelling, as a float: "40.0" for 40, 40.0 and 4e1."""
    try:
        return str(float(value))
    except ValueError:
        return value
