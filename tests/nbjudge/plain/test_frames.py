"""Tables, columns and indexes arrive exactly, or stay."""

from __future__ import annotations

import datetime
import random
import sys
import zoneinfo
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import pandas as pdst
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
    plain_types,
    rebuilt,
)
from nbjudge.plain.frames import FRAMES

LONDON = zoneinfo.ZoneInfo("Europe/London")
DAYS = pd.date_range("2026-03-28", periods=3, freq="D")


def with_parts(values: Any, unique: bool = False, **attributes: Any) -> Any:
    values.attrs.update(attributes)
    values.flags.allows_duplicate_labels = not unique
    return values


#: Examples of each kind, by its name: a new one needs its line here.
EXAMPLES: dict[str, list[Any]] = {
    "pandas.Timestamp": [
        pd.Timestamp("2026-01-02 03:04:05.678901234"),
        pd.Timestamp("2026-07-29 01:30", tz=LONDON),
        pd.Timestamp("2026-10-25 01:30", tz="UTC").tz_convert(LONDON),
        pd.Timestamp(2026, 1, 1, tz=datetime.timezone(datetime.timedelta(hours=2))),
        pd.Timestamp(np.datetime64("1500-01-01", "s")),
    ],
    "pandas.Timedelta": [pd.Timedelta("3 days 1 ns"), pd.Timedelta(np.timedelta64(3, "s"))],
    "pandas.Period": [pd.Period("2026-01", "M"), pd.Period("2026Q3"), pd.Period("2026-01-05", "W")],
    "pandas.Interval": [pd.Interval(0, 1.5, "both"), pd.Interval(*DAYS[:2])],
    "pandas.NA": [pd.NA],
    "pandas.NaT": [pd.NaT],
    "pandas.StringDtype": [pd.StringDtype(), pd.StringDtype(na_value=np.nan)],
    "pandas.CategoricalDtype": [
        pd.CategoricalDtype(),
        pd.CategoricalDtype(["b", "a"], ordered=True),
        pd.CategoricalDtype([1.5, 2.5]),
    ],
    "pandas.DatetimeTZDtype": [pd.DatetimeTZDtype("us", LONDON)],
    "pandas.PeriodDtype": [pd.PeriodDtype("M")],
    "pandas.IntegerArray": [pd.array([1, None, 3]), pd.array([1, None], dtype="UInt8")],
    "pandas.FloatingArray": [pd.array([1.5, None]), pd.array([0.1], dtype="Float32")],
    "pandas.BooleanArray": [pd.array([True, None, False])],
    "pandas.StringArray": [
        pd.array(["a", None, ""], dtype="string"),
        pd.array(["a", None, "\ud800"], dtype="str"),
    ],
    "pandas.Categorical": [
        pd.Categorical(["a", None, "b"], categories=["b", "a", "c"]),
        pd.Categorical([3, 1], ordered=True),
        pd.cut([1, 2, 3], 2),
    ],
    "pandas.DatetimeArray": [pd.array(DAYS.tz_localize(LONDON)), DAYS.tz_localize("UTC").array],
    "pandas.PeriodArray": [pd.array(pd.period_range("2026", periods=3, freq="Q-JAN"))],
    "pandas.IntervalArray": [pd.arrays.IntervalArray.from_breaks([0.0, 1, 4], closed="left")],
    "pandas.RangeIndex": [pd.RangeIndex(2, 9, 3, name="n"), pd.RangeIndex(5, 0, -1)],
    "pandas.MultiIndex": [
        pd.MultiIndex.from_product([[1, 2], ["a", "b"]], names=["x", None]),
        pd.MultiIndex.from_tuples([(1, DAYS[0]), (None, DAYS[1])]),
        pd.MultiIndex.from_arrays([[], pd.CategoricalIndex([])]),
    ],
    "pandas.Index": [
        *(pd.Index([1, 2]), pd.Index([1.5]), pd.Index(["a", None]), pd.Index([], name="n")),
        *(pd.Index(["a", 1, None], name=("x", 1)), pd.Index([(1, 2), (3, 4)], tupleize_cols=False)),
        *(pd.Index([True, False]), pd.Index([1, 2], dtype="int8")),
        pd.Index([1, None], dtype="Int64"),
        *(DAYS, DAYS[[0, 2]], DAYS.tz_localize(LONDON), DAYS.as_unit("s"), DAYS._with_freq(None)),
        pd.date_range("2026", periods=3, freq="QE-MAR", tz="UTC", name="when"),
        *(pd.timedelta_range("1s", periods=3, freq="2s"), pd.to_timedelta([3, 1], unit="h")),
        pd.period_range("2026", periods=3, freq="2W-SUN"),
        pd.interval_range(0, 3),
        pd.CategoricalIndex(["a", "b", "a"], categories=["b", "a"], ordered=True, name="c"),
    ],
    "pandas.Series": [
        *(pd.Series([1, 2], name="x"), pd.Series([], dtype=float), pd.Series(["a", None])),
        *(pd.Series([1, None], dtype="Int64"), pd.Series(DAYS, index=DAYS), pd.Series([{1}, [2]])),
        *(pd.Series([1, 2], dtype="float16"), pd.Series([1j]), pd.Series([1, 2], index=list("ab"))),
        *(pd.Series(["a"], dtype=object), pd.Series([DAYS[0], pd.NaT, None, pd.NA], dtype=object)),
        with_parts(pd.Series([1], name=("a", 1)), unique=True, unit={"of": ["x"]}),
        pd.Series(["x", "y", "x"]).value_counts(),
        pd.DataFrame({"a": ["x"], "b": [1]}).dtypes,
    ],
    "pandas.DataFrame": [
        *(pd.DataFrame(), pd.DataFrame(index=[1, 2]), pd.DataFrame(columns=["a"])),
        pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]),
        pd.DataFrame(np.arange(6.0).reshape(2, 3)).T,
        with_parts(pd.DataFrame({"a": [1]}), unique=True, source="x"),
        pd.DataFrame({
            "a": [1, 2], "b": ["x", None], "c": pd.Categorical(["u", "v"]), "d": DAYS[:2],
            "e": DAYS[:2].tz_localize(LONDON), "f": [{1}, [2]], "g": pd.array([1, None]),
            "h": np.array(["x", "y"], object), "i": np.float32([1, 2]), "j": [True, False],
        }),
        pd.DataFrame({"g": [1, 1, 2], "v": [1, 2, 3]}).groupby("g").agg(["sum", "mean"]),
        pd.DataFrame({"a": [1, 2], "b": [1.5, 2]}).describe(),
        pd.DataFrame({"v": [1, 2, 3]}, index=DAYS).resample("2D").sum(),
        pd.crosstab(pd.Series([1, 2], name="x"), pd.Series(["a", "b"], name="y")),
        pd.DataFrame({"a": [1, 2], "b": [3, 4]}).melt().pivot_table(columns="variable"),
        pd.DataFrame({"a": [3, 1]}).sort_values("a"),
    ],
    **{
        f"pandas.{name}": [getattr(pd, name)()]
        for name in FRAMES
        if name.startswith(("Int", "UInt", "Float", "Boolean")) and name.endswith("Dtype")
        and name != "IntervalDtype"
    },
}  # fmt: skip
ALL = [(name, value) for name, values in EXAMPLES.items() for value in values]
ids = [f"{name.removeprefix('pandas.')} {place}" for place, (name, _) in enumerate(ALL)]


