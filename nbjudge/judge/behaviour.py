"""How a wrong answer behaves: what a test gets from it, on inputs that are the same for everybody.

After a notebook is judged, each test that took marks is asked once more, with inputs that depend on
the exercise alone, and it goes on after a check that fails. What crossed is remembered by a digest:
answers with the same one made the same mistake, as far as the test can see. No mark depends on it.
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

#: What the inputs depend on besides the exercise: nothing of anybody's.
SEED_PARTS = ("the same for everybody",)
#: What a patient test prints for each statement that failed: no test prints such a line.
FAILED = "\N{SYMBOL FOR NEGATIVE ACKNOWLEDGE}"
#: Two numbers count as one if they agree in so many digits; and below this, as zero.
DIGITS, TINY = 6, 1e-9

#: Statements that stay as they are: they define something, or only mean something where they stand.
_KEPT = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom),
    *(ast.Global, ast.Nonlocal, ast.Pass, ast.Break, ast.Continue, ast.Return),
)


class RecordingChannel(KernelChannel):
    """A judge's line that remembers what came back for each request."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        #: A digest of what came back so far.
        self.heard = hashlib.sha256()
        #: Whether the answer says itself that it is none.
        self.is_unanswered = False

    def ask(self, do: str, **details: Any) -> Any:
        """Let the kernel's service do something, and return what it found."""
        return self._ask_and_note(do, lambda: super(RecordingChannel, self).ask(do, **details))

    def call(self, target: StandIn, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Let the kernel call something, and return what it returned."""
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
    r"""Return a test that goes on after a statement that fails, and prints which did.

    Raises
    ------
    SyntaxError, ValueError
        If it is no Python.

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
    # The last expression may be the mark.
    last = [tree.body.pop()] if tree.body and isinstance(tree.body[-1], ast.Expr) else []
    body = [*_try_each(tree.body, numbers), *last]
    source = ast.unparse(ast.fix_missing_locations(ast.Module(body, [])))
    # Its lines are others, and no mark depends on what they do.
    return replace(test, source=source, learns=True)


def _try_each(body: Iterable[ast.stmt], numbers: Iterator[int]) -> Iterator[ast.stmt]:
    """Yield statements, each of which cannot stop the next; those in loops and choices, too."""
    for statement in body:
        if isinstance(statement, _KEPT):
            yield statement
            continue
        number = next(numbers)
        # Not within `with` and `try`, which may be there to meet an exception.
        if isinstance(statement, ast.For | ast.If):
            statement.body = list(_try_each(statement.body, numbers))
            statement.orelse = list(_try_each(statement.orelse, numbers))
        told = ast.parse(f"print({f'{FAILED} {number}'!r})").body
        # When none comes, `pytest.raises` raises what is no `Exception`.
        handler = ast.ExceptHandler(ast.Name("BaseException", ast.Load()), None, told)
        yield ast.Try([statement], [handler], [], [])


def behaviour_of(line: RecordingChannel, verdict: Verdict, points: float) -> str:
    """Return the digest of how an answer behaved in a patient test.

    Parameters
    ----------
    line : RecordingChannel
        By which the test asked.
    verdict : Verdict
    points : float
        What the test is worth.

    Returns
    -------
    str
        Empty if nothing can be said: there is no answer, the kernel was lost, the test cannot work
        so, or nothing was wrong with what came on these inputs.
    """
    if line.broken is not None or line.is_unanswered or verdict.fault:
        return ""
    failed = [told for told in verdict.printed.splitlines() if told.startswith(FAILED)]
    if not failed and verdict.mark >= points:
        return ""
    line.heard.update(json.dumps([failed, _number_as_text(verdict.mark)]).encode())
    return line.heard.hexdigest()[:32]


def _normal(value: Any) -> Any:
    """Return what counts of a value, such that another way to compute it gives the same."""
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
    """Return the numbers of an array or a tensor as nested lists; beside large ones, noise is 0."""
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
    """Return what stands in a pandas table, column, or index: labels and values."""
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
        return str(round(number))  # as an integer of this value
    return f"{number:.{DIGITS}g}"


def _bytes(value: Any) -> Any:
    """Return what stands for any other value that can cross."""
    try:
        content = encode(value, refer=lambda _: Reference(0, ""))
    except (NotPlain, ValueError, TypeError):
        return ["object"]
    return ["data", hashlib.sha256(content).hexdigest()]
