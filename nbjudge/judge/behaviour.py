"""Digest how a wrong answer behaves, on inputs that are the same for every student.

After a notebook is judged, each test in which the answer lost marks runs once more, with inputs
that depend on the exercise alone, and it goes on after failed checks. The replies of the kernel are
hashed: answers with the same digest made the same mistake, as far as the test can see. No mark
depends on it.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from nbjudge.judge.judge import Test, Verdict
from nbjudge.kernel.wire import NotPlain, Reference, encode
from nbjudge.remote import AnswerError, is_unanswered
from nbjudge.stand_ins.channel import KernelChannel
from nbjudge.stand_ins.stand_in import StandIn

__all__ = ["SEED_PARTS", "RecordingChannel", "behaviour_of", "patient"]

#: The seed of the inputs besides the exercise: a constant, and nothing of the student's.
SEED_PARTS = ("the same for everybody",)
#: The prefix that a patient test prints for each failed statement, which no test prints itself.
FAILED = "\N{SYMBOL FOR NEGATIVE ACKNOWLEDGE}"
#: Numbers count as equal if they agree in so many significant digits, and as 0 below `TINY`.
DIGITS, TINY = 6, 1e-9

#: Statements that are not wrapped in `try`: they define something, or have no meaning elsewhere.
_KEPT = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom),
    *(ast.Global, ast.Nonlocal, ast.Pass, ast.Break, ast.Continue, ast.Return),
)


class RecordingChannel(KernelChannel):
    """A channel that hashes the results of all requests."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        #: The hash of the results so far.
        self.heard = hashlib.sha256()
        #: Whether the answer is still the stub, which raises NotImplementedError.
        self.is_unanswered = False

    def ask(self, do: str, **details: Any) -> Any:
        """Send a request to the kernel's service, and return the result."""
        return self._ask_and_note(do, lambda: super(RecordingChannel, self).ask(do, **details))

    def call(self, target: StandIn, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Have the kernel call an object, and return the result."""
        called = super().call
        return self._ask_and_note("call", lambda: called(target, arguments, keywords))

    def _ask_and_note(self, do: str, ask: Callable[[], Any]) -> Any:
        try:
            value = ask()
        except AnswerError as error:
            self.is_unanswered = self.is_unanswered or is_unanswered(error)
            self._note(do, ["raised", error.name])
            raise
        self._note(do, _normal(value))
        return value

    def _note(self, do: str, value: Any) -> None:
        self.heard.update(json.dumps([do, value]).encode() + b"\n")


def patient(test: Test) -> Test:
    r"""Return a version of a test that goes on after failed statements and prints their numbers.

    Raises
    ------
    SyntaxError, ValueError
        If the test is not valid Python.

    Examples
    --------
    >>> print(patient(Test("1.1", "assert f(1) == 2\nassert f(2) == 4", 1.0)).source)
    try:
        assert f(1) == 2
    except BaseException:
        print('␕ 0')
    try:
        assert f(2) == 4
    except BaseException:
        print('␕ 1')
    """
    tree = ast.parse(test.source)
    numbers = iter(range(len(test.source) + 1))
    # A last expression may be the mark, so it stays as it is.
    last = [tree.body.pop()] if tree.body and isinstance(tree.body[-1], ast.Expr) else []
    body = [*_try_each(tree.body, numbers), *last]
    source = ast.unparse(ast.fix_missing_locations(ast.Module(body, [])))
    # Permissions are tied to line numbers, which have changed. As no mark depends on this test, it
    # may do everything.
    return replace(test, source=source, learns=True)


def _try_each(body: Iterable[ast.stmt], numbers: Iterator[int]) -> Iterator[ast.stmt]:
    """Yield the statements, wrapped so that a failed one does not stop the next."""
    for statement in body:
        if isinstance(statement, _KEPT):
            yield statement
            continue
        number = next(numbers)
        # Statements in `with` and `try` stay as they are: an exception in them may be intended.
        if isinstance(statement, ast.For | ast.If):
            statement.body = list(_try_each(statement.body, numbers))
            statement.orelse = list(_try_each(statement.orelse, numbers))
        told = ast.parse(f"print({f'{FAILED} {number}'!r})").body
        # What `pytest.raises` raises, if the expected exception does not come, is no `Exception`.
        handler = ast.ExceptHandler(ast.Name("BaseException", ast.Load()), None, told)
        yield ast.Try([statement], [handler], [], [])


def behaviour_of(line: RecordingChannel, verdict: Verdict, points: float) -> str:
    """Return the digest of how an answer behaved in a patient test.

    Parameters
    ----------
    line : RecordingChannel
        The channel that the test used.
    verdict : Verdict
    points : float
        The points of the test.

    Returns
    -------
    str
        Empty if the behaviour is not known: there is no answer, the kernel was lost, the test is at
        fault, or the answer was right on these inputs.
    """
    if line.broken is not None or line.is_unanswered or verdict.fault:
        return ""
    failed = [told for told in verdict.printed.splitlines() if told.startswith(FAILED)]
    if not failed and verdict.mark >= points:
        return ""
    line.heard.update(json.dumps([failed, _number_as_text(verdict.mark)]).encode())
    return line.heard.hexdigest()[:32]


def _normal(value: Any) -> Any:
    """Return a value as JSON in a form that does not depend on how it was computed."""
    if isinstance(value, StandIn):
        return ["object"]
    if value is None or isinstance(value, bool | np.bool_):
        return value if value is None else bool(value)
    if isinstance(value, str):
        return ["text", value]
    if isinstance(value, int | float | complex | np.number | Fraction | Decimal):
        return _number_as_text(value)
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    if isinstance(value, dict):
        pairs = ([_normal(key), _normal(item)] for key, item in value.items())
        return ["mapping", sorted(pairs, key=json.dumps)]
    if isinstance(value, set | frozenset):
        return ["set", sorted(map(_normal, value), key=json.dumps)]
    if _is_numbers(value):
        return _array_as_lists(value)
    if type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "to_numpy"):
        return _table_as_lists(value)
    return _bytes(value)


def _is_numbers(value: Any) -> bool:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return True
    return isinstance(value, np.ndarray) and value.dtype.kind in "biufc"


def _array_as_lists(value: Any) -> Any:
    """Return an array or a tensor as nested lists, with tiny numbers beside large ones as 0."""
    items = value.tolist()
    flat = list(_flat(items))
    sizes = [size for size in map(abs, flat) if math.isfinite(size)]
    least = TINY * max(1.0, max(sizes, default=0.0))

    def of(item: Any) -> Any:
        return (
            [of(each) for each in item] if isinstance(item, list) else _number_as_text(item, least)
        )

    return of(items)


def _table_as_lists(value: Any) -> Any:
    """Return the labels and values of a pandas data frame, series or index."""
    if (columns := getattr(value, "columns", None)) is not None:
        own = [_normal(value.iloc[:, place].tolist()) for place in range(len(columns))]
        return ["table", _normal(columns.tolist()), _normal(value.index.tolist()), own]
    index = getattr(value, "index", None)
    return ["column", None if index is None else _normal(index.tolist()), _normal(value.tolist())]


def _flat(items: Any) -> Iterator[Any]:
    if isinstance(items, list):
        for item in items:
            yield from _flat(item)
    else:
        yield items


def _number_as_text(value: Any, least: float = TINY) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, complex | np.complexfloating):
        return [
            _number_as_text(float(value.real), least),
            _number_as_text(float(value.imag), least),
        ]
    number = float(value)
    if not math.isfinite(number):
        return repr(number)
    if abs(number) < least:
        return "0"
    if abs(number) < 1e15 and math.isclose(number, round(number), rel_tol=1e-9):
        return str(round(number))  # so that 2.0 equals 2
    return f"{number:.{DIGITS}g}"


def _bytes(value: Any) -> Any:
    """Return the hash of any other value that can cross."""
    try:
        content = encode(value, refer=lambda _: Reference(0, ""))
    except (NotPlain, ValueError, TypeError):
        return ["object"]
    return ["data", hashlib.sha256(content).hexdigest()]
