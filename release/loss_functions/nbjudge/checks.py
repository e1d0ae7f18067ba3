"""Compare an answer with the expected value, and say in plain words what differs.

A comparison goes from the outside in (type, shape, dtype, value) and stops at the first difference,
because later ones usually follow from it. Notebooks use it as ``from nbjudge import checks as
check``. It needs only NumPy, and handles tensors if PyTorch is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from types import TracebackType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nbjudge import remote
from nbjudge.exceptions import CheckFailed, CourseError

__all__ = ["Parts", "Points", "close", "difference", "true"]

DtypeRule = Literal["same", "number"]

RELATIVE_TOLERANCE = {"double": 1e-6, "single": 1e-4}
# A value that is tiny beside its neighbours contains their rounding errors, so its error is
# measured relative to them.
SMALLEST_SCALE = 1e-2


def close(
    actual: Any,
    expected: Any,
    *,
    what: str,
    names: Sequence[str] = (),
    hint: str = "",
    rtol: float | None = None,
    atol: float = 0.0,
    dtype: DtypeRule = "same",
    reveal: bool = True,
) -> None:
    """Check that `actual` has the type, shape, dtype and values of `expected`.

    Parameters
    ----------
    actual : object
        The answer's result.
    expected : number, ndarray, Tensor, or a (nested) tuple or list of these
        What the result should be. A sequence matches anything that unpacks into as many parts; a
        number matches any real scalar, 0-d arrays and tensors included.
    what : str
        What is being compared, to begin a sentence: "the first step".
    names : sequence of str
        Names for the parts of a sequence: ``("w1", "w2")``.
    hint : str
        A second sentence for the student: how to think about this failure.
    rtol : float, optional
        Largest relative error allowed. By default 1e-6 if everything is in double precision, and
        1e-4 if anything is in single precision.
    atol : float
        Absolute error that is always allowed.
    dtype : {"same", "number"}
        Whether arrays and tensors must have the dtype of `expected`, or any real number type.
    reveal : bool
        Whether a message may show values. Hidden tests set it to False and print nothing.

    Raises
    ------
    CheckFailed
        If something differs.
    """
    problem = difference(
        actual, expected, names=names, rtol=rtol, atol=atol, dtype=dtype, reveal=reveal
    )
    _conclude(problem, what, hint, announce=reveal)


def true(
    condition: object, *, what: str, problem: str, hint: str = "", reveal: bool = True
) -> None:
    """Check a condition that is not a comparison of values.

    Parameters
    ----------
    condition : bool
        Whether the check passes.
    what : str
        What is being checked: "the order of the batches".
    problem : str
        What is wrong if it does not hold: "both epochs had the same order".
    hint, reveal
        As for `close`.

    Raises
    ------
    CheckFailed
        If `condition` does not hold.
    """
    _conclude(None if condition else problem, what, hint, announce=reveal)


def difference(
    actual: Any,
    expected: Any,
    *,
    names: Sequence[str] = (),
    rtol: float | None = None,
    atol: float = 0.0,
    dtype: DtypeRule = "same",
    reveal: bool = True,
) -> str | None:
    """Return the first difference between `actual` and `expected` in words, or None.

    Parameters are those of `close`.

    Examples
    --------
    >>> difference((0.0, 2.5), (0.0, 3.0), names=("w1", "w2"))
    'w2 is 2.5, and 3.0 was expected'
    >>> difference([1, 2], np.array([1, 2]))
    'it is a list, and a NumPy array was expected'
    """
    return _difference(actual, expected, "it", list(names), rtol, atol, dtype, reveal)


class Points(float):
    """A partial mark, as the last value of a check: nbgrader takes the number for the mark.

    Attributes
    ----------
    reason : str
        Why the other points are missing, for the student.
    """

    reason: str = ""

    def __repr__(self) -> str:
        return super().__repr__().removesuffix(".0")


class Parts:
    """The parts of an exercise, each with its own points.

    A part that fails costs only its own points, and the check goes on with the next one.

    Examples
    --------
    >>> parts = Parts()
    >>> with parts(1, "the sum"):
    ...     close(1 + 1, 2, what="1 + 1")
    ✓ 1 + 1
    >>> with parts(2, "the product"):
    ...     close(2 * 3, 5, what="2 · 3")
    >>> parts.points()
    ✗ 2 · 3: it is 6, and 5 was expected.
    1 of 3 points so far.
    1
    """

    def __init__(self) -> None:
        self._parts: list[_Part] = []

    def __call__(self, points: float, what: str) -> _Part:
        """Begin a part: ``with parts(1, "the first step"):``.

        Parameters
        ----------
        points : int or float
            The points of the part. Decimals are added exactly: 0.1 and 0.2 are 0.3.
        what : str
            What it is about. The message about an exception in the answer names it.
        """
        part = _Part(Fraction(str(points)), what, is_first=not self._parts)
        self._parts.append(part)
        return part

    def points(self) -> Points | None:
        """Return the partial mark; call this in the last line of a check.

        Returns
        -------
        Points or None
            None if every part holds, which means all points.

        Raises
        ------
        CheckFailed
            If no part holds.
        """
        failed = [part for part in self._parts if not part.holds]
        if self._parts and not failed:
            return None
        reason = "\n".join(_told_once(failed))
        won = sum(part.points for part in self._parts if part.holds)
        if not won:
            raise CheckFailed(reason)
        mark, most = Points(won), Points(sum(part.points for part in self._parts))
        mark.reason = reason
        print(f"{reason}\n{mark!r} of {most!r} points so far.")
        return mark


class _Part:
    """The context of one part, which notes a failure and lets the check go on."""

    def __init__(self, points: Fraction, what: str, *, is_first: bool) -> None:
        self.points = points
        self.what = what
        self.holds = False
        self.failure = "it was not checked"
        self._is_first = is_first

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        _: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self.holds = error is None
        if not isinstance(error, Exception) or isinstance(error, CourseError):
            return False
        failure = self._failure(error.with_traceback(_beyond_its_cell(trace)))
        error.with_traceback(trace)
        self.failure = failure or self.failure
        return failure is not None

    def _failure(self, error: Exception) -> str | None:
        """Return how the part failed, or None if the check cannot go on."""
        is_students = isinstance(error, remote.AnswerError) or remote.where(error)[0] is not None
        if remote.is_unanswered(error):  # in the first part, so nothing is answered at all
            return None if self._is_first else "there is no answer yet"
        if isinstance(error, AssertionError) and not is_students:
            return str(error) or "a check does not hold"
        if remote.is_tests_own(error):  # or the answer is not defined
            return None
        return remote.in_words(error).removesuffix(".")


def _beyond_its_cell(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without its first frames, those of the test itself."""
    rest = trace
    while trace and rest and rest.tb_frame.f_code.co_filename == trace.tb_frame.f_code.co_filename:
        rest = rest.tb_next
    return rest