def test_every_kind_has_its_examples() -> None:
    assert EXAMPLES.keys() == {kind.name for kind in FRAMES.values()}


@pytest.mark.parametrize(("name", "value"), ALL, ids=ids)
def test_a_value_of_each_kind_arrives_exactly(name: str, value: Any) -> None:
    content = encode([value, {"a": value}])

    first, second = decode(content)

    assert text(name) in content
    assert identical(first, value)
    assert identical(second["a"], value)


elements = st.none() | st.integers(-(2**60), 2**60) | st.text(max_size=3) | st.floats()
labels = st.text(max_size=3) | st.integers(-5, 5)
columns = st.lists(
    st.sampled_from([
        *(pdst.column(dtype=dtype) for dtype in ("int8", "float64", "bool", "M8[ns]", "m8[ns]")),
        pdst.column(elements=elements, dtype=object),
        pdst.column(elements=st.text(max_size=3), dtype=object),
    ]),
    max_size=4,
)  # fmt: skip


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    index = pdst.range_indexes(max_size=4) | pdst.indexes(dtype=np.int64, max_size=4)
    frame = draw(pdst.data_frames(draw(columns), index=index))
    frame.columns = pd.Index(
        draw(st.lists(labels, min_size=frame.shape[1], max_size=frame.shape[1])),
        name=draw(st.none() | labels),
        **({} if frame.shape[1] else {"dtype": object}),
    )
    return frame


