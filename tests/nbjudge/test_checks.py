"""The comparisons: what passes, what is said when something differs, and what stays hidden."""

import array
import collections
import contextlib
import io
import re
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbjudge import checks as check
from nbjudge.checks import difference, relative_error
from nbjudge.exceptions import CheckFailed, CourseError
from nbjudge.remote import AnswerError, Remote

law = settings(derandomize=True, deadline=None, database=None, max_examples=100)
finite = st.floats(-1e6, 1e6, allow_nan=False, width=64)
thousandths = st.integers(-(10**6), 10**6).map(lambda number: number / 1000)
vectors = hnp.arrays(np.float64, st.integers(1, 6), elements=thousandths)


def failure(*arguments, **settings):
    with pytest.raises(CheckFailed) as caught:
        check.close(*arguments, **settings)
    return str(caught.value)


# What a student reads


def test_the_message_names_the_part_and_ends_on_the_hint():
    message = failure(
        (-1.0, 4.5),
        (-1.5, 4.5),
        what="the second step, which remembers the first",
        names=("w1", "w2"),
        hint="The first step was right, so look at what your class keeps between calls.",
    )
    assert message == (
        "✗ the second step, which remembers the first: w1 is -1.0, and -1.5 was expected.\n"
        "  The first step was right, so look at what your class keeps between calls."
    )


def test_without_a_hint_the_message_is_one_line():
    assert failure(2.5, 3.0, what="the cost") == "✗ the cost: it is 2.5, and 3.0 was expected."


def test_a_pass_says_what_was_right(capsys):
    check.close(1.0, 1.0, what="the first step")
    check.true(True, what="the order", problem="it is the same")
    assert capsys.readouterr().out == "✓ the first step\n✓ the order\n"


def test_a_fact_that_fails_gives_its_problem():
    with pytest.raises(CheckFailed) as caught:
        check.true([], what="the order", problem="both epochs had the same", hint="Shuffle.")
    assert str(caught.value) == "✗ the order: both epochs had the same.\n  Shuffle."


ones = np.ones((2, 3))

