"""What crosses between a test and a kernel arrives bit for bit, and no bytes can do harm."""

from __future__ import annotations

import enum
import pickle
import random
import struct
import sys
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from wire_values import MUTATIONS, identical, law, number, read_or_refused, tampered, text

from nbjudge.kernel.wire import (
    Malformed,
    NotPlain,
    Reference,
    TooMuch,
    ValueBounds,
    WireError,
    decode,
    encode,
)

CODES = "?bBhHiIlLqQefdgFDG"
FLOATS = ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"]
INTEGERS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
TENSOR_DTYPES = [
    getattr(torch, name) for name in ["bool", *INTEGERS, *FLOATS] if hasattr(torch, name)
]
SIDES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)


def array(dtype: str, *shape: int) -> bytes:
    return b"a" + text(dtype) + number(len(shape)) + b"".join(map(number, shape))


def tensor(dtype: str, *shape: int, tag: bytes = b"t") -> bytes:
    return tag + text(dtype) + number(len(shape)) + b"".join(map(number, shape))


# Values of every plain type, made from arbitrary bits.

floats = st.floats() | st.binary(min_size=8, max_size=8).map(lambda b: struct.unpack("<d", b)[0])
complexes = st.builds(complex, floats, floats)
surrogates = st.text(st.characters(categories=["Cs"]), max_size=3)
texts = st.text(max_size=8) | st.builds(str.__add__, surrogates, st.text(max_size=3))
integers = st.integers() | st.integers(-(2**1023), 2**1023 - 1)
atoms = st.none() | st.booleans() | integers | floats | complexes | texts | st.binary(max_size=8)
keys = st.recursive(
    atoms, lambda inner: st.lists(inner, max_size=2).map(tuple), max_leaves=3
).filter(lambda key: key == key)

ARRAY_LAYOUTS: list[Callable[[np.ndarray], np.ndarray]] = [
    lambda a: a,
    np.asfortranarray,
    lambda a: a.T,
    lambda a: a[..., ::-1] if a.ndim else a,
    lambda a: np.repeat(a, 2, axis=0)[::2] if a.ndim else a,
    lambda a: np.broadcast_to(a, (2, *a.shape)),
]
TENSOR_LAYOUTS: list[Callable[[torch.Tensor], torch.Tensor]] = [
    lambda t: t,
    lambda t: t.permute(tuple(reversed(range(t.ndim)))),
    lambda t: t.repeat_interleave(2, 0)[::2] if t.ndim else t,
    lambda t: t.expand(2, *t.shape),
    lambda t: t.conj(),
    lambda t: t.conj().imag if t.is_complex() else t,
]


@st.composite
def scalars(draw: st.DrawFn) -> Any:
    dtype = np.dtype(draw(st.sampled_from(CODES)))
    content = draw(st.binary(min_size=dtype.itemsize, max_size=dtype.itemsize))
    if dtype.kind == "b":
        content = bytes([content[0] & 1])
    return np.ndarray((), dtype, content)[()]


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    dtype = np.dtype(draw(st.sampled_from(CODES))).newbyteorder(draw(st.sampled_from("<>")))
    shape = draw(SIDES)
    size = dtype.itemsize * int(np.prod(shape))
    content = np.frombuffer(random_bytes(draw, size), np.uint8)
    if dtype.kind == "b":
        content = content & 1
    made = draw(st.sampled_from(ARRAY_LAYOUTS))(np.ndarray(shape, dtype, content.tobytes()).copy())
    made.flags.writeable = draw(st.booleans())
    return made


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    dtype = draw(st.sampled_from(TENSOR_DTYPES))
    shape = draw(SIDES)
    made = torch.empty(shape, dtype=dtype)
    raw = made.reshape(-1).view(torch.uint8).numpy()
    raw[:] = np.frombuffer(random_bytes(draw, raw.size), np.uint8)
    if dtype is torch.bool:
        raw &= 1
    made = draw(st.sampled_from(TENSOR_LAYOUTS))(made)
    if made.is_floating_point() or made.is_complex():
        made.requires_grad_(draw(st.booleans()))
    return made