def _told_once(parts: Iterable[_Part]) -> list[str]:
    """Return the failures of parts, with equal ones (such as an exception) merged into one."""
    told: dict[str, list[str]] = {}
    for part in parts:
        told.setdefault(part.failure, []).append(part.what)
    return [
        failure if failure.startswith("✗ ") else f"✗ {', '.join(whats)}: {failure}."
        for failure, whats in told.items()
    ]


def _conclude(problem: str | None, what: str, hint: str, *, announce: bool) -> None:
    if problem is not None:
        raise CheckFailed(_message(what, problem, hint))
    if announce:
        print(f"✓ {what}")


def _message(what: str, problem: str, hint: str) -> str:
    message = f"✗ {what}: {problem.removesuffix('.')}."
    return f"{message}\n  {hint}" if hint else message


def _difference(
    actual: Any,
    expected: Any,
    name: str,
    names: list[str],
    rtol: float | None,
    atol: float,
    dtype: DtypeRule,
    reveal: bool,
) -> str | None:
    actual = _as_float(remote.plain(actual))
    if isinstance(expected, tuple | list):
        parts = _unpack(actual)
        wanted = f"{_count_of(len(expected), 'value')} {'was' if len(expected) == 1 else 'were'}"
        if parts is None:
            return f"{name} is {_kind_in_words(actual)}, and {wanted} expected"
        if len(parts) != len(expected):
            return f"{name} has {_count_of(len(parts), 'value')}, and {wanted} expected"
        labels = names or [_ordinal(i, name) for i in range(len(expected))]
        for part, wish, label in zip(parts, expected, labels, strict=True):
            problem = _difference(part, wish, label, [], rtol, atol, dtype, reveal)
            if problem:
                return problem
        return None
    if not _is_numeric(expected):
        if type(actual) is type(expected) and actual == expected:
            return None
        return f"{name} is {actual!r}, and {expected!r} was expected" if reveal else _wrong(name)
    if _is_identical(actual, expected):  # the usual case, and quick to check
        return None
    return (
        _type_difference(actual, expected, name)
        or _shape_difference(actual, expected, name)
        or _dtype_difference(actual, expected, name, dtype)
        or _value_difference(actual, expected, name, rtol, atol, reveal)
    )