SENTENCES = [
    # Type
    (None, 1.0, "it is None (is a `return` missing?), and a number was expected"),
    (None, ones, "it is None (is a `return` missing?), and a NumPy array was expected"),
    (None, (1.0, 2.0), "it is None (is a `return` missing?), and 2 values were expected"),
    ("1.0", 1.0, "it is a str, and a number was expected"),
    (True, 1.0, "it is a bool, and a number was expected"),
    (1j, 1.0, "it is a complex, and a number was expected"),
    ([1.0], 1.0, "it is a list, and a number was expected"),
    (collections.OrderedDict(), 1.0, "it is an OrderedDict, and a number was expected"),
    (abs, 1.0, "it is a builtin_function_or_method, and a number was expected"),
    (np.array([1.0]), 1.0, "it is a NumPy array, and a number was expected"),
    (torch.ones(1), 1.0, "it is a PyTorch tensor, and a number was expected"),
    ([1, 2], np.array([1, 2]), "it is a list, and a NumPy array was expected"),
    (array.array("d", [1]), np.ones(1), "it is an array, and a NumPy array was expected"),
    (1.0, np.ones(1), "it is a number, and a NumPy array was expected"),
    (torch.ones(2), np.ones(2), "it is a PyTorch tensor, and a NumPy array was expected"),
    (np.ones(2), torch.ones(2), "it is a NumPy array, and a PyTorch tensor was expected"),
    (np.array(1.0), torch.ones(2), "it is a number in an array, and a PyTorch tensor was expected"),
    (torch.tensor(1.0), ones, "it is a number in a tensor, and a NumPy array was expected"),
    # Number of values
    ((1.0,), (1.0, 2.0), "it has 1 value, and 2 values were expected"),
    ([1.0, 2.0, 3.0], (1.0,), "it has 3 values, and 1 value was expected"),
    (1.0, (1.0, 2.0), "it is a number, and 2 values were expected"),
    (np.array(1.0), (1.0,), "it is a number in an array, and 1 value was expected"),
    (torch.tensor(1.0), (1.0,), "it is a number in a tensor, and 1 value was expected"),
    ("ab", (1.0, 2.0), "it is a str, and 2 values were expected"),
    ({1: 2}, (1.0,), "it is a dict, and 1 value was expected"),
    # Shape
    (ones, ones.T, "it has shape (2, 3), and (3, 2) was expected"),
    (np.array(1.0), np.ones(1), "it has shape (), and (1,) was expected"),
    (torch.ones(3, 1), torch.ones(3), "it has shape (3, 1), and (3,) was expected"),
    (np.empty((0, 3)), np.empty((0, 2)), "it has shape (0, 3), and (0, 2) was expected"),
    # Dtype
    (ones.astype("f4"), ones, "it has dtype float32, and float64 was expected"),
    (torch.ones(2).double(), torch.ones(2), "it has dtype float64, and float32 was expected"),
    (torch.ones(2).bfloat16(), torch.ones(2), "it has dtype bfloat16, and float32 was expected"),
    (np.complex128(1), 1.0, "it has dtype complex128, and a number was expected"),
    (np.array(True), 1.0, "it has dtype bool, and a number was expected"),
    (torch.tensor(True), 1.0, "it has dtype bool, and a number was expected"),
    (np.array(None), 1.0, "it has dtype object, and a number was expected"),
    # Value
    (5, 7, "it is 5, and 7 was expected"),
    (5, 7.0, "it is 5, and 7.0 was expected"),
    (1.23456789, 0.5, "it is 1.234568, and 0.5 was expected"),
    (1e-7, 1.0, "it is 1e-07, and 1.0 was expected"),
    (-0.0, -1.0, "it is -0.0, and -1.0 was expected"),
    (np.nan, 1.0, "it is nan, and a finite number was expected"),
    (torch.tensor(-np.inf), 1.0, "it is -inf, and a finite number was expected"),
    (1.0, np.inf, "it is 1.0, and inf was expected"),
    (np.inf, -np.inf, "it is inf, and -inf was expected"),
    (np.array([1.0, 2.0]), np.array([1.0, 3.0]), "element [1] is 2.0, and 3.0 was expected"),
    (
        np.array([[1, 2], [3, 4]]),
        np.array([[1, 0], [0, 4]]),
        "element [0, 1] is 2, and 0 was expected; 2 of 4 values differ",
    ),
    (np.array([True]), np.array([False]), "element [0] is True, and False was expected"),
    # Parts
    ((1.0, None), (1.0, 2.0), "the second value is None (is a `return` missing?), "),
    ([0.0] * 6, [0.0] * 5 + [1.0], "value number 6 is 0.0, and 1.0 was expected"),
    ((1.0, (2.0, 3.0)), (1.0, (2.0, 4.0)), "the second value of the second value is 3.0, and 4.0"),
    ([1, [2, 3]], (1, 2), "the second value is a list, and a number was expected"),
    # What is no number
    ("left", "right", "it is 'left', and 'right' was expected"),
    (None, "right", "it is None, and 'right' was expected"),
    (1, True, "it is 1, and True was expected"),
]


@pytest.mark.parametrize(("actual", "expected", "sentence"), SENTENCES)
def test_each_difference_has_its_sentence(actual, expected, sentence):
    said = difference(actual, expected)
    assert said == sentence if not sentence.endswith((" ", "4.0")) else said.startswith(sentence)


@pytest.mark.parametrize(
    ("actual", "first"),
    [
        ([1, 2], "it is a list"),
        (np.zeros(3, dtype=np.float32), "it has shape (3,)"),
        (np.zeros(2, dtype=np.float32), "it has dtype float32"),
        (np.zeros(2), "element [0] is 0.0"),
    ],
)
def test_type_comes_before_shape_before_dtype_before_value(actual, first):
    assert difference(actual, np.ones(2)).startswith(first)


def test_the_first_part_that_differs_is_named_before_all_others():
    assert difference((0.0, "x", None), (0.0, 1.0, 2.0), names="abc").startswith("b is a str")


def test_parts_of_a_named_part_carry_its_name():
    said = difference(([1.0, 2.0], [3.0, 5.0]), ([1.0, 2.0], [3.0, 4.0]), names=("costs", "rates"))
    assert said == "the second value of rates is 5.0, and 4.0 was expected"