def random_bytes(draw: st.DrawFn, size: int) -> bytes:
    return random.Random(draw(st.integers(0, 2**32))).randbytes(size)


plain_values = st.recursive(
    atoms | scalars() | arrays() | tensors(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


# The way there and back.


@law
@given(plain_values)
def test_a_plain_value_arrives_bit_for_bit(value: Any) -> None:
    assert identical(decode(encode(value)), value)


@law
@given(plain_values)
def test_what_comes_may_be_a_view_as_the_transport_delivers_it(value: Any) -> None:
    content = memoryview(bytearray(encode(value)))

    assert identical(decode(content), value)


@pytest.mark.parametrize("code", CODES)
def test_every_dtype_of_numpy_crosses_in_both_byte_orders(code: str) -> None:
    for order in "<>":
        value = np.arange(6).reshape(2, 3).astype(np.dtype(code).newbyteorder(order))

        assert identical(decode(encode(value)), value)


@pytest.mark.parametrize("dtype", TENSOR_DTYPES, ids=str)
def test_every_dtype_of_a_tensor_crosses(dtype: torch.dtype) -> None:
    value = torch.tensor([[0, 1, 1], [1, 0, 1]]).to(dtype)

    assert identical(decode(encode(value)), value)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2**40), (1,) * 64])
def test_odd_shapes_cross(shape: tuple[int, ...]) -> None:
    for value in (np.ones(shape, np.float32), torch.ones(shape)):
        assert identical(decode(encode(value)), value)


@pytest.mark.parametrize("payload", [b"\x01\0\0\0\0\0\xf0\x7f", b"\xef\xbe\xad\xde\0\0\xf8\xff"])
def test_the_payload_of_a_nan_survives_everywhere(payload: bytes) -> None:
    nan = struct.unpack("<d", payload)[0]
    held = np.frombuffer(payload)
    value = [nan, {"nan": (complex(nan, -0.0),)}, held[0], held, torch.from_numpy(held.copy())]

    arrived = decode(encode(value))

    assert struct.pack("<d", arrived[0]) == payload
    assert arrived[3].tobytes() == payload
    assert identical(arrived, value)


@law
@given(arrays() | tensors())
def test_what_arrives_is_writable_and_owns_its_memory(value: Any) -> None:
    content = bytearray(encode(value))

    arrived = decode(memoryview(content))
    if type(arrived) is np.ndarray:
        arrived.fill(1)
        assert arrived.flags.owndata and arrived.flags.aligned
    else:
        arrived.detach().fill_(1)
        assert arrived.is_leaf and not arrived._is_view()

    assert content == encode(value)


def test_a_tensor_that_requires_a_gradient_arrives_as_a_leaf() -> None:
    inner = torch.ones(3, requires_grad=True) * 2

    arrived = decode(encode(inner))
    (arrived * 3).sum().backward()

    assert arrived.is_leaf
    assert arrived.grad.tolist() == [3, 3, 3]


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (torch.tensor([1 + 2j, 3 - 4j]).conj(), [1 - 2j, 3 + 4j]),
        (torch.tensor([1 + 2j, 3 - 4j]).conj().imag, [-2, 4]),
        (torch._neg_view(torch.tensor([1.0, 2.0], dtype=torch.bfloat16)), [-1, -2]),
        (torch._efficientzerotensor(2), [0, 0]),
    ],
    ids=["conjugate", "negative", "negative bfloat16", "zeros"],
)
def test_what_torch_has_put_off_is_done_before_a_tensor_leaves(
    value: torch.Tensor, meant: list[complex]
) -> None:
    arrived = decode(encode(value))

    assert arrived.dtype == value.dtype
    assert arrived.tolist() == meant
    assert not arrived.is_conj() and not arrived.is_neg()


