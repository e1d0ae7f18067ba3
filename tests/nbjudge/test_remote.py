"""Answers that live in another process: what is sent there, and what is said about them."""

import linecache

import pytest

from nbjudge import remote
from nbjudge.remote import AnswerError, Remote


class Elsewhere(Remote):
    def __init__(self, data=None):
        self.data = data

    def _probe_(self, name, arguments, keywords):
        return name, arguments, keywords

    def _plain_(self):
        return self if self.data is None else self.data

    def _kind_(self):
        return "Network"


def test_a_probe_runs_here_unless_an_answer_lives_elsewhere():
    @remote.in_place
    def total(*numbers, factor=1):
        """Add up."""
        return factor * sum(numbers)

    answer = Elsewhere()
    assert total(1, 2, factor=3) == 9
    assert total(1, answer, factor=3) == ("total", (1, answer), {"factor": 3})
    assert total(1, factor=answer) == ("total", (1,), {"factor": answer})
    assert (total.__name__, total.__doc__) == ("total", "Add up.")


def test_only_an_object_elsewhere_is_asked_for_its_data():
    extends, other = Elsewhere((1.0, 2.0)), Elsewhere()
    assert remote.plain(extends) == (1.0, 2.0)
    assert remote.plain(other) is other
    assert remote.plain(here := [1.0]) is here


def test_the_kind_of_an_object_is_known_wherever_it_lives():
    assert remote.kind(Elsewhere()) == "Network"
    assert remote.kind(1.0) == "float"
    assert remote.kind(None) == "NoneType"


class KeyErrorThere(AnswerError, KeyError):
    pass


@pytest.mark.parametrize("error_class", [AnswerError, KeyErrorThere])
def test_an_exception_from_elsewhere_reads_as_it_would_here(error_class):
    assert str(error_class("KeyError", "'w1'")) == "'w1'"
    assert error_class("KeyError", "'w1'").in_full == "KeyError: 'w1'"
    assert error_class("KeyError").in_full == "KeyError"
    assert error_class("ValueError", "no").args == ("no",)


@pytest.mark.parametrize(
    ("error", "unanswered"),
    [
        (NotImplementedError(), True),
        (AnswerError("NotImplementedError"), True),
        (NotImplementedError("not for integers"), False),
        (AnswerError("NotImplementedError", "not for integers"), False),
        (ValueError(), False),
        (AnswerError("ValueError"), False),
    ],
)
def test_an_answer_is_missing_where_a_stub_raised(error, unanswered):
    assert remote.is_unanswered(error) is unanswered


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("too few"), "your answer could not be used: ValueError: too few"),
        (ValueError(), "your answer could not be used: ValueError"),
        (
            AnswerError("ValueError", "too few"),
            "your answer could not be used: ValueError: too few",
        ),
        (
            AnswerError("KeyError", "'w1'", line=3, source="return w['w1']"),
            "your code stopped with KeyError: 'w1', at line 3 of its cell: `return w['w1']`",
        ),
    ],
)
def test_an_exception_becomes_the_end_of_a_sentence(error, words):
    assert remote.in_words(error) == words


def run_cell(source):
    """Run a cell as a kernel does, and return the exception."""
    name = "/tmp/ipykernel_1/2.py"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    try:
        exec(compile(source, name, "exec"), {"int": int, "convert": lambda text: int(text)})
    except Exception as error:
        return error


def test_the_last_line_of_the_students_cell_is_quoted():
    error = run_cell("def answer(text):\n    return convert(text)  # here\n\nanswer('x')\n")
    assert remote.where(error) == (2, "return convert(text)  # here")
    assert remote.in_words(error).endswith(
        ", at line 2 of its cell: `return convert(text)  # here`"
    )


def test_an_exception_that_passed_no_cell_has_no_line():
    try:
        int("x")
    except ValueError as error:
        assert remote.where(error) == (None, "")
