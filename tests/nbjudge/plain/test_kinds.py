"""What is taken apart to cross arrives as it was: sets, dates, fractions, arrays of all kinds."""

from __future__ import annotations

import datetime
import io
import random
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import pytest
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
    decode,
    encode,
    plain_types,
    rebuilt,
)
from nbjudge.plain.arrays import ARRAYS
from nbjudge.plain.kinds import LIBRARY

# ---- A strategy for each kind: a new one needs its line here ------------------------------------

atoms = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4)
offsets = st.timedeltas(datetime.timedelta(hours=-23), datetime.timedelta(hours=23))
fixed = st.builds(datetime.timezone, offsets) | st.builds(
    datetime.timezone, offsets, st.text(max_size=5)
)
zones = st.sampled_from(["UTC", "Europe/London", "America/Argentina/Ushuaia", "Etc/GMT+5"]).map(
    zoneinfo.ZoneInfo
)
any_zone = st.none() | fixed | zones
folds = st.sampled_from([0, 1])
datetimes = st.builds(
    lambda moment, zone, fold: moment.replace(tzinfo=zone, fold=fold),
    st.datetimes(),
    any_zone,
    folds,
)
times = st.builds(
    lambda time, zone, fold: time.replace(tzinfo=zone, fold=fold), st.times(), any_zone, folds
)
fractions = st.fractions().filter(lambda f: max(abs(f.numerator), f.denominator) < 2**900)
decimals = st.decimals() | st.sampled_from(
    [*map(Decimal, ["-sNaN12", "NaN3", "-0E+20", "1E-9999"])]
)
ranges = st.builds(
    range, st.integers(-99, 99), st.integers(-99, 99), st.integers(-9, 9).filter(bool)
)
hashable = st.recursive(
    atoms | datetimes | fractions | st.decimals(allow_nan=False) | st.dates(),
    lambda inner: st.lists(inner, max_size=2).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=4,
).filter(lambda key: key == key)
mappings = st.dictionaries(hashable, atoms, max_size=4)
lists = st.lists(atoms | st.lists(atoms, max_size=2), max_size=4)
letters = st.text(st.characters(exclude_characters="\0"), max_size=4)