def _as_float(value: Any) -> Any:
    """Return a fraction or a decimal as the nearest float, and anything else unchanged."""
    if type(value) not in (Fraction, Decimal):
        return value
    try:
        return float(value)
    except (OverflowError, ValueError):  # too large, or a signalling NaN
        return value


def _is_identical(actual: Any, expected: Any) -> bool:
    """Return whether both have the same type, dtype and values; False if there is a NaN."""
    if type(actual) is not type(expected):
        return False
    if isinstance(expected, np.ndarray):
        return actual.dtype == expected.dtype and np.array_equal(actual, expected)
    if _is_tensor(expected):
        same: bool = (
            _is_tensor(actual) and actual.dtype == expected.dtype and actual.equal(expected)
        )
        return same
    return bool(actual == expected)


def _unpack(value: Any) -> list[Any] | None:
    """Return the parts that `value` unpacks into, or None if it does not unpack."""
    if isinstance(value, remote.Remote):
        return _remote_parts(value)
    if isinstance(value, str | bytes | dict | set) or not isinstance(value, Iterable):
        return None
    if _is_special_tensor(value):
        return None
    try:
        iterator = iter(value)
    except TypeError:  # a 0-d array or tensor is `Iterable`, but raises when iterated
        return None
    return list(iterator)


def _remote_parts(value: Any) -> list[Any] | None:
    # As for local values, a set and a tensor without plain values do not count as unpackable.
    if remote.kind(value).startswith(("set", "Tensor")):
        return None
    try:
        return list(iter(value))
    except (TypeError, remote.AnswerError) as error:
        if isinstance(error, remote.AnswerError) and (error.name != "TypeError" or error.line):
            raise  # raised by the student's own code
        return None


def _type_difference(actual: Any, expected: Any, name: str) -> str | None:
    fits = _is_scalar(actual) if _is_scalar(expected) else _family(actual) == _family(expected)
    return (
        None
        if fits
        else f"{name} is {_kind_in_words(actual)}, and {_kind_in_words(expected)} was expected"
    )


def _shape_difference(actual: Any, expected: Any, name: str) -> str | None:
    shape, wanted = tuple(np.shape(_as_array(actual))), tuple(np.shape(_as_array(expected)))
    return None if shape == wanted else f"{name} has shape {shape}, and {wanted} was expected"


def _dtype_difference(actual: Any, expected: Any, name: str, rule: DtypeRule) -> str | None:
    found, wanted = _dtype(actual), _dtype(expected)
    if rule == "number" or _is_scalar(expected):
        if _as_array(actual).dtype.kind in "iuf":
            return None
        return f"{name} has dtype {found}, and a number was expected"
    return None if found == wanted else f"{name} has dtype {found}, and {wanted} was expected"


def _value_difference(
    actual: Any, expected: Any, name: str, rtol: float | None, atol: float, reveal: bool
) -> str | None:
    found, wanted = _as_array(actual), _as_array(expected)
    tolerance = _tolerance(found, wanted) if rtol is None else rtol
    a, b = found.astype(np.float64), wanted.astype(np.float64)
    error = relative_error(a, b)
    wrong = ~((error <= tolerance) | (_distance(a, b) <= atol) | _same_special(a, b))
    if not wrong.any():
        return None
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = name
    if index:
        owner = "element " if name == "it" else name
        place = f"{owner}[{', '.join(map(str, index))}]"
    if not np.isfinite(found[index]) and np.isfinite(wanted[index]):
        text = f"{place} is {found[index]}, and a finite number was expected"
    elif reveal:
        got, right = _numbers_as_written(found[index], wanted[index])
        text = f"{place} is {got}, and {right} was expected"
    elif pattern := _pattern(a, b, tolerance):
        return f"{name} {pattern}"
    else:
        text = _wrong(place)
        if np.isfinite(error[index]):
            text += (
                f" (relative error {_above(error[index], tolerance)}; {tolerance:.0e} is allowed)"
            )
    if wrong.sum() > 1:
        text += f"; {wrong.sum()} of {wrong.size} values differ"
    return text


def _above(error: float, tolerance: float) -> str:
    """Return an error with just enough digits to show that it exceeds its tolerance."""
    texts = (f"{error:.{digits}g}" for digits in range(1, 17))
    return next((text for text in texts if float(text) > tolerance), repr(float(error)))