@law
@given(finite, finite)
def test_two_values_that_differ_never_read_alike(found, wanted):
    said = difference(found, wanted, rtol=0.0)
    if said is None:
        assert found == wanted
    else:
        left, right = re.fullmatch(r"it is (\S+), and (\S+) was expected", said).groups()
        assert left != right


def test_a_close_miss_is_shown_with_the_digits_that_tell():
    said = difference(1 + 1e-10, 1.0, rtol=1e-12)
    assert said == "it is 1.0000000001, and 1.0 was expected"


# What counts as the same


@pytest.mark.parametrize(
    "one",
    [
        *(1, 1.0, Fraction(1), Decimal(1)),
        *(np.float32(1), np.int8(1), np.array(1.0), torch.tensor(1.0), torch.tensor(1)),
    ],
    ids=lambda one: type(one).__name__,
)
def test_any_real_scalar_serves_as_a_number(one):
    for expected in (1, 1.0, np.float64(1), np.array(1.0), torch.tensor(1.0)):
        assert difference(one, expected) is None


@pytest.mark.parametrize(
    "pair",
    [
        (1.0, 2.0),
        [1.0, 2.0],
        np.array([1.0, 2.0]),
        torch.tensor([1.0, 2.0]),
        (w for w in (1.0, 2.0)),
        map(float, "12"),
        {1.0: "a", 2.0: "b"}.keys(),
    ],
    ids=lambda pair: type(pair).__name__,
)
def test_a_pair_is_whatever_unpacks_into_two(pair):
    assert difference(pair, (1.0, 2.0)) is None


def test_an_exception_inside_a_generator_is_not_taken_for_a_wrong_type():
    with pytest.raises(TypeError, match="NoneType"):
        difference((w + None for w in (1.0, 2.0)), (1.0, 2.0))


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (np.empty(0), np.empty(0)),
        ([], ()),
        (np.array([np.nan, np.inf, -np.inf]), np.array([np.nan, np.inf, -np.inf])),
        (torch.ones(2, requires_grad=True), torch.ones(2)),
        (torch.imag(torch.tensor([1 + 2j]).conj()), torch.tensor([-2.0])),
        (torch.ones(2, 3).T, torch.ones(3, 2)),
        (torch.nn.Parameter(torch.ones(2)), torch.ones(2)),
        ("same", "same"),
    ],
)
def test_these_are_the_same(actual, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert difference(actual, expected) is None


@pytest.mark.parametrize("dtype", ["u1", "i4", "i8", "f2", "f4", "f8"])
def test_any_real_dtype_serves_where_a_number_is_asked(dtype):
    assert difference(np.ones(3, dtype=dtype), np.ones(3), dtype="number") is None
    assert difference(torch.ones(3).bfloat16(), torch.ones(3), dtype="number") is None


@pytest.mark.parametrize(
    "values",
    [
        np.array([True]),
        np.array([1j]),
        np.array(["1"]),
        np.array([None]),
        np.array([[1, 2], 3], dtype=object)[:1],
        np.zeros(1, dtype=[("a", float)]),
        np.array(["2020-01-01"], dtype="M8[D]"),
    ],
    ids=lambda values: str(values.dtype),
)
def test_what_is_no_real_number_is_refused_where_a_number_is_asked(values):
    said = difference(values, np.ones(1), dtype="number")
    assert said == f"it has dtype {values.dtype}, and a number was expected"


@pytest.mark.filterwarnings("ignore:.*")
@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.eye(2).to_sparse(),
        lambda: torch.eye(2).to_sparse_csr(),
        lambda: torch.empty(2, 2, device="meta"),
        lambda: torch.empty((), device="meta"),
        lambda: torch.nested.nested_tensor([torch.ones(1), torch.ones(2)]),
        lambda: torch.quantize_per_tensor(torch.ones(2, 2), 0.1, 0, torch.qint8),
    ],
    ids=["sparse", "csr", "meta", "meta-scalar", "nested", "quantised"],
)
@pytest.mark.parametrize("expected", [torch.eye(2), 1.0, (1.0, 2.0)], ids=["tensor", "1.0", "pair"])
def test_a_tensor_without_plain_values_gets_a_sentence(make, expected):
    said = difference(make(), expected)
    assert said.startswith("it is a PyTorch tensor without plain values")


