"""What of an answer is compared: its tokens in their order, whatever it is called and how it looks.

Nothing here runs, imports or parses an answer: it is read as far as a highlighter reads it, so that
code with errors in it is read, too.
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

#: Of one answer: what is longer is compared, and shown, as far as this.
MOST_READ = 10_000

Span = tuple[int, int]


class AnswerKind(StrEnum):
    """How an answer is read."""

    CODE = "code"
    WORDS = "words"


#: Tokens, or words, in a row that make one fingerprint: what is shorter tells nothing.
IN_A_ROW = {AnswerKind.CODE: 6, AnswerKind.WORDS: 5}

#: Stands for each name of the student's own, so that renaming changes nothing.
A_NAME, A_STRING = "a name", "a string"
CLOSING_BRACKETS = frozenset(")]}")
WORD_PATTERN = re.compile(r"\w+")


@dataclass(frozen=True)
class Fingerprint:
    """An answer as it is compared.

    Parameters
    ----------
    text : str
        What was read of it.
    whole : bool
        Whether that is all.
    spans : tuple of (int, int)
        Where in the text each token stands.
    places : mapping of int to tuple of int
        The fingerprints, each with the tokens at which it begins.
    in_a_row : int
        How many tokens make a fingerprint.
    """

    text: str
    whole: bool
    spans: tuple[Span, ...]
    places: dict[int, tuple[int, ...]]
    in_a_row: int


def read_answer(text: str, kind: AnswerKind = AnswerKind.CODE) -> Fingerprint:
    """Return an answer as it is compared.

    Fingerprints of one process are not those of another: Python draws its hashes anew.

    Parameters
    ----------
    text : str
    kind : AnswerKind
        Of code, comments, docstrings, layout and the student's own names do not count; of words,
        capitals and signs do not.
    """
    read = text[:MOST_READ]
    found = list(_code_tokens(read) if kind is AnswerKind.CODE else _word_tokens(read))
    in_a_row = IN_A_ROW[kind]
    tokens = tuple(token for token, _ in found)
    # All fingerprints are kept. To winnow them would choose some by their hashes, and so others in
    # the next run.
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
    """Return where in an answer these fingerprints stand, in as few stretches as possible."""
    stretches: list[tuple[int, int]] = []
    for at in sorted(place for key in shared for place in read.places.get(key, ())):
        begin = stretches.pop()[0] if stretches and at < stretches[-1][1] else at
        stretches.append((begin, at + read.in_a_row))
    return tuple((read.spans[begin][0], read.spans[end - 1][1]) for begin, end in stretches)


def _word_tokens(text: str) -> Iterator[tuple[str, Span]]:
    for word in WORD_PATTERN.finditer(text):
        yield word[0].casefold(), word.span()


def _code_tokens(text: str) -> Iterator[tuple[str, Span]]:
    """Yield the tokens of Python that say what is computed."""
    names = _Tokens()
    waiting: tuple[str, Span] | None = None  # a comma, which before a bracket says nothing
    before = ""
    for start, kind, value in PythonLexer().get_tokens_unprocessed(text):
        if kind in Comment or kind in Text or kind is String.Doc or value == ";":
            continue
        span = (start, start + len(value))
        token = names.token(kind, value)
        if token == before == A_STRING:  # of which one has many parts
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
    """Tells the student's own names, which may be any, from those that say what is computed."""

    def __init__(self) -> None:
        self._last: deque[str] = deque(["", "", ""], maxlen=3)
        self._has_class = False
        #: What methods call the object that they belong to.
        self._objects = {"self", "cls"}

    def token(self, kind: object, value: str) -> str:
        """Return what a token is compared as."""
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
        # An attribute's name is, as a rule, a library's and not the student's.
        return value if before == "." and owner not in self._objects else A_NAME


def _number_token(value: str) -> str:
    """Return a number as Python would show it as a float: 40 is 40.0 and 4e1."""
    try:
        return str(float(value))
    except ValueError:
        return value