def _pattern(actual: NDArray[np.float64], expected: NDArray[np.float64], tolerance: float) -> str:
    """Return how all numbers differ from the expected ones in one simple way, as a predicate.

    A wrong sign can be seen in a single number. A constant factor or offset needs at least three
    numbers that are not all equal.
    """
    a, b = actual.ravel(), expected.ravel()
    if not (np.isfinite(a).all() and np.isfinite(b).all() and b.any()):
        return ""
    loose = 10 * tolerance

    def alike(x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
        return bool((relative_error(x, y) <= loose).all())

    if alike(-a, b):
        return "has the wrong sign" if a.size == 1 else "has the wrong sign everywhere"
    if a.size < 3 or np.ptp(b) <= loose * np.abs(b).max():
        return ""
    with np.errstate(over="ignore", invalid="ignore"):
        factor = float(a @ b / (b @ b))
    if factor and np.isfinite(factor) and alike(a, factor * b):
        return f"is wrong by a constant factor: every value is {factor:.3g} times the expected one"
    offset = float((a - b).mean())
    if alike(a, b + offset):
        return "is wrong by a constant: to every value the same number is added"
    return ""


def relative_error(
    actual: NDArray[np.float64], expected: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return |actual − expected| over the scale of `expected`, element by element.

    The scale is |expected|, but never less than a hundredth of the largest |expected|, and 1
    where all of them are 0.

    Parameters
    ----------
    actual, expected : float64 ndarray, any one shape

    Returns
    -------
    float64 ndarray of that shape
    """
    size = np.abs(np.where(np.isfinite(expected), expected, 0.0))
    largest = size.max(initial=0.0)
    scale = np.maximum(size, SMALLEST_SCALE * largest) if largest > 0 else np.ones_like(size)
    with np.errstate(over="ignore"):
        return np.asarray(_distance(actual, expected) / scale)


def _distance(actual: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return |actual − expected|, without warnings about infinities."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(np.abs(actual - expected))


def _same_special(found: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where both are equal, such as the same infinity, or both NaN."""
    return np.asarray((found == wanted) | (np.isnan(found) & np.isnan(wanted)))


def _tolerance(*arrays: NDArray[Any]) -> float:
    single = any(a.dtype.kind == "f" and a.dtype.itemsize < 8 for a in arrays)
    return RELATIVE_TOLERANCE["single" if single else "double"]


def _is_tensor(value: Any) -> bool:
    """Return whether a value is a tensor that holds a plain array."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, torch.Tensor):
        return False
    dense: bool = value.layout == torch.strided
    return dense and not (value.is_nested or value.is_quantized or value.is_meta)


def _is_special_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor) and not _is_tensor(value)


def _is_numeric(value: Any) -> bool:
    if isinstance(value, bool | np.bool_):
        return False
    return isinstance(value, int | float | np.number | np.ndarray) or _is_tensor(value)


def _is_scalar(value: Any) -> bool:
    return _is_numeric(value) and len(getattr(value, "shape", ())) == 0


def _family(value: Any) -> str:
    if _is_tensor(value):
        return "tensor"
    return "array" if isinstance(value, np.ndarray) else "other"


def _as_array(value: Any) -> NDArray[Any]:
    if not _is_tensor(value):
        return np.asarray(value)
    try:
        return np.asarray(value.numpy(force=True))
    except TypeError:  # NumPy has no bfloat16
        return np.asarray(value.float().numpy(force=True))


def _dtype(value: Any) -> str:
    return str(value.dtype if _is_tensor(value) else _as_array(value).dtype).removeprefix("torch.")


def _kind_in_words(value: Any) -> str:
    if value is None:
        return "None (is a `return` missing?)"
    if _is_tensor(value):
        return "a number in a tensor" if _is_scalar(value) else "a PyTorch tensor"
    if _is_special_tensor(value):
        return "a PyTorch tensor without plain values (sparse, nested, quantised or meta)"
    if isinstance(value, np.ndarray):
        return "a number in an array" if value.ndim == 0 else "a NumPy array"
    if _is_scalar(value):
        return "a number"
    name = remote.kind(value)
    return f"{'an' if name[:1] in 'aeiouAEIOU' else 'a'} {name}"


def _wrong(name: str) -> str:
    return f"{name} is wrong"


def _numbers_as_written(*values: Any) -> list[str]:
    """Return values as a student would write them: short, but with enough digits to differ."""
    short = [_number_as_written(value) for value in values]
    return short if len(set(short)) == len(short) else [str(value) for value in values]


def _number_as_written(value: Any) -> str:
    if value.dtype.kind != "f":
        return str(value)
    number = float(f"{value:.7g}")
    return f"{number:.1f}" if number == round(number, 1) and abs(number) < 1e6 else f"{number:.7g}"


def _count_of(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _ordinal(index: int, name: str) -> str:
    words = ("first", "second", "third", "fourth", "fifth")
    value = f"the {words[index]} value" if index < len(words) else f"value number {index + 1}"
    return value if name == "it" else f"{value} of {name}"