def test_without_torch_a_comparison_still_works(monkeypatch):
    monkeypatch.delitem(check.sys.modules, "torch")
    assert difference((np.ones(2), 1.0), (np.ones(2), 2.0)) is not None


# How close is close


@law
@given(vectors, st.data())
def test_the_relative_error_does_not_depend_on_the_unit(expected, data):
    assume(expected.any())  # beside nothing but zeros the error is absolute
    actual = data.draw(hnp.arrays(np.float64, expected.shape, elements=thousandths))
    unit = 2.0 ** data.draw(st.integers(-200, 200))  # powers of two lose no digits
    here, there = relative_error(actual, expected), relative_error(unit * actual, unit * expected)
    np.testing.assert_allclose(here, there, rtol=1e-12)


@law
@given(vectors)
def test_the_relative_error_is_that_of_the_textbook_where_no_value_is_tiny(expected):
    expected = np.where(expected < 0, -1, 1) + expected / 1000
    actual = expected * 1.001
    np.testing.assert_allclose(
        relative_error(actual, expected), np.abs(actual - expected) / np.abs(expected)
    )


def test_the_relative_error_of_a_tiny_value_is_measured_against_its_largest_neighbour():
    error = relative_error(np.array([100.0, 1e-4]), np.array([100.0, 0.0]))
    np.testing.assert_allclose(error, [0.0, 1e-4])


def test_the_relative_error_of_zero_is_absolute_and_a_nan_stays_one():
    np.testing.assert_array_equal(relative_error(np.array([0.25]), np.array([0.0])), [0.25])
    assert np.isnan(relative_error(np.array([np.nan, 1.0]), np.ones(2))[0])
    assert relative_error(np.empty(0), np.empty(0)).size == 0


@pytest.mark.parametrize(
    ("dtype", "passes", "fails"), [(np.float64, 5e-7, 2e-6), (np.float32, 5e-5, 2e-4)]
)
def test_single_precision_is_allowed_more_than_double(dtype, passes, fails):
    right = np.array([3.0, -2.0], dtype=dtype)
    for convert in (np.asarray, torch.tensor):
        assert difference(convert(right * dtype(1 + passes)), convert(right)) is None
        assert difference(convert(right * dtype(1 + fails)), convert(right)) is not None


def test_one_single_precision_side_makes_the_whole_comparison_single():
    assert difference(1 + 5e-5, torch.tensor(1.0)) is None
    assert difference(torch.tensor(1 + 5e-5), 1.0) is None
    assert difference(1 + 5e-5, 1.0) is not None


def test_tolerances_can_be_given():
    assert difference(1.01, 1.0, rtol=0.02) is None
    assert difference(1.01, 1.0, atol=0.02) is None
    assert difference(np.inf, 1.0, rtol=1.0, atol=1e300) is not None


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (np.array([np.inf, 1.0]), np.array([np.inf, 2.0])),
        (np.array([1e308]), np.array([-1e308])),
        (np.array([1e300]), np.array([1e-300])),
        (np.array([np.nan]), np.array([1.0])),
    ],
)
@pytest.mark.parametrize("reveal", [True, False])
def test_infinities_and_huge_numbers_are_compared_without_a_warning(actual, expected, reveal):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert difference(actual, expected, reveal=reveal) is not None


# Hidden tests


def test_a_hidden_check_that_passes_prints_nothing(capsys):
    check.close(1.0, 1.0, what="the cost", reveal=False)
    check.true(True, what="the cost", problem="it is wrong", reveal=False)
    assert capsys.readouterr().out == ""


def test_a_hidden_check_gives_the_size_of_the_error_alone():
    message = failure(np.array([1.0, 2.0]), np.array([1.0, 2.5]), what="the cost", reveal=False)
    assert message == "✗ the cost: element [1] is wrong (relative error 0.2; 1e-06 is allowed)."