@st.composite
def sized_arrays(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    """Draw an array of texts, bytes, dates or durations, in either byte order."""
    name = draw(st.sampled_from(["U1", "U5", "S3", "M8[D]", "M8[25us]", "m8[ns]", "m8", "M8[7Y]"]))
    dtype = np.dtype(name)
    if name != "m8":
        dtype = dtype.newbyteorder(draw(st.sampled_from("<>")))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    if dtype.kind == "U":
        size = int(np.prod(shape))
        return np.array(draw(st.lists(letters, min_size=size, max_size=size)), dtype).reshape(shape)
    return np.ndarray(shape, dtype, random_bytes(draw, dtype.itemsize * int(np.prod(shape)))).copy()


@st.composite
def object_arrays(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    elements = draw(lists | st.lists(st.text(max_size=3), max_size=4))
    array = np.empty(len(elements), object)
    for place, element in enumerate(elements):
        array[place] = element
    return array.reshape(draw(st.sampled_from([(-1,), (1, -1), (-1, 1)]))) if elements else array


RECORDS = [
    np.dtype([("a", "<f8"), ("b", ">i4")]),
    np.dtype([("a", "U3"), ("b", "?", (2, 2)), ("c", [("d", "M8[s]"), ("e", "S2")])]),
    np.dtype([("a", "i1"), ("b", "f8")], align=True),
    np.dtype({"names": ["x", "y"], "formats": ["u1", "f4"], "offsets": [3, 8], "itemsize": 20}),
]


@st.composite
def record_arrays(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    dtype = draw(st.sampled_from(RECORDS))
    made = np.zeros(draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0)), dtype)
    for name in dtype.names or ():
        made[name] = draw(st.sampled_from([0, 1]))
    return made


@st.composite
def masked_arrays(draw: st.DrawFn) -> Any:
    data = draw(hnp.arrays(st.sampled_from([np.float64, np.int8]), (3,)))
    mask = draw(st.none() | hnp.arrays(bool, (3,)))
    made: Any = np.ma.MaskedArray(
        data, np.ma.nomask if mask is None else mask, hard_mask=draw(st.booleans())
    )
    if draw(st.booleans()):
        made.fill_value = 3
    return made


@st.composite
def streams(draw: st.DrawFn, kind: type[io.StringIO | io.BytesIO]) -> Any:
    """Draw a stream that was read up to somewhere, or closed."""
    if kind is io.StringIO:
        stream: Any = io.StringIO(newline=draw(st.sampled_from([None, "", "\n", "\r", "\r\n"])))
        stream.write(draw(st.text("ab\r\n\x00é", max_size=6)))
    else:
        stream = io.BytesIO(draw(st.binary(max_size=6)))
    stream.seek(draw(st.integers(0, len(stream.getvalue()))))
    if draw(st.booleans()):
        stream.close()
    return stream


def random_bytes(draw: st.DrawFn, size: int) -> bytes:
    return random.Random(draw(st.integers(0, 2**32))).randbytes(size)


STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "set": st.sets(hashable, max_size=4),
    "frozenset": st.frozensets(hashable, max_size=4),
    "range": ranges,
    "slice": st.builds(slice, atoms, atoms, atoms),
    "deque": st.builds(deque, lists, st.none() | st.integers(4, 9)),
    "Counter": st.builds(Counter, st.lists(hashable, max_size=4)),
    "OrderedDict": mappings.map(OrderedDict),
    "defaultdict": st.builds(
        defaultdict, st.sampled_from([None, int, list, dict, set, str, float]), mappings
    ),
    "Decimal": decimals,
    "Fraction": fractions,
    "date": st.dates(),
    "time": times,
    "datetime": datetimes,
    "timedelta": st.timedeltas(),
    "timezone": fixed,
    "ZoneInfo": zones,
    "StringIO": streams(io.StringIO),
    "BytesIO": streams(io.BytesIO),
    "PurePosixPath": st.text("ab./ ", max_size=6).map(PurePosixPath),
    "PureWindowsPath": st.lists(st.text("aC.", min_size=1, max_size=3)).map(
        lambda parts: PureWindowsPath("C:/", *parts)
    ),
    "numpy.ndarray": sized_arrays() | object_arrays() | record_arrays(),
    "numpy.str": st.text(max_size=4).map(np.str_),
    "numpy.bytes": st.binary(max_size=4).map(np.bytes_),
    "numpy.datetime64": st.just(np.datetime64("NaT"))
    | sized_arrays()
    .filter(lambda a: a.dtype.kind == "M" and a.size)
    .map(lambda a: a.reshape(-1).astype(a.dtype.newbyteorder("="))[0]),
    "numpy.timedelta64": sized_arrays()
    .filter(lambda a: a.dtype.kind == "m" and a.size)
    .map(lambda a: a.reshape(-1).astype(a.dtype.newbyteorder("="))[0]),
    "numpy.void": record_arrays().filter(lambda a: a.size > 0).map(lambda a: a.reshape(-1)[0]),
    "numpy.ma.MaskedArray": masked_arrays(),
    "numpy.ma.masked": st.just(np.ma.masked),
    "numpy.dtype": st.sampled_from([*RECORDS, *map(np.dtype, ["f4", ">i2", "U3", "O", "M8[ns]"])]),
}
every_kind = st.sampled_from(sorted(STRATEGIES)).flatmap(STRATEGIES.__getitem__)


def test_every_kind_has_its_strategy() -> None:
    assert STRATEGIES.keys() == {kind.name for kind in (LIBRARY | ARRAYS).values()}


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_value_of_each_kind_arrives_as_it_was(name: str) -> None:
    @settings(law, max_examples=60)
    @given(STRATEGIES[name])
    def arrives(value: Any) -> None:
        content = encode([value, {"inner": (value,)}])

        first, second = decode(content)

        assert identical(first, value)
        assert identical(second["inner"][0], value)

    arrives()


def test_an_ellipsis_and_a_bytearray_cross() -> None:
    assert identical(
        decode(encode([..., bytearray(b"\0a"), bytearray()])),
        [*(..., bytearray(b"\0a"), bytearray())],
    )