@settings(law, max_examples=60)
@given(frames())
def test_a_table_arrives_exactly(frame: pd.DataFrame) -> None:
    assert identical(decode(encode(frame)), frame)


def test_what_arrives_can_be_changed_and_changes_nothing_else() -> None:
    content = encode(pd.DataFrame({"a": [1, 2], "b": [3.0, 4.0], "c": ["x", "y"]}))

    frame = decode(memoryview(bytearray(content)))
    frame.loc[0, "a"] = 7
    frame["b"] += 1
    frame["c"] = frame["c"].str.upper()

    assert frame.to_dict("list") == {"a": [7, 2], "b": [4.0, 5.0], "c": ["X", "Y"]}
    assert encode(decode(content)) == content


def test_dates_can_be_keys() -> None:
    value = {DAYS[0]: 1, pd.Timedelta(1, "s"): 2, pd.Period("2026"): 3}

    assert identical(decode(encode(value)), value)


def test_a_column_of_many_texts_is_few_values() -> None:
    frame = pd.DataFrame({"a": [str(k) for k in range(200_000)], "b": ["x"] * 200_000})

    assert decode(encode(frame)).equals(frame)


def test_pandas_is_not_imported_for_a_value_without_tables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "pandas")

    decode(encode([1, np.ones(2), {3}, object()], refer=lambda _: Reference(0, "object")))

    assert "pandas" not in sys.modules
    assert "DataFrame" not in {kind.__name__ for kind in plain_types()}


def test_a_table_without_pandas_to_read_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encode(pd.DataFrame({"a": [1]}))
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(WireError, match=r"there is a table .* and no pandas to read it with"):
        decode(content)


# ---- What stays ---------------------------------------------------------------------------------


class OwnFrame(pd.DataFrame):
    pass


class OwnSeries(pd.Series):  # type: ignore[type-arg]
    pass


class Day(pd.offsets.DateOffset):
    pass


def with_attribute(values: Any) -> Any:
    object.__setattr__(values, "title", "extra")
    return values


STAY: dict[str, Any] = {
    "subclass of a table": OwnFrame({"a": [1]}),
    "subclass of a column": OwnSeries([1]),
    "table with an attribute": with_attribute(pd.DataFrame({"a": [1]})),
    "column with an attribute": with_attribute(pd.Series([1])),
    "table with an object": pd.DataFrame({"a": [len], "b": [1]}),
    "table with attributes that stay": with_parts(pd.DataFrame({"a": [1]}), source=len),
    "index with an object": pd.Index([len, 1]),
    "index of lists": pd.Index([[1], [2]]),
    "sparse column": pd.Series(pd.arrays.SparseArray([0, 1])),
    "table with a sparse column": pd.DataFrame({"a": pd.arrays.SparseArray([0, 1]), "b": [1, 2]}),
    "column of a zone of somebody's": pd.Series(
        DAYS.tz_localize(zoneinfo.ZoneInfo.no_cache("UTC"))
    ),
    "frequency that no text gives": pd.date_range(
        "2026", periods=3, freq=pd.offsets.DateOffset(months=1)
    ),
    "name that is an object": pd.Series([1], name=len),
    "groups": pd.DataFrame({"a": [1]}).groupby("a"),
    "accessor": pd.Series(["a"]).str,
    "long index of steps": pd.RangeIndex(10**9),
}