def test_a_tensor_arrives_on_the_cpu_whatever_the_default_device() -> None:
    content = encode(torch.ones(2))

    with torch.device("meta"):
        arrived = decode(content)

    assert arrived.device.type == "cpu"
    assert arrived.tolist() == [1, 1]


def test_the_elements_of_an_array_cross_as_they_are() -> None:
    value = np.arange(1000.0)

    content = encode({"x": value})

    assert content.endswith(value.tobytes())
    assert len(content) < value.nbytes + 100


def test_torch_is_not_imported_for_a_value_without_tensors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "torch")

    decode(encode([1, np.ones(2), object()], refer=lambda _: Reference(0, "object")))

    assert "torch" not in sys.modules


# What is not plain.


class Point(NamedTuple):
    x: float
    y: float


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    pass


class Liar:
    @property
    def __class__(self) -> type:  # type: ignore[override]
        return int


class Secretive(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise KeyError


class Hidden(metaclass=Secretive):
    pass


def nested_tensor() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.nested.nested_tensor([torch.ones(1), torch.ones(2)])


def quantised_tensor() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8)


ODD: dict[str, Any] = {
    "named tuple": Point(1, 2),
    "enumeration": Colour.RED,
    "subclass of str": Text("a"),
    "object that claims to be an int": Liar(),
    "class that hides its name": Hidden(),
    "function": len,
    "class": int,
    "module": struct,
    "object": object(),
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "module of torch": torch.nn.Linear(1, 1),
    "sparse tensor": torch.eye(2).to_sparse(),
    "tensor on meta": torch.ones(2, device="meta"),
    "quantised tensor": quantised_tensor(),
    "nested tensor": nested_tensor(),
    "dtype of torch without a name": torch.quint8,
    "record array": np.zeros(2, [("a", "f8")]).view(np.recarray),
    "array with fields over integers": np.zeros(2, np.dtype((np.int32, {"a": (np.int32, 0)}))),
    "dict with a named tuple as key": {1: 1, (1, Point(1, 2)): 2},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_object_that_is_not_plain_stays_and_is_referred_to(odd: Any) -> None:
    stays: list[object] = []

    def refer(value: object) -> Reference:
        stays.append(value)
        return Reference(len(stays), "Odd")

    content = encode([1, {"a": (odd, "b")}, odd], refer=refer)

    first, second = Reference(1, "Odd"), Reference(2, "Odd")
    assert decode(content) == [1, {"a": (first, "b")}, second]
    assert stays[0] is odd and stays[1] is odd
    with pytest.raises(NotPlain):
        encode([odd])


def test_what_torch_func_passes_to_a_function_stays() -> None:
    kinds = []

    def function(x: torch.Tensor) -> torch.Tensor:
        with pytest.raises(NotPlain) as raised:
            encode(x)
        kinds.append(raised.value.kind)
        return x.sum()

    torch.func.vmap(function)(torch.ones(2, 3))

    assert kinds == ["Tensor (float32, torch.strided, cpu)"]


@pytest.mark.parametrize(
    ("odd", "opening"),
    [
        (object(), "an object cannot leave the notebook: a number, a string, an array, a table, "),
        (Text(), "a Text cannot leave the notebook: "),
        (np.array([len]), "an array of dtype object cannot leave"),
        (torch.eye(2).to_sparse(), "a Tensor (float32, torch.sparse_coo, cpu) cannot leave"),
        ({len: 2}, "a dict with a key of type builtin_function_or_method cannot leave"),
        (Hidden(), "a Hidden cannot leave"),
    ],
    ids=["object", "subclass", "array", "tensor", "dict", "hidden"],
)
def test_a_refusal_names_the_kind_of_object(odd: Any, opening: str) -> None:
    with pytest.raises(NotPlain) as raised:
        encode(odd)

    assert str(raised.value).startswith(opening)


def test_the_name_of_a_type_is_cut_and_made_printable() -> None:
    hostile = type("\x1b[2J\u202e" + 1000 * "x", (), {})

    with pytest.raises(NotPlain) as raised:
        encode(hostile())

    assert raised.value.kind == "\ufffd[2J\ufffd" + 95 * "x"
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_the_kind_of_a_reference_is_cut_and_made_printable() -> None:
    content = encode(object(), refer=lambda _: Reference(3, "\n" + 1000 * "x"))

    assert decode(content) == Reference(3, "\ufffd" + 199 * "x")


def test_references_cross_as_they_are_and_become_what_the_receiver_wants() -> None:
    content = encode([Reference(2**53 - 1, "Momentum")])

    assert decode(content) == [Reference(2**53 - 1, "Momentum")]
    assert decode(content, resolve=lambda reference: reference.kind) == ["Momentum"]


def test_refer_and_resolve_may_refuse() -> None:
    def refuse(_: object) -> Any:
        raise NotPlain("lambda")

    with pytest.raises(NotPlain, match="a lambda cannot leave"):
        encode([len], refer=refuse)
    with pytest.raises(NotPlain, match="a lambda cannot leave"):
        decode(encode(Reference(0, "f")), resolve=refuse)


def test_a_list_that_changes_while_it_is_sent_gives_bytes_that_can_be_read() -> None:
    values: list[Any] = [object(), 2]

    def refer(_: object) -> Reference:
        values.extend(range(1000))
        return Reference(0, "object")

    assert decode(encode(values, ValueBounds(items=3), refer=refer)) == [Reference(0, "object"), 2]


# Bounds.


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)