def test_a_path_crosses_from_a_test_to_an_answer_alone() -> None:
    value = [Path("a/b"), {Path("c"): 1}]

    assert identical(decode(encode(value, handed=True), handed=True), value)
    with pytest.raises(NotPlain):
        encode(value)
    with pytest.raises(Malformed, match="unknown kind"):
        decode(encode(value, handed=True))


@law
@given(hashable, atoms)
def test_what_is_hashed_without_harm_can_be_a_key(key: Any, value: Any) -> None:
    assert identical(decode(encode({key: value})), {key: value})


@pytest.mark.parametrize("key", [np.int64(3), np.float32(0.5), np.str_("a"), range(3)], ids=repr)
def test_a_scalar_of_numpy_can_be_a_key(key: Any) -> None:
    arrived = decode(encode({key: 1}))

    assert identical(arrived, {key: 1})
    assert arrived[key] == 1


def test_a_set_keeps_no_order_and_every_element() -> None:
    value = {str(k) for k in range(1000)}

    assert decode(encode(value)) == value


def test_a_counter_of_what_are_no_numbers_arrives() -> None:
    value = Counter({"a": "x"})  # type: ignore[arg-type]

    assert decode(encode(value)) == {"a": "x"}


def test_containers_may_hold_objects_that_stay() -> None:
    number = iter(range(9))

    def refer(_: object) -> Reference:
        return Reference(next(number), "function")

    value = [deque([len, 1]), OrderedDict(a=len), defaultdict(list, a=len), Counter(a=len)]  # type: ignore[arg-type]
    arrived = decode(encode(value, refer=refer), resolve=lambda reference: reference.number)

    assert arrived == [deque([0, 1]), {"a": 1}, {"a": 2}, {"a": 3}]
    assert [type(each) for each in arrived] == [deque, OrderedDict, defaultdict, Counter]


def test_a_function_that_makes_defaults_stays_and_is_called_there() -> None:
    value: defaultdict[str, int] = defaultdict(lambda: 7, a=1)

    content = encode(value, refer=lambda _: Reference(3, "function"))
    arrived = decode(content, resolve=lambda reference: lambda: reference.number)

    assert type(arrived) is defaultdict
    assert (arrived["a"], arrived["b"]) == (1, 3)


# ---- What stays ---------------------------------------------------------------------------------


class Own(set):  # type: ignore[type-arg]
    pass


class Moment(datetime.datetime):
    pass


class Exact(Decimal):
    pass


class Queue(deque):  # type: ignore[type-arg]
    pass


class Foreign(datetime.tzinfo):
    def utcoffset(self, _: object) -> datetime.timedelta:
        return datetime.timedelta(0)


def with_attribute(value: Any) -> Any:
    value.title = "extra"
    return value


def with_metadata() -> np.ndarray[Any, Any]:
    return np.zeros(1, np.dtype([("a", np.dtype("f8", metadata={"a": 1}))]))


def read_beyond(stream: Any) -> Any:
    stream.seek(10**9)
    return stream