def test_an_error_just_above_its_tolerance_is_shown_as_larger():
    found, wanted = np.array([1.0, 2.0 + 2.4e-6]), np.array([1.0, 2.0])

    message = failure(found, wanted, what="the cost", reveal=False)

    assert message.endswith("(relative error 1.2e-06; 1e-06 is allowed).")


def test_a_hidden_check_of_what_is_no_number_says_only_that_it_is_wrong():
    assert difference("left", "right", reveal=False) == "it is wrong"
    assert difference((1, "left"), (1, "right"), reveal=False) == "the second value is wrong"


secrets = st.integers(1_000_003, 9_999_997).filter(lambda number: number % 10).map(float)
KINDS = [float, int, np.float32, np.array, torch.tensor, lambda v: np.full(2, v)]
KINDS += [lambda v: torch.full((2,), v), lambda v: (v, v), lambda v: ([v], v), str]
WRONG = [None, "x", True, 1j, 0.5, np.nan, np.inf, (), (1, 2), ([1], 2), np.ones(2), np.ones(3)]
WRONG += [np.full(2, np.nan), torch.ones(2), torch.tensor(0.5), torch.ones(2).bfloat16(), np.eye(2)]
WRONG += [np.array([1, None]), torch.empty(2, device="meta")]


@law
@given(secrets, st.sampled_from(KINDS), st.sampled_from(WRONG))
def test_a_hidden_check_never_shows_the_expected_number(secret, kind, wrong):
    expected = kind(secret)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        message = failure(wrong, expected, what="the answer", reveal=False)
    digits = re.sub(r"\D", "", message)
    assert str(int(secret)) not in digits
    assert printed.getvalue() == ""


# Answers that live elsewhere


class Elsewhere(Remote):
    """An object of another process: of some kind, perhaps with data, perhaps with parts."""

    def __init__(self, kind, data=None, parts=None):
        self.kind, self.data, self.parts = kind, data, parts

    def _probe_(self, name, arguments, keywords):
        raise AssertionError("a comparison runs no probe")

    def _plain_(self):
        return self if self.data is None else self.data

    def _kind_(self):
        return self.kind

    def __len__(self):
        raise AnswerError("TypeError", "object has no len()")

    def __iter__(self):
        if isinstance(self.parts, BaseException):
            raise self.parts
        yield from self.parts


DOES_NOT_ITERATE = AnswerError("TypeError", "object is not iterable")


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (Elsewhere("Parameter", data=torch.ones(2)), torch.ones(2)),
        (Elsewhere("Pair", data=(1.0, 2.0)), (1.0, 2.0)),
        (Elsewhere("Name", data="left"), "left"),
        ((1.0, Elsewhere("Parameter", data=torch.ones(2))), (1.0, torch.ones(2))),
        (Elsewhere("Pair", data=(Elsewhere("Half", data=0.5), 1.0)), (0.5, 1.0)),
        (Elsewhere("generator", parts=[1.0, Elsewhere("Half", data=0.5)]), (1.0, 0.5)),
    ],
)
def test_an_answer_elsewhere_is_compared_by_its_data_and_its_parts(actual, expected):
    assert difference(actual, expected) is None
    assert difference(actual, (7.0, 7.0, 7.0)) is not None


@pytest.mark.parametrize(
    ("actual", "expected", "sentence"),
    [
        (Elsewhere("DataFrame"), np.ones(2), "it is a DataFrame, and a NumPy array was expected"),
        (Elsewhere("Decimal"), 1.0, "it is a Decimal, and a number was expected"),
        (
            Elsewhere("Oddity", parts=DOES_NOT_ITERATE),
            (1.0, 2.0),
            "it is an Oddity, and 2 values were expected",
        ),
        (Elsewhere("deque", parts=[1.0]), (1.0, 2.0), "it has 1 value, and 2 values were expected"),
        # What does not unpack here does not there.
        (Elsewhere("set", parts=[1, 2]), (1, 2), "it is a set, and 2 values were expected"),
        (Elsewhere("dict", data={1: 0, 2: 0}), (1, 2), "it is a dict, and 2 values were expected"),
        (
            Elsewhere("Tensor (float32, torch.sparse_coo, cpu)", parts=[1, 2]),
            (1, 2),
            "it is a Tensor (float32, torch.sparse_coo, cpu), and 2 values were expected",
        ),
    ],
)
def test_an_answer_elsewhere_of_a_wrong_kind_gets_its_sentence(actual, expected, sentence):
    assert difference(actual, expected) == sentence