SMALL = ValueBounds(bytes=1000, depth=3, items=10)
WITHIN: dict[str, Any] = {
    "bytes": b"x" * 991,
    "text": "x" * 991,
    "array": np.zeros(973, np.uint8),
    "depth": deep(3),
    "items": [None] * 9,
    "dict": dict.fromkeys(range(4)),
    "integer": 2**1023 - 1,
    "negative integer": -(2**1023),
}
BEYOND: dict[str, tuple[Any, str]] = {
    "bytes": (b"x" * 992, "it takes more than 1000 bytes"),
    "text": ("x" * 992, "it takes more than 1000 bytes"),
    "wide text": ("\N{MICRO SIGN}" * 600, "it takes more than 1000 bytes"),
    "array": (np.zeros(974, np.uint8), "it takes more than 1000 bytes"),
    "broadcast array": (np.broadcast_to(1.0, 2**40), "it takes more than 1000 bytes"),
    "expanded tensor": (torch.ones(1).expand(2**40), "it takes more than 1000 bytes"),
    "arrays": ([np.zeros(400)] * 2, "it takes more than 1000 bytes"),
    "depth": (deep(4), "it is nested more than 3 deep"),
    "depth of a key": ({((((),),),): 1}, "it is nested more than 3 deep"),
    "endless": (ENDLESS, "it is nested more than 3 deep"),
    "items": ([None] * 10, "it holds more than 10 values"),
    "items below": ([[None] * 5, [None] * 5], "it holds more than 10 values"),
    "dict": (dict.fromkeys(range(5)), "it holds more than 10 values"),
    "integer": (2**1023, "it holds an integer of more than 128 bytes"),
    "shape": (np.zeros((0, 2**50), np.float64), "its shape is too large"),
    "shape of a tensor": (torch.zeros(2**60, 0), "its shape is too large"),
    "dimensions": (torch.zeros((1,) * 65), "it has more than 64 dimensions"),
}


@pytest.mark.parametrize("value", WITHIN.values(), ids=WITHIN)
def test_a_value_at_a_bound_crosses(value: Any) -> None:
    assert identical(decode(encode(value, SMALL), SMALL), value)