STAY: dict[str, Any] = {
    "stream beyond its end": read_beyond(io.StringIO("a")),
    "stream of bytes beyond its end": read_beyond(io.BytesIO(b"a")),
    "stream with an attribute": with_attribute(io.StringIO("a")),
    "subclass of set": Own([1]),
    "subclass of datetime": Moment(2020, 1, 1),
    "subclass of Decimal": Exact(1),
    "subclass of deque": Queue([1]),
    "datetime with a class of somebody's": datetime.datetime(2020, 1, 1, tzinfo=Foreign()),
    "time with a class of somebody's": datetime.time(1, tzinfo=Foreign()),
    "zone from a file": zoneinfo.ZoneInfo.no_cache("UTC"),
    "counter with an attribute": with_attribute(Counter("a")),
    "long range": range(10**8),
    "range longer than can be": range(0, 2**200),
    "path that opens files": Path("a"),
    "set with an object": {len},
    "frozenset with an object": frozenset([len]),
    "slice with an object": slice(len),
    "array with an object": np.array([1, len], object),
    "array with a set of objects": np.array([{len}, 1], object),
    "records of objects": np.zeros(1, [("a", "O")]),
    "records with titles": np.zeros(1, [(("title", "a"), "f8")]),
    "records with overlapping fields": np.zeros(
        1, np.dtype({"names": ["a", "b"], "formats": ["i4", "i2"], "offsets": [0, 2]})
    ),
    "records with metadata": with_metadata(),
    "record array": np.zeros(2, [("a", "f8")]).view(np.recarray),
    "array of nothing": np.zeros(2, "V3"),
    "array of empty texts": np.ndarray(2, "U0"),
    "array of variable texts": np.array(["a"], np.dtypes.StringDType()),
    "durations without a unit, of the other byte order": np.ndarray(1, ">m8", bytes(8)),
    "masked matrix": np.ma.masked_array(np.zeros((1, 1)).view(np.matrix), False),
    "unnamed scalar": np.void(b"abc"),
    "dict with a set that cannot be a key": {frozenset([len]): 1},
}


@pytest.mark.parametrize("odd", STAY.values(), ids=STAY)
def test_what_would_not_arrive_exactly_stays_whole(odd: Any) -> None:
    stays: list[object] = []

    def refer(value: object) -> Reference:
        stays.append(value)
        return Reference(len(stays), "Odd")

    content = encode([1, odd, {"a": (odd, 2)}], refer=refer)

    assert decode(content) == [1, Reference(1, "Odd"), {"a": (Reference(2, "Odd"), 2)}]
    assert stays[0] is odd and stays[1] is odd
    with pytest.raises(NotPlain):
        encode(odd)


@pytest.mark.parametrize(
    "holder",
    [
        lambda odd: deque([odd]),
        lambda odd: OrderedDict(a=odd),
        lambda odd: defaultdict(list, a=odd),
    ],
    ids=["deque", "OrderedDict", "defaultdict"],
)
def test_a_key_that_stays_keeps_its_dict_where_it_is(holder: Any) -> None:
    odd = OrderedDict([((len,), 1)])

    stays: list[object] = []
    encode(holder(odd), refer=lambda value: stays.append(value) or Reference(0, "Odd"))

    assert len(stays) == 1
    assert stays[0] is odd


def test_what_was_written_of_a_value_that_stays_does_not_count() -> None:
    odd = np.array(["x" * 800, len], object)

    content = encode(
        [odd] * 3, ValueBounds(bytes=1000, items=15), refer=lambda _: Reference(0, "o")
    )

    assert decode(content) == [Reference(0, "o")] * 3


# ---- Bounds -------------------------------------------------------------------------------------

SMALL = ValueBounds(bytes=1000, depth=3, items=20)
BEYOND: dict[str, tuple[Any, str]] = {
    "set": (set(range(20)), "it holds more than 20 values"),
    "deque": (deque([None] * 18), "it holds more than 20 values"),
    "counter": (Counter(range(10)), "it holds more than 20 values"),
    "array of objects": (np.array([None] * 20), "it holds more than 20 values"),
    "array of strings": (np.array(["x" * 250]), "it takes more than 1000 bytes"),
    "records": (np.zeros(100, [("a", "f8"), ("b", "f8")]), "it takes more than 1000 bytes"),
    "broadcast objects": (np.broadcast_to(np.array("a", object), 2**40), "more than 1000 bytes"),
    "bytearray": (bytearray(1000), "it takes more than 1000 bytes"),
    "depth": ({frozenset([frozenset([frozenset()])])}, "it is nested more than 3 deep"),
    "depth of an array": (np.array([[[[]]], 1], object), "it is nested more than 3 deep"),
    "digits": (Decimal("1" * 10_001), "a decimal of more than 10000 digits"),
    "power": (Decimal("1E+10001"), "a decimal of more than 10000 digits or powers of ten"),
    "small power": (Decimal("1E-999999"), "a decimal of more than 10000 digits or powers"),
    "numerator": (Fraction(2**1023), "an integer of more than 128 bytes"),
}


