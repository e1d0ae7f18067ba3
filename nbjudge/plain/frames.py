"""How pandas' values cross: data frames, series, indexes, their dtypes, and single dates.

Nothing here imports pandas until one of its values has to be read. A value that could not be
rebuilt exactly, with dtypes, names, attributes and flags, stays in the kernel.
"""

from __future__ import annotations

import importlib
import re
import sys
from functools import lru_cache, partial
from types import ModuleType, NoneType
from typing import Any

import numpy as np

from nbjudge.plain.kinds import Kind, WireError, check_hashes, check_zone

__all__ = ["FRAMES", "frame_types"]

#: The attributes of a data frame or a series that pandas itself sets.
_OWN = frozenset(["_mgr", "_attrs", "_flags", "_name", "_item_cache", "_is_copy"])
_UNITS = ("s", "ms", "us", "ns")
_FREQUENCY = re.compile(r"-?\d{0,6}[A-Za-z]{1,6}(-[A-Z]{3})?", re.ASCII)
_CLOSED = ("left", "right", "both", "neither")
_MASKED = {
    **{f"{sign}Int{bits}Dtype": "IntegerArray" for sign in ("", "U") for bits in (8, 16, 32, 64)},
    **{f"Float{bits}Dtype": "FloatingArray" for bits in (32, 64)},
    "BooleanDtype": "BooleanArray",
}


def _pandas() -> Any:
    try:
        return importlib.import_module("pandas")
    except ModuleNotFoundError as error:
        message = "there is a table or another value of pandas, and no pandas to read it with"
        raise WireError(message) from error


def _expect(condition: object) -> None:
    if not condition:
        raise ValueError("not such as pandas makes")


def _with_same_dtype(made: Any, dtype: Any) -> Any:
    """Return a value made of data, if pandas kept their dtype."""
    _expect(made.dtype == dtype)
    return made


# ---- The data of a series or an index -----------------------------------------------------------


def _data_of(values: Any) -> Any:
    """Return the data of a series or an index: a NumPy array if its dtype is NumPy's."""
    return values.to_numpy() if isinstance(values.dtype, np.dtype) else values.array


def _check_data(data: Any) -> Any:
    """Return an array from an untrusted sender, if a series can hold it."""
    if type(data) is np.ndarray:
        kind = data.dtype.kind
        _expect(kind in "biufcOmM" and data.dtype.isnative)
        _expect(kind not in "mM" or np.datetime_data(data.dtype) in [(unit, 1) for unit in _UNITS])
    else:
        _expect(isinstance(data, _pandas().api.extensions.ExtensionArray))
    _expect(data.ndim == 1)
    return data


# ---- Frequencies, periods and dates -------------------------------------------------------------


def _frequency_of(offset: Any) -> str | None:
    if offset is None:
        return None
    _expect(_offset(offset.freqstr) == offset)
    return str(offset.freqstr)


def _offset(frequency: str) -> Any:
    _expect(_FREQUENCY.fullmatch(frequency))
    return _pandas().tseries.frequencies.to_offset(frequency)


def _moments(dates: Any) -> Any:
    """Return dates with a time zone as dates in UTC without one."""
    return dates.tz_convert("UTC").tz_localize(None)


def _put_timestamp_together(moment: np.datetime64, zone: Any) -> Any:
    pandas = _pandas()
    made = pandas.Timestamp(moment)
    _expect(type(made) is pandas.Timestamp and made.unit in _UNITS)
    _expect(made.asm8.dtype == moment.dtype)
    return made if check_zone(zone) is None else made.tz_localize("UTC").tz_convert(zone)


def _take_timestamp_apart(stamp: Any) -> tuple[Any, Any]:
    if stamp.tz is None:
        _expect(stamp.fold == 0)
        return stamp.asm8, None
    return _moments(stamp).asm8, check_zone(stamp.tz)


def _put_timedelta_together(length: np.timedelta64) -> Any:
    made = _pandas().Timedelta(length)
    _expect(type(made) is _pandas().Timedelta and made.asm8.dtype == length.dtype)
    return made


def _put_period_together(ordinal: int, frequency: str) -> Any:
    made = _pandas().Period(ordinal=ordinal, freq=_offset(frequency))
    _expect(type(made) is _pandas().Period)
    return made