@pytest.mark.parametrize(("value", "message"), BEYOND.values(), ids=BEYOND)
def test_a_value_beyond_a_bound_is_refused_with_the_bound(value: Any, message: str) -> None:
    with pytest.raises(TooMuch) as raised:
        encode(value, SMALL)

    assert str(raised.value) == message


@pytest.mark.parametrize(
    "beyond", ["bytes", "text", "array", "arrays", "depth", "depth of a key", "items", "dict"]
)
def test_the_receiver_keeps_the_same_bounds(beyond: str) -> None:
    value, message = BEYOND[beyond]
    content = encode(value)

    with pytest.raises(TooMuch) as raised:
        decode(content, SMALL)

    assert str(raised.value) == message


def test_megabytes_are_called_so() -> None:
    with pytest.raises(TooMuch, match=r"^it takes more than 64 MB$"):
        encode(np.broadcast_to(0, 2**30))


@pytest.mark.parametrize(
    "value",
    [bytes(2**25), "x" * 2**25, np.zeros(2**25, np.uint8)[::-1], [None] * 2**22, [0] * 2**22],
    ids=["bytes", "text", "array", "list", "numbers"],
)
def test_a_value_is_measured_before_anything_of_its_size_is_built(value: Any) -> None:
    def refused() -> None:
        with pytest.raises(TooMuch):
            encode(value, ValueBounds(bytes=2**20))

    assert peak(refused) < 2**20


def test_more_nesting_than_the_stack_bears_is_too_much() -> None:
    content = (b"[" + number(1)) * 100_000

    with pytest.raises(TooMuch, match="more memory than there is"):
        decode(content, ValueBounds(depth=10**6, items=10**6))


def test_keys_made_to_collide_are_refused_before_a_dict_is_made_of_them() -> None:
    keys = [step * (2**61 - 1) for step in range(1, 66)]

    assert len(decode(encode(dict.fromkeys(keys[:64])))) == 64
    with pytest.raises(TooMuch, match="more than 64 keys have one hash"):
        decode(encode(dict.fromkeys(keys)))


def test_all_powers_of_two_may_be_keys() -> None:
    value = {2.0**k: k for k in range(-1074, 1024)}

    assert identical(decode(encode(value)), value)


# Bytes that nobody should believe.


numbers = st.sampled_from([0, 1, 2, 3, 8, 16, 2**31, 2**53, 2**63, 2**64 - 1])
arrayed = ["|?", "<d", ">d", "<g", "=d", "d", "|O", "|V8", "<M8"]
names = st.sampled_from([*arrayed, "bool", "float64", "quint8", "dtype"])
shapes = st.lists(numbers | st.sampled_from([0, 1, 2]), max_size=3)
tokens = (
    st.sampled_from([b"N", b"T", b"F", b"i", b"f", b"c", b"s", b"b", b"n", b"o", b"a", b"t", b"g"])
    | st.tuples(st.sampled_from([b"(", b"[", b"{"]), numbers.map(number)).map(b"".join)
    | st.builds(lambda name, shape: array(name, *shape), names, shapes)
    | st.builds(
        lambda name, shape, tag: tensor(name, *shape, tag=tag),
        names,
        shapes,
        st.sampled_from([b"t", b"g"]),
    )
    | st.builds(lambda name: b"n" + text(name), names | st.sampled_from("?dgG"))
    | st.builds(lambda content: b"s" + text(content), st.binary(max_size=6))
    | st.builds(lambda content: b"i" + text(content), st.binary(max_size=6))
    | numbers.map(number)
    | st.binary(max_size=16)
)


@law
@given(st.binary(max_size=160))
def test_arbitrary_bytes_are_read_or_refused(content: bytes) -> None:
    read_or_refused(content)


@settings(law, max_examples=1000)
@given(st.lists(tokens, max_size=8).map(b"".join), st.binary(max_size=72))
def test_arbitrary_grammar_is_read_or_refused(head: bytes, elements: bytes) -> None:
    read_or_refused(head + elements)