@pytest.mark.parametrize(("value", "message"), BEYOND.values(), ids=BEYOND)
def test_a_value_beyond_a_bound_does_not_leave(value: Any, message: str) -> None:
    with pytest.raises(TooMuch, match=message):
        encode(value, SMALL)


@pytest.mark.parametrize("name", ["set", "deque", "counter", "array of objects", "depth"])
def test_a_value_beyond_a_bound_does_not_come_in(name: str) -> None:
    value, message = BEYOND[name]

    with pytest.raises(TooMuch, match=message):
        decode(encode(value), SMALL)


COLLIDING = [step * (2**61 - 1) for step in range(1, 66)]


@pytest.mark.parametrize(
    "made", [set, frozenset, lambda keys: {frozenset(keys): 1}, Counter, OrderedDict.fromkeys]
)
def test_elements_made_to_collide_are_refused_before_a_set_is_made_of_them(made: Any) -> None:
    assert decode(encode(made(COLLIDING[:64]))) == made(COLLIDING[:64])
    with pytest.raises(TooMuch, match="more than 64 keys have one hash"):
        decode(encode(made(COLLIDING)))


@pytest.mark.parametrize(
    "key",
    [
        lambda step: Fraction(step * (2**61 - 1)),
        lambda step: Decimal(step * (2**61 - 1)),
        lambda step: frozenset([step * (2**61 - 1)]),
        lambda step: (step * (2**61 - 1),),
    ],
    ids=["Fraction", "Decimal", "frozenset", "tuple"],
)
def test_keys_of_every_kind_count_when_hashes_collide(key: Any) -> None:
    with pytest.raises(TooMuch, match="more than 64 keys have one hash"):
        decode(encode({key(step) for step in range(1, 66)}))


# ---- Bytes that nobody should believe -----------------------------------------------------------


@settings(law, max_examples=400)
@given(every_kind, st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=3), st.randoms())
def test_bytes_that_were_tampered_with_are_read_or_refused(
    value: Any, mutations: list[str], chance: random.Random
) -> None:
    content = encode(value)
    bounds = ValueBounds(bytes=2 * len(content) + 200, items=100)

    for mutation in mutations:
        content = tampered(content, mutation, chance)

    read_or_refused(content, bounds)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_end_and_every_flipped_bit_is_read_or_refused(name: str) -> None:
    @settings(law, max_examples=2)
    @given(STRATEGIES[name])
    def survives(value: Any) -> None:
        content = encode(value)
        for place in range(len(content)):
            read_or_refused(content[:place])
            for bit in range(8):
                flipped = bytes([content[place] ^ 1 << bit])
                read_or_refused(content[:place] + flipped + content[place + 1 :])

    survives()


def kind(name: str, *parts: bytes) -> bytes:
    return b"k" + text(name) + number(len(parts)) + b"".join(parts)


def of(*values: Any) -> list[bytes]:
    return [encode(value) for value in values]