@pytest.mark.parametrize(
    "error", [AnswerError("TypeError", line=3, source="a + None"), AnswerError("ValueError")]
)
def test_an_exception_of_the_answers_own_code_is_not_taken_for_a_wrong_kind(error):
    with pytest.raises(AnswerError) as caught:
        difference(Elsewhere("generator", parts=error), (1.0, 2.0))
    assert caught.value is error


def test_too_many_values_end_the_comparison():
    with pytest.raises(CourseError):
        difference(Elsewhere("count", parts=CourseError("too many")), (1.0, 2.0))


# In a notebook


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    yield InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    InteractiveShell.clear_instance()


def test_a_failing_check_shows_its_message_alone(shell, capsys):
    result = shell.run_cell(
        "from nbjudge import checks as check\n"
        "check.close(2.5, 3.0, what='the cost', hint='Look at the signs.')"
    )
    assert isinstance(result.error_in_exec, CheckFailed)
    shown = "".join(capsys.readouterr()).strip()
    assert shown == "✗ the cost: it is 2.5, and 3.0 was expected.\n  Look at the signs."


# How numbers differ, where the expected ones are hidden


@pytest.mark.parametrize(
    ("slip", "told"),
    [
        (lambda right: -right, "it has the wrong sign everywhere"),
        (lambda right: 2 * right, "it is wrong by a constant factor: every value is 2 times"),
        (lambda right: right + 3, "it is wrong by a constant: to every value the same number"),
        (lambda right: right * [1, 1, 2], "element [2] is wrong"),
        (lambda right: right**2, "element [0] is wrong"),
        (lambda right: right * np.nan, "element [0] is nan, and a finite number was expected"),
    ],
)
def test_a_simple_slip_is_described_without_the_expected_values(slip, told):
    right = np.array([1.5, -2.0, 7.25])

    message = difference(slip(right), right, reveal=False)

    assert message.startswith(told)
    assert not re.search(r"1\.5|7\.25", message)


def test_a_single_number_shows_its_sign_and_no_factor():
    assert difference(-2.5, 2.5, reveal=False) == "it has the wrong sign"
    assert difference(5.0, 2.5, reveal=False).startswith("it is wrong (relative error")


def test_numbers_that_are_all_alike_show_no_pattern():
    assert "constant" not in difference(np.full(4, 6.0), np.full(4, 2.0), reveal=False)


@given(vectors, st.integers(2, 9))
@law
def test_a_constant_factor_is_only_claimed_where_there_is_one(right, factor):
    message = difference(factor * right, right, reveal=False)
    if message is not None and "factor" in message:
        assert f"every value is {factor} times" in message
    elif message is not None:
        assert right.size < 3 or np.ptp(right) <= 1e-4 * np.abs(right).max()


# Exercises in parts


def taken(*parts):
    """Conclude an exercise whose parts are (points, what, what it does)."""
    taking = check.Parts()
    for points, what, does in parts:
        with taking(points, what):
            does()
    return taking.points()


def holds():
    check.close(1.0, 1.0, what="the first step")


def fails():
    check.close(2.0, 3.0, what="the second step", hint="Look at the signs.")


def divides():
    1 / 0  # noqa: B018


def test_where_all_parts_hold_there_is_nothing_to_say(capsys):
    assert taken((1, "one", holds), (2, "two", holds)) is None
    assert capsys.readouterr().out == "✓ the first step\n" * 2


def test_a_part_that_fails_costs_its_own_points_and_is_told_at_the_end(capsys):
    mark = taken((2, "one", fails), (1, "two", holds))

    message = "✗ the second step: it is 2.0, and 3.0 was expected.\n  Look at the signs."
    assert (mark, repr(mark), mark.reason) == (1.0, "1", message)
    said = capsys.readouterr()
    assert said.out == f"✓ the first step\n{message}\n1 of 3 points so far.\n"
    assert said.err == ""  # nbgrader takes it for an error