@pytest.mark.parametrize("odd", STAY.values(), ids=STAY)
def test_what_would_not_arrive_exactly_stays_whole(odd: Any) -> None:
    stays: list[object] = []

    def refer(value: object) -> Reference:
        stays.append(value)
        return Reference(len(stays), "Odd")

    content = encode([odd, [odd]], refer=refer)

    assert decode(content) == [Reference(1, "Odd"), [Reference(2, "Odd")]]
    assert stays[0] is odd and stays[1] is odd
    with pytest.raises(NotPlain):
        encode(odd)


def test_the_data_of_a_subclass_can_be_asked_for() -> None:
    frame = OwnFrame({"a": [1, 2]})
    frame.attrs["source"] = "x"
    column = OwnSeries([1], name="a")

    assert identical(rebuilt(frame), with_parts(pd.DataFrame({"a": [1, 2]}), source="x"))
    assert identical(rebuilt(column), pd.Series([1], name="a"))


# ---- Bounds, and bytes that nobody should believe -----------------------------------------------


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (pd.DataFrame(np.zeros((60, 60))), "it takes more than 20000 bytes"),
        (pd.DataFrame({"a": ["x" * 20000]}), "it takes more than 20000 bytes"),
        (pd.DataFrame([range(60)], dtype=object), "it holds more than 90 values"),
        (pd.Series([[1]] * 60), "it holds more than 90 values"),
        (pd.Series([[[[[[[1]]]]]], 1]), "it is nested more than 6 deep"),
    ],
    ids=["numbers", "text", "columns", "objects", "depth"],
)
def test_a_table_beyond_a_bound_crosses_in_no_direction(value: Any, message: str) -> None:
    bounds = ValueBounds(bytes=20000, depth=6, items=90)

    with pytest.raises(TooMuch, match=message):
        encode(value, bounds)
    with pytest.raises(TooMuch, match=message):
        decode(encode(value), bounds)


def test_labels_made_to_collide_are_refused() -> None:
    colliding = [step * (2**61 - 1) for step in range(1, 66)]

    with pytest.raises(TooMuch, match="more than 64 keys have one hash"):
        encode(pd.Index([*colliding, "x"]))
    with pytest.raises(TooMuch, match="more than 64 keys have one hash"):
        decode(kind("pandas.Index", *of(np.array(colliding, object), None, None)))


@settings(law, max_examples=400)
@given(
    st.sampled_from(ALL),
    st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=3),
    st.randoms(),
)
def test_bytes_that_were_tampered_with_are_read_or_refused(
    example: tuple[str, Any], mutations: list[str], chance: random.Random
) -> None:
    content = encode(example[1])
    bounds = ValueBounds(bytes=2 * len(content) + 1000, items=300)

    for mutation in mutations:
        content = tampered(content, mutation, chance)

    read_or_refused(content, bounds)


@pytest.mark.parametrize("value", [values[0] for values in EXAMPLES.values()], ids=EXAMPLES)
def test_every_end_and_every_flipped_byte_is_read_or_refused(value: Any) -> None:
    content = encode(value)
    for place in range(len(content)):
        read_or_refused(content[:place])
        for flip in (1, 4, 32, 255):
            read_or_refused(content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :])


def kind(name: str, *parts: bytes) -> bytes:
    return b"k" + text(name) + number(len(parts)) + b"".join(parts)


def of(*values: Any) -> list[bytes]:
    return [encode(value) for value in values]


INDEX = pd.RangeIndex(2)