NASTY: dict[str, tuple[bytes, str]] = {
    "unknown kind": (kind("os.system", *of("true")), "it holds a value of an unknown kind"),
    "no parts": (kind("date"), "it holds a date that cannot be"),
    "too many parts": (kind("date", *of(2020, 1, 1, 1)), "it holds a date that cannot be"),
    "no such day": (kind("date", *of(2021, 2, 29)), "it holds a date that cannot be"),
    "bools for numbers": (kind("date", *of(2021, True, True)), "it holds a date that cannot be"),
    "text for a number": (kind("Fraction", *of("1/2", 1)), "it holds a Fraction that cannot be"),
    "fraction by nothing": (kind("Fraction", *of(1, 0)), "it holds a Fraction that cannot be"),
    "fraction to be cut": (kind("Fraction", *of(2, 4)), "it holds a Fraction that cannot be"),
    "decimal of blanks": (kind("Decimal", *of(" 1 ")), "it holds a Decimal that cannot be"),
    "decimal in Arabic": (kind("Decimal", *of("١")), "it holds a Decimal that cannot be"),
    "decimal beyond": (kind("Decimal", *of("1E+99999")), "a decimal of more than 10000 digits"),
    "decimal beyond all": (kind("Decimal", *of("1E+" + 30 * "9")), "a Decimal that cannot be"),
    "range without steps": (kind("range", *of(0, 1, 0)), "it holds a range that cannot be"),
    "long range": (kind("range", *of(0, 10**9, 1)), "it holds a range that cannot be"),
    "set of a list": (kind("set", *of([])), "a key that is not plain"),
    "set of twice the same": (kind("set", *of(1, True)), "it holds a set that cannot be"),
    "set as a key": (b"{" + number(1) + kind("set") + b"N", "a key that is not plain"),
    "signalling key": (b"{" + number(1) + encode(Decimal("sNaN")) + b"N", "has no hash"),
    "deque with a text": (kind("deque", *of("ab", None)), "it holds a deque that cannot be"),
    "deque shorter than nothing": (kind("deque", *of([], -1)), "it holds a deque that cannot be"),
    "factory that runs": (kind("defaultdict", *of("eval", {})), "a defaultdict that cannot be"),
    "factory that is none": (kind("defaultdict", *of(3, {})), "a defaultdict that cannot be"),
    "zone of text": (
        kind("datetime", *of(2020, 1, 1, 0, 0, 0, 0, "UTC", 0)),
        "it holds a datetime that cannot be",
    ),
    "fold of two": (
        kind("datetime", *of(2020, 1, 1, 0, 0, 0, 0, None, 2)),
        "it holds a datetime that cannot be",
    ),
    "offset of days": (
        kind("timezone", *of(datetime.timedelta(2), None)),
        "it holds a timezone that cannot be",
    ),
    "stream beyond its end": (
        kind("StringIO", *of("a", "\n", 10**12, False)),
        "it holds a StringIO that cannot be",
    ),
    "stream before its beginning": (
        kind("BytesIO", *of(b"a", -1, False)),
        "it holds a BytesIO that cannot be",
    ),
    "stream of other lines": (
        kind("StringIO", *of("a", "x", 0, False)),
        "it holds a StringIO that cannot be",
    ),
    "path that opens files": (kind("PosixPath", *of("a")), "a value of an unknown kind"),
    "path of another spelling": (kind("PurePosixPath", *of("a//b")), "PurePosixPath that cannot"),
    "reference within a set": (kind("set", b"o" + number(0) + text("")), "a key that is not plain"),
    "reference within an array": (
        kind(
            "numpy.ndarray",
            *of(np.dtype(object), (1,)),
            b"[" + number(1) + b"o" + number(0) + text("f"),
            b"N",
        ),
        "it holds an object that stays where only data can be",
    ),
    "reference within a slice": (
        kind("slice", b"o" + number(0) + text("f"), b"N", b"N"),
        "it holds an object that stays where only data can be",
    ),
    "dtype of a class": (kind("numpy.dtype", *of("os.system", None)), "dtype that cannot be"),
    "dtype by commas": (kind("numpy.dtype", *of("f8,O", None)), "numpy.dtype that cannot be"),
    "dtype of fields over each other": (
        kind("numpy.dtype", *of(["a", "b"], ([np.dtype("f8")] * 2, [0, 4], 16, False))),
        "it holds a numpy.dtype that cannot be",
    ),
    "dtype beyond its size": (
        kind("numpy.dtype", *of(["a"], ([np.dtype("f8")], [8], 8, False))),
        "it holds a numpy.dtype that cannot be",
    ),
    "dtype of negative places": (
        kind("numpy.dtype", *of(["a"], ([np.dtype("f8")], [-8], 8, False))),
        "it holds a numpy.dtype that cannot be",
    ),
    "dtype of fields of objects": (
        kind("numpy.dtype", *of(["a"], ([np.dtype("O")], [0], 8, False))),
        "it holds a numpy.dtype that cannot be",
    ),
    "dtype of a huge square": (
        kind("numpy.dtype", *of(np.dtype("f8"), (2**40, 2**40))),
        "its shape is too large",
    ),
    "pointers for objects": (
        kind("numpy.ndarray", *of(np.dtype(object), (1,), bytes(8), None)),
        "it holds a numpy.ndarray that cannot be",
    ),
    "lengths of another text": (
        kind("numpy.ndarray", *of(np.dtype(object), (2,), np.array([1, 5]), "ab")),
        "it holds a numpy.ndarray that cannot be",
    ),
    "negative lengths": (
        kind("numpy.ndarray", *of(np.dtype(object), (2,), np.array([3, -1]), "ab")),
        "it holds a numpy.ndarray that cannot be",
    ),
    "lengths that overflow": (
        kind("numpy.ndarray", *of(np.dtype(object), (3,), np.array([2**62] * 3), "ab")),
        "it holds a numpy.ndarray that cannot be",
    ),
    "objects of another shape": (
        kind("numpy.ndarray", *of(np.dtype(object), (2, 2), [1], None)),
        "it holds a numpy.ndarray that cannot be",
    ),
    "records of another shape": (
        kind("numpy.ndarray", *of(np.dtype([("a", "f8")]), (2,), bytes(8), None)),
        "it holds a numpy.ndarray that cannot be",
    ),
    "records with a bool of 2": (
        kind("numpy.ndarray", *of(np.dtype([("a", "f4"), ("b", "?")]), (1,), b"\2" * 5, None)),
        "a bool that is neither true nor false",
    ),
    "records with what is no character": (
        kind("numpy.ndarray", *of(np.dtype([("a", "i1"), ("b", "U1")]), (1,), b"\xff" * 5, None)),
        "it holds text with what is no character",
    ),
    "date without a unit": (encode(np.datetime64("NaT"))[:-8] + bytes(8), "a date without a unit"),
    "mask of another shape": (
        kind("numpy.ma.MaskedArray", *of(np.zeros(3), np.zeros(2, bool), None, False)),
        "it holds a numpy.ma.MaskedArray that cannot be",
    ),
}