def _put_interval_together(left: Any, right: Any, closed: str) -> Any:
    _expect(closed in _CLOSED)
    return _pandas().Interval(left, right, closed)


# ---- Dtypes -------------------------------------------------------------------------------------


def _put_string_dtype_together(storage: str, with_na: bool) -> Any:
    _expect(storage in ("python", "pyarrow"))
    return _pandas().StringDtype(storage, na_value=_pandas().NA if with_na else np.nan)


def _put_categories_together(categories: Any, ordered: bool | None) -> Any:
    _expect(categories is None or isinstance(categories, _pandas().Index))
    return _pandas().CategoricalDtype(categories, ordered)


def _put_zoned_dtype_together(unit: str, zone: Any) -> Any:
    _expect(unit in _UNITS)
    return _pandas().DatetimeTZDtype(unit, check_zone(zone))


# ---- Extension arrays ---------------------------------------------------------------------------


def _take_masked_apart(values: Any) -> tuple[Any, Any]:
    """Return the numbers, and a mask of the missing ones."""
    return values.to_numpy(values.dtype.numpy_dtype, na_value=0), np.asarray(values.isna(), bool)


def _put_masked_together(array: str, data: Any, mask: Any) -> Any:
    _expect(data.ndim == 1 and data.shape == mask.shape and data.dtype.isnative)
    return getattr(_pandas().arrays, array)(data, mask)


def _take_strings_apart(values: Any) -> tuple[Any, Any, Any]:
    """Return the dtype, the strings, and a mask of the missing ones."""
    return values.dtype, values.to_numpy(object, na_value=""), np.asarray(values.isna(), bool)


def _put_strings_together(dtype: Any, texts: Any, missing: Any) -> Any:
    _expect(texts.dtype == object and missing.dtype == bool and texts.ndim == 1)
    _expect(type(dtype) is _pandas().StringDtype and texts.shape == missing.shape)
    _expect(all(type(text) is str for text in texts))
    texts[missing] = None
    return _with_same_dtype(_pandas().array(texts, dtype=dtype), dtype)


def _put_categorical_together(dtype: Any, codes: Any) -> Any:
    _expect(type(dtype) is _pandas().CategoricalDtype and codes.ndim == 1)
    made = _pandas().Categorical.from_codes(codes, dtype=dtype)
    _expect(made.codes.dtype == codes.dtype)
    return made


def _take_dates_apart(values: Any) -> tuple[Any, Any]:
    dates = _pandas().DatetimeIndex(values)
    _expect(dates.tz is not None)
    return _moments(dates).to_numpy(), check_zone(dates.tz)


def _put_dates_together(moments: Any, zone: Any) -> Any:
    _expect(_check_data(moments).dtype.kind == "M" and zone is not None)
    dates = _with_same_dtype(_pandas().DatetimeIndex(moments), moments.dtype)
    return dates.tz_localize("UTC").tz_convert(check_zone(zone)).array


def _take_periods_apart(values: Any) -> tuple[Any, Any]:
    return _pandas().PeriodIndex(values).asi8, _frequency_of(values.freq)


def _put_periods_together(ordinals: Any, frequency: str) -> Any:
    _expect(ordinals.dtype == np.int64 and ordinals.ndim == 1)
    return _pandas().PeriodIndex.from_ordinals(ordinals, freq=_offset(frequency)).array


def _put_intervals_together(left: Any, right: Any, closed: str) -> Any:
    pandas = _pandas()
    _expect(isinstance(left, pandas.Index) and type(left) is type(right) and closed in _CLOSED)
    made = pandas.arrays.IntervalArray.from_arrays(left, right, closed)
    _expect(made.left.dtype == left.dtype == right.dtype)
    return made


# ---- Indexes, series, data frames ---------------------------------------------------------------


def _take_index_apart(index: Any) -> tuple[Any, Any, str | None]:
    if index.dtype == object:
        check_hashes(index, "Index")
    return _data_of(index), index.name, _frequency_of(getattr(index, "freq", None))