@settings(law, max_examples=500)
@given(plain_values, st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=3), st.randoms())
def test_bytes_that_were_tampered_with_are_read_or_refused(
    value: Any, mutations: list[str], chance: random.Random
) -> None:
    content = encode(value)
    # No larger than needed: what is read must fit once more.
    bounds = ValueBounds(bytes=len(content) + 4, items=50)

    for mutation in mutations:
        content = tampered(content, mutation, chance)

    read_or_refused(content, bounds)


HUGE = number(2**64 - 1)
NASTY: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "it ends too early"),
    "unknown tag": (b"x", "it holds something unknown"),
    "two values": (b"NN", "it goes on after its end"),
    "one array, elements of two": (array("<d", 1) + bytes(16), "it goes on after its end"),
    "two arrays, elements of one": (
        b"[" + number(2) + array("<d", 1) + bytes(8) + array("<d", 1),
        "its shape does not fit its data",
    ),
    "no data": (array("<d", 1), "its shape does not fit its data"),
    "too little data": (array("<d", 2) + bytes(15), "its shape does not fit its data"),
    "too much data": (array("<d", 2) + bytes(17), "it goes on after its end"),
    "half a number": (b"f\0\0\0", "it ends too early"),
    "short text": (b"s" + number(2) + b"a", "it ends too early"),
    "endless text": (b"s" + HUGE, "it ends too early"),
    "endless bytes": (b"b" + HUGE, "it ends too early"),
    "broken text": (b"s" + text(b"\xff"), "it holds text that is not UTF-8"),
    "endless list": (b"[" + HUGE, "it holds more than 100000 values"),
    "endless dict": (b"{" + HUGE, "it holds more than 100000 values"),
    "short list": (b"[" + number(9), "it ends too early"),
    "a million brackets": ((b"[" + number(1)) * 10**6, "it is nested more than 16 deep"),
    "a million braces": ((b"{" + number(1)) * 10**6, "it holds a dict with a key that is not"),
    "a million parentheses": (b"{" + number(1) + (b"(" + number(1)) * 10**6, "nested more than"),
    "empty integer": (b"i" + text(b""), "it holds an integer of a wrong size"),
    "huge integer": (b"i" + text(bytes(129)), "it holds an integer of a wrong size"),
    "endless integer": (b"i" + HUGE, "it holds an integer of a wrong size"),
    "list as key": (b"{" + number(1) + b"[" + number(0) + b"N", "a key that is not plain"),
    "array as key": (b"{" + number(1) + array("<d", 0) + b"N", "a key that is not plain"),
    "object as key": (b"{" + number(1) + b"o" + number(0) + text("") + b"N", "a key that is not"),
    "list in a key": (
        b"{" + number(1) + b"(" + number(1) + b"[" + number(0) + b"N",
        "a key that is not plain",
    ),
    "equal keys": (b"{" + number(2) + b"Ti" + text(b"\x01") + b"NN", "the same key twice"),
    "array of objects": (array("|O", 1) + bytes(8), "it holds an array of an unknown dtype"),
    "array of records": (array("f8,f8", 1) + bytes(16), "an array of an unknown dtype"),
    "array of what are no characters": (
        array("<U1", 1) + b"\0\0\x11\0",
        "it holds text with what is no character",
    ),
    "array of texts of no length": (array("<U0", 1), "an array of an unknown dtype"),
    "array of dates of no unit": (array("<M8[x]", 1) + bytes(8), "an array of an unknown dtype"),
    "array of nothing": (array("|V0", 1), "an array of an unknown dtype"),
    "scalar object": (b"n" + text("O") + bytes(8), "it holds a scalar of an unknown dtype"),
    "tensor of objects": (tensor("Tensor", 1) + bytes(8), "it holds a tensor of an unknown dtype"),
    "quantised tensor": (tensor("quint8", 1) + bytes(1), "a tensor of an unknown dtype"),
    "gradient of integers": (tensor("int64", 1, tag=b"g") + bytes(8), "a tensor of an unknown"),
    "too many sides": (array("<d", *[1] * 65) + bytes(8), "it has more than 64 dimensions"),
    "endless sides": (b"a" + text("<d") + HUGE, "it has more than 64 dimensions"),
    "huge sides": (array("<d", 2**63, 2**63), "its shape is too large"),
    "sides that overflow to nothing": (array("<d", 2**32, 2**32), "its shape is too large"),
    "huge sides and none": (array("<d", 0, 2**64 - 1, 2**64 - 1), "its shape is too large"),
    "huge tensor of nothing": (tensor("float64", 0, 2**62, 2**62), "its shape is too large"),
    "array with a bool of 2": (array("|?", 2) + b"\1\2", "a bool that is neither true nor false"),
    "scalar bool of 2": (b"n" + text("?") + b"\2", "a bool that is neither true nor false"),
    "tensor with a bool of 255": (tensor("bool", 1) + b"\xff", "neither true nor false"),
    "huge number of an object": (b"o" + number(2**53) + text(""), "a reference that cannot be"),
    "endless kind": (b"o" + number(0) + text("x" * 201), "a reference that cannot be"),
}