def made(name: str, *parts: Any) -> bytes:
    return kind(f"pandas.{name}", *of(*parts))


NASTY: dict[str, bytes] = {
    "table of a list of texts": made("DataFrame", ["ab"], INDEX, INDEX, {}, True),
    "table of other labels": made("DataFrame", np.zeros((3, 2)), INDEX, INDEX, {}, True),
    "table of fewer columns": made("DataFrame", [np.zeros(2)], INDEX, INDEX, {}, True),
    "table of longer columns": made("DataFrame", [np.zeros(3)] * 2, INDEX, INDEX, {}, True),
    "table without an index": made("DataFrame", [], None, INDEX, {}, True),
    "table of cubes": made("DataFrame", np.zeros((2, 2, 2)), INDEX, INDEX, {}, True),
    "column of texts of NumPy": made("Series", np.array(["a", "b"]), INDEX, None, {}, True),
    "column of another byte order": made("Series", np.zeros(2, ">f8"), INDEX, None, {}, True),
    "column of days": made("Series", np.zeros(2, "M8[D]"), INDEX, None, {}, True),
    "column of squares": made("Series", np.zeros((2, 2)), INDEX, None, {}, True),
    "column of records": made("Series", np.zeros(2, [("a", "f8")]), INDEX, None, {}, True),
    "labels that must not repeat": made("Series", np.zeros(2), pd.Index([1, 1]), None, {}, False),
    "name without a hash": made("Series", np.zeros(2), INDEX, [1], {}, True),
    "index of another frequency": made("Index", np.array([0, 5], "M8[ns]"), None, "D"),
    "frequency of numbers": made("Index", np.array([1, 2]), None, "D"),
    "frequency of nonsense": made("Index", np.array([0], "M8[ns]"), None, "__import__('os')"),
    "small floats as labels": made("Index", np.zeros(2, "f2"), None, None),
    "codes of no category": made("Categorical", pd.CategoricalDtype(["a"]), np.array([1], "i1")),
    "codes of no dtype": made("Categorical", pd.CategoricalDtype(), np.array([0], "i1")),
    "categories twice": made("CategoricalDtype", pd.Index(["a", "a"]), False),
    "codes of no level": made("MultiIndex", [pd.Index(["a"])], [np.array([5])], [None]),
    "fewer levels than codes": made("MultiIndex", [pd.Index(["a"])], [np.array([0])] * 2, [None]),
    "levels that are none": made("MultiIndex", [["a"]], [np.array([0])], [None]),
    "texts that are none": made(
        "StringArray", pd.StringDtype(), np.array([1], object), np.zeros(1, bool)
    ),
    "numbers of another mask": made("IntegerArray", np.zeros(2, int), np.zeros(3, bool)),
    "floats as whole numbers": made("IntegerArray", np.zeros(2), np.zeros(2, bool)),
    "mask of numbers": made("IntegerArray", np.zeros(2, int), np.zeros(2, int)),
    "storage of somebody's": made("StringDtype", "os.system", True),
    "dates in no zone": made("DatetimeArray", np.zeros(2, "M8[ns]"), None),
    "dates in a text": made("DatetimeArray", np.zeros(2, "M8[ns]"), "UTC"),
    "missing date": made("Timestamp", np.datetime64("NaT", "ns"), None),
    "date of days": made("Timestamp", np.datetime64("2026-01-01"), None),
    "intervals from right to left": made("IntervalArray", pd.Index([2]), pd.Index([1]), "left"),
    "interval of texts": made("Interval", "a", "b", "left"),
    "long range": kind("pandas.RangeIndex", kind("range", *of(0, 10**9, 1)), b"N"),
    "attributes with an object": kind(
        "pandas.Series", *of(np.zeros(2), INDEX, None),
        b"{" + number(1) + encode("a") + b"o" + number(0) + text("f"), b"T",
    ),
}  # fmt: skip


@pytest.mark.parametrize("content", NASTY.values(), ids=NASTY)
def test_a_hostile_table_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        decode(content)