def _put_index_together(data: Any, name: Any, frequency: str | None) -> Any:
    if _check_data(data).dtype == object:
        check_hashes(data, "Index")
    index = _pandas().Index(data, dtype=data.dtype, tupleize_cols=False, name=name)
    if frequency is not None and index.dtype.kind in "mM":
        index.freq = _offset(frequency)
    _expect(_take_index_apart(index)[1:] == (name, frequency))
    return _with_same_dtype(index, data.dtype)


def _take_levels_apart(index: Any) -> tuple[Any, ...]:
    _expect(all(type(level) is not type(index) for level in index.levels))
    codes = [np.array(codes) for codes in index.codes]
    return list(index.levels), codes, list(index.names)


def _put_levels_together(levels: Any, codes: Any, names: Any) -> Any:
    index = _pandas().Index
    _expect(levels and all(isinstance(level, index) for level in levels))
    _expect(all(type(code) is np.ndarray and code.dtype.kind == "i" for code in codes))
    return _pandas().MultiIndex(levels, codes, names=names)


def _rest_of(values: Any) -> tuple[Any, Any]:
    """Return the user's attributes of a data frame or a series, and whether labels may repeat."""
    return values.attrs, values.flags.allows_duplicate_labels


def _with_rest(values: Any, attributes: Any, duplicates: bool) -> Any:
    values.attrs = attributes
    values.flags.allows_duplicate_labels = duplicates
    return values


def _column(data: Any, index: Any, name: Any = None) -> Any:
    made = _pandas().Series(_check_data(data), index=index, name=name, dtype=data.dtype, copy=False)
    return _with_same_dtype(made, data.dtype)


def _put_series_together(data: Any, index: Any, name: Any, attributes: Any, twice: bool) -> Any:
    _expect(isinstance(index, _pandas().Index))
    return _with_rest(_column(data, index, name), attributes, twice)


def _take_frame_apart(frame: Any) -> tuple[Any, ...]:
    """Return the data, both indexes, attributes and flags.

    The data is one array if all columns are numbers of one dtype, and else a list of columns.
    """
    dtypes = set(frame.dtypes)
    if len(dtypes) == 1 and isinstance(dtype := dtypes.pop(), np.dtype) and dtype.kind in "biufc":
        data = frame.to_numpy()
    else:
        data = [_data_of(frame.iloc[:, place]) for place in range(frame.shape[1])]
    return data, frame.index, frame.columns, *_rest_of(frame)


def _put_frame_together(
    data: Any, index: Any, columns: Any, attributes: Any, duplicates: bool
) -> Any:
    pandas = _pandas()
    _expect(isinstance(index, pandas.Index) and isinstance(columns, pandas.Index))
    if type(data) is np.ndarray:
        _expect(data.ndim == 2 and data.dtype.kind in "biufc" and data.dtype.isnative)
        frame = pandas.DataFrame(data, index, columns, copy=False)
    else:
        _expect(len(data) == len(columns))
        made = {place: _column(values, index) for place, values in enumerate(data)}
        frame = pandas.DataFrame(made, index, copy=False)
        frame.columns = columns
    return _with_rest(frame, attributes, duplicates)


_ARRAY = np.ndarray
_INDEX = Kind(
    "pandas.Index", _take_index_apart, _put_index_together, (object, object, str | NoneType)
)
_STRINGS = Kind(
    "pandas.StringArray", _take_strings_apart, _put_strings_together, (object, _ARRAY, _ARRAY)
)