def test_where_no_part_holds_the_check_fails_with_all_messages():
    with pytest.raises(CheckFailed) as caught:
        taken((1, "one", fails), (2, "two", divides))
    assert str(caught.value) == (
        "✗ the second step: it is 2.0, and 3.0 was expected.\n  Look at the signs.\n"
        "✗ two: your answer could not be used: ZeroDivisionError: division by zero."
    )


def test_an_exception_that_parts_have_in_common_is_told_once(capsys):
    mark = taken((1, "one", divides), (1, "two", divides), (1, "three", holds))
    assert mark.reason == (
        "✗ one, two: your answer could not be used: ZeroDivisionError: division by zero."
    )


def test_decimals_add_up_exactly(capsys):
    parts = [(0.1, "one", holds), (0.2, "two", holds), (0.7, "three", fails)]
    assert repr(taken(*parts)) == "0.3"
    assert capsys.readouterr().out.endswith("0.3 of 1 points so far.\n")


@law
@given(st.lists(st.tuples(st.integers(1, 999), st.booleans()), min_size=1, max_size=6))
def test_a_mark_is_the_sum_of_the_parts_that_hold(parts):
    won = sum(points for points, right in parts if right)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            mark = taken(*[(n / 100, "it", holds if right else fails) for n, right in parts])
        except CheckFailed:
            mark = 0.0
    assert (sum(n for n, _ in parts) / 100 if mark is None else mark) == won / 100


def test_an_exercise_without_parts_and_a_part_that_is_not_entered_win_nothing():
    with pytest.raises(CheckFailed):
        taken()
    parts = check.Parts()
    parts(1, "the first step")
    with pytest.raises(CheckFailed, match="the first step: it was not checked"):
        parts.points()


def test_a_failure_without_words_is_no_success():
    def fails_silently():
        raise CheckFailed

    with pytest.raises(CheckFailed):
        taken((1, "one", fails_silently))


@pytest.mark.parametrize("error", [CourseError("The kernel is gone."), KeyboardInterrupt()])
def test_what_is_not_the_answers_fault_passes_through_a_part(error):
    def ends():
        raise error

    with pytest.raises(type(error)):
        taken((1, "one", ends))


def test_a_missing_answer_ends_the_check_at_once(capsys):
    def stub():
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        taken((1, "one", stub), (2, "two", holds))
    assert taken((1, "one", holds), (2, "two", stub)).reason == "✗ two: there is no answer yet."


def in_parts(shell, answer):
    """Run an answer cell, then a check in two parts, as a notebook does."""
    shell.run_cell(answer)
    return shell.run_cell(
        "from nbjudge import checks as check\n"
        "parts = check.Parts()\n"
        "with parts(1, 'one'):\n"
        "    check.close(f(1), 1, what='f(1)')\n"
        "with parts(2, 'two'):\n"
        "    def second(n):\n"
        "        one, two = f(n)\n"
        "    second(2)\n"
        "parts.points()"
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("1 / 0", "your code stopped with ZeroDivisionError: division by zero, at line 2 of its"),
        ("nothing", "your code stopped with NameError: name 'nothing' is not defined, at line 2"),
        ("assert n == 1", "your code stopped with AssertionError, at line 2 of its cell: `"),
        ("import nothing", "your code stopped with ModuleNotFoundError: No module named"),
        # What goes wrong in the check's own line is not said to be the student's.
        ("3", "your answer could not be used: TypeError: cannot unpack non-iterable int object."),
    ],
)
def test_an_exception_costs_its_part_and_is_told_with_the_students_line(shell, body, told, capsys):
    result = in_parts(shell, f"def f(n):\n    if n == 2: {body}\n    return 1")

    assert repr(result.result) == "1"
    assert result.result.reason.startswith(f"✗ two: {told}")
    assert re.search(r"^1 of 3 points so far\.\nOut\[\d\]: 1$", capsys.readouterr().out, re.M)


def test_a_name_that_is_missing_altogether_ends_the_check(shell, capsys):
    assert isinstance(in_parts(shell, "g = 1").error_in_exec, NameError)
    assert "check.close(f(1), 1" in re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