@pytest.mark.parametrize(("content", "message"), NASTY.values(), ids=NASTY)
def test_a_hostile_message_is_refused_with_its_fault(content: bytes, message: str) -> None:
    with pytest.raises((Malformed, TooMuch)) as raised:
        decode(content)

    assert message in str(raised.value)


@pytest.mark.parametrize(
    "key",
    [
        *("../../../etc/passwd", "/etc/localtime", "Europe/../UTC", "a.b/c", ".", "", "UTC\0"),
        *("tzdata.zi", "zone.tab", "Europe", "C:\\UTC", "a/b/c/d", "x" * 300, "No/Such_Zone"),
        "Ｕtc",
    ],
)
def test_a_zone_is_looked_for_by_a_name_that_is_no_path(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_for = []
    known = zoneinfo.ZoneInfo

    class Watched:
        def __new__(cls, name: str) -> Any:
            looked_for.append(name)
            return known(name)

    monkeypatch.setattr("nbjudge.plain.kinds.ZoneInfo", Watched)

    with pytest.raises(Malformed, match="it holds a ZoneInfo that cannot be"):
        decode(kind("ZoneInfo", *of(key)))
    assert set(looked_for) <= {"Europe", "No/Such_Zone"}


# ---- For those who ask --------------------------------------------------------------------------


def test_the_types_that_cross_can_be_asked_for() -> None:
    assert {int, str, list, dict, np.ndarray, set, Decimal, datetime.date} <= {*plain_types()}
    assert object not in plain_types()


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (Own([1, 2]), {1, 2}),
        (
            Moment(2020, 1, 2, tzinfo=datetime.UTC),
            datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC),
        ),
        (Exact("1.50"), Decimal("1.50")),
        (Queue([1], 3), deque([1], 3)),
        (type("Tally", (Counter,), {})("aab"), Counter("aab")),
        (type("Day", (datetime.date,), {})(2020, 1, 2), datetime.date(2020, 1, 2)),
    ],
    ids=["set", "datetime", "Decimal", "deque", "Counter", "date"],
)
def test_a_value_whose_type_extends_a_kind_is_rebuilt_as_of_that_kind(
    value: Any, data: Any
) -> None:
    assert identical(rebuilt(value), data)


def test_a_value_that_extends_no_kind_is_returned_as_it_is() -> None:
    value = object()

    assert rebuilt(value) is value
