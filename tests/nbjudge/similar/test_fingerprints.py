"""What of an answer is compared, and where in its text it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nbjudge.similar.fingerprints import MOST_READ, AnswerKind, passages, read_answer

ANSWER = '''class RMSProp:
    """Divide by a running mean."""

    def __init__(self, rate, beta):
        self.rate = rate
        self.beta = beta
        self.v = 0

    def __call__(self, w, g):
        self.v = self.beta * self.v + (1 - self.beta) * g**2
        return w - self.rate * g / np.sqrt(self.v + 1e-5)
'''


def prints(text: str, kind: AnswerKind = AnswerKind.CODE) -> set[int]:
    return set(read_answer(text, kind).places)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("rate", "eta").replace("self.v", "self.memory"),
        lambda text: text.replace("self", "me").replace("me.v", "me.z"),
        lambda text: text.replace("RMSProp", "Other"),
        lambda text: text.replace("running mean", "fading one"),
        lambda text: text.replace('    """Divide by a running mean."""\n\n', ""),
        lambda text: text.replace("\n", "  # a remark\n", 4),
        lambda text: text.replace("    ", "\t").replace(" = ", "="),
        lambda text: text.replace("(self, w, g)", "(\n  self,\n  w,\n  g,\n)"),
        lambda text: text.replace("self.v = 0", "self.v = 0.0;"),
    ],
    ids=[
        *("names", "self by another name", "name of the class", "docstring", "no docstring"),
        *("comments", "spacing", "a comma at the end", "zero"),
    ],
)
def test_what_disguises_a_copy_does_not_count(change: Callable[[str], str]) -> None:
    changed = change(ANSWER)

    assert changed != ANSWER
    assert prints(changed) == prints(ANSWER)


@pytest.mark.parametrize(
    ("old", "new"), [("w - ", "w + "), ("1e-5", "1e-6"), ("np.sqrt", "np.cbrt"), ("0\n", "1\n")]
)
def test_what_is_computed_counts(old: str, new: str) -> None:
    assert old in ANSWER
    assert prints(ANSWER) != prints(ANSWER.replace(old, new, 1))


def test_passages_stand_where_the_text_has_them_also_behind_the_name_of_a_class() -> None:
    line = "self.v = self.beta * self.v + (1 - self.beta) * g**2"
    read = read_answer(ANSWER)

    ((begin, end),) = passages(read, prints(line) & set(read.places))

    assert ANSWER[begin:end] == line


def test_repeated_passages_are_all_found() -> None:
    line = "a = b * c + d - e * f\n"
    read = read_answer(line + "print('between', 1, 2, 3, 4)\n" + line)

    found = passages(read, prints(line))

    assert [read.text[begin:end] for begin, end in found] == [line.strip(), line.strip()]


def test_nothing_in_common_is_no_passage() -> None:
    assert passages(read_answer(ANSWER), set()) == ()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "x = 1",
            "def broken(:\n  return ((",
            '"""never ends',
            "%matplotlib inline\n!ls",
        ),
        *("\x00\ud800\u202e = 1", "é = ñ * 変数 + Ω - ß", "1" * 500 + " + 0x1F + 1_0 + 1j"),
    ],
)
def test_whatever_was_handed_in_is_read(text: str) -> None:
    read = read_answer(text)

    assert read.whole
    assert all(0 <= begin < end <= len(text) for begin, end in read.spans)


def test_what_is_too_short_has_no_fingerprints() -> None:
    assert not prints("return x")


@pytest.mark.parametrize("kind", AnswerKind)
@pytest.mark.parametrize("letter", ["(", "a.", "@", "\u0300", '"', "f'{", "1_", "\n", "\\", "a "])
def test_a_megabyte_is_read_in_part(kind: AnswerKind, letter: str) -> None:
    read = read_answer(letter * 2**20, kind)

    assert not read.whole
    assert len(read.text) == MOST_READ


def test_words_are_compared_without_capitals_and_signs() -> None:
    one = prints("Below 0.01 the ball crawls, like a snail.", AnswerKind.WORDS)

    assert one == prints("below 0.01 THE BALL crawls like a snail!", AnswerKind.WORDS)
    assert one.isdisjoint(prints("Above 0.02 a ball jumps, like this snail.", AnswerKind.WORDS))