#: The kinds of pandas, by the path of their type within the package.
FRAMES: dict[str, Kind] = {
    "Timestamp": Kind(
        "pandas.Timestamp",
        _take_timestamp_apart,
        _put_timestamp_together,
        (np.datetime64, object),
        is_key=True,
    ),
    "Timedelta": Kind(
        "pandas.Timedelta",
        lambda length: (length.asm8,),
        _put_timedelta_together,
        (np.timedelta64,),
        is_key=True,
    ),
    "Period": Kind(
        "pandas.Period",
        lambda period: (period.ordinal, _frequency_of(period.freq)),
        _put_period_together,
        (int, str),
        is_key=True,
    ),
    "Interval": Kind(
        "pandas.Interval",
        lambda interval: (interval.left, interval.right, interval.closed),
        _put_interval_together,
        (object, object, str),
    ),
    "api.typing.NAType": Kind("pandas.NA", lambda _: (), lambda: _pandas().NA),
    "api.typing.NaTType": Kind("pandas.NaT", lambda _: (), lambda: _pandas().NaT),
    **{
        name: Kind(
            f"pandas.{name}", lambda _: (), partial(lambda name: getattr(_pandas(), name)(), name)
        )
        for name in _MASKED
    },
    "StringDtype": Kind(
        "pandas.StringDtype",
        lambda dtype: (dtype.storage, dtype.na_value is _pandas().NA),
        _put_string_dtype_together,
        (str, bool),
    ),
    "CategoricalDtype": Kind(
        "pandas.CategoricalDtype",
        lambda dtype: (dtype.categories, dtype.ordered),
        _put_categories_together,
        (object, bool | NoneType),
    ),
    "DatetimeTZDtype": Kind(
        "pandas.DatetimeTZDtype",
        lambda dtype: (dtype.unit, check_zone(dtype.tz)),
        _put_zoned_dtype_together,
        (str, object),
    ),
    "PeriodDtype": Kind(
        "pandas.PeriodDtype",
        lambda dtype: (_frequency_of(dtype.freq),),
        lambda frequency: _pandas().PeriodDtype(_offset(frequency)),
        (str,),
    ),
    **{
        f"arrays.{name}": Kind(
            f"pandas.{name}",
            _take_masked_apart,
            partial(_put_masked_together, name),
            (_ARRAY, _ARRAY),
        )
        for name in sorted(set(_MASKED.values()))
    },
    "arrays.StringArray": _STRINGS,
    "arrays.ArrowStringArray": _STRINGS,
    "Categorical": Kind(
        "pandas.Categorical",
        lambda values: (values.dtype, np.array(values.codes)),
        _put_categorical_together,
        (object, _ARRAY),
    ),
    "arrays.DatetimeArray": Kind(
        "pandas.DatetimeArray", _take_dates_apart, _put_dates_together, (_ARRAY, object)
    ),
    "arrays.PeriodArray": Kind(
        "pandas.PeriodArray", _take_periods_apart, _put_periods_together, (_ARRAY, str)
    ),
    "arrays.IntervalArray": Kind(
        "pandas.IntervalArray",
        lambda values: (values.left, values.right, values.closed),
        _put_intervals_together,
        (object, object, str),
    ),
    "RangeIndex": Kind(
        "pandas.RangeIndex",
        lambda index: (range(index.start, index.stop, index.step), index.name),
        lambda labels, name: _pandas().RangeIndex(labels, name=name),
        (range, object),
    ),
    "MultiIndex": Kind(
        "pandas.MultiIndex", _take_levels_apart, _put_levels_together, (list, list, list)
    ),
    **dict.fromkeys(
        [
            *("Index", "DatetimeIndex", "TimedeltaIndex", "PeriodIndex", "IntervalIndex"),
            "CategoricalIndex",
        ],
        _INDEX,
    ),
    "Series": Kind(
        "pandas.Series",
        lambda series: (_data_of(series), series.index, series.name, *_rest_of(series)),
        _put_series_together,
        (object, object, object, dict, bool),
        attributes=_OWN,
    ),
    "DataFrame": Kind(
        "pandas.DataFrame",
        _take_frame_apart,
        _put_frame_together,
        (_ARRAY | list, object, object, dict, bool),
        attributes=_OWN,
    ),
}


@lru_cache(maxsize=1)
def _kinds_of(pandas: ModuleType) -> dict[type, Kind]:
    found = {_type(pandas, name): kind for name, kind in FRAMES.items()}
    return {kind: how for kind, how in found.items() if kind is not None}


def frame_types() -> dict[type, Kind]:
    """Return the kinds of pandas by type; none if pandas is not imported."""
    pandas = sys.modules.get("pandas")
    # `__version__` is set last: without it, pandas is still being imported.
    if not isinstance(pandas, ModuleType) or not hasattr(pandas, "__version__"):
        return {}
    return _kinds_of(pandas)


def _type(module: object, name: str) -> type | None:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, type) else None