@pytest.mark.parametrize(("content", "message"), NASTY.values(), ids=NASTY)
def test_a_hostile_message_is_refused_with_its_fault(content: bytes, message: str) -> None:
    with pytest.raises((Malformed, TooMuch)) as raised:
        decode(content)

    assert message in str(raised.value)


@pytest.mark.parametrize("content", [b"\xff" * 16, b"\0" * 8 + b"\x01\x40" + b"\0" * 6])
def test_a_long_double_that_no_arithmetic_makes_is_harmless(content: bytes) -> None:
    if np.dtype("g").itemsize != 16:
        pytest.skip("long doubles are shorter here")

    (value,) = decode(array("<g", 1) + content)

    assert value != 1
    assert repr(value)
    assert not np.isclose(np.float64(value), 1.0)


def test_resolving_is_not_reached_by_a_reference_that_cannot_be() -> None:
    resolved: list[Reference] = []

    with pytest.raises(Malformed):
        decode(b"o" + number(2**63) + text("x"), resolve=resolved.append)

    assert resolved == []


def peak(work: Callable[[], object]) -> int:
    """Return the bytes that Python and NumPy held at most while something ran."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


DENSE: dict[str, bytes] = {
    "nothing": b"N",
    "empty lists": b"[" + number(0),
    "empty dicts": b"{" + number(0),
    "text": b"s" + text("a"),
    "wide text": b"s" + text("\N{GRINNING FACE}"),
    "integers": b"i" + text(b"\1\2\3\4"),
    "scalars": b"n" + text("d") + bytes(8),
    "references": b"o" + number(0) + text("x"),
}


@pytest.mark.parametrize("item", DENSE.values(), ids=DENSE)
def test_a_message_takes_memory_in_proportion_to_its_size(item: bytes) -> None:
    message = b"[" + number(10_000) + 10_000 * item

    assert peak(lambda: decode(message)) < 20 * len(message) + 2**18


@pytest.mark.parametrize("content", [content for content, _ in NASTY.values()], ids=NASTY)
def test_a_hostile_message_takes_little_memory(content: bytes) -> None:
    def refused() -> None:
        with pytest.raises(WireError):
            decode(content)

    assert peak(refused) < 2**20


def test_a_class_that_says_it_is_another_is_not_taken_for_it() -> None:
    class Named(type):
        def __eq__(cls, other: object) -> bool:
            return True

        def __hash__(cls) -> int:
            return hash(int)

    class Posing(metaclass=Named):
        pass

    assert decode(encode(Posing(), refer=lambda _: Reference(1, "Posing"))) == Reference(
        1, "Posing"
    )
    with pytest.raises(NotPlain):
        encode({Posing(): 1})
