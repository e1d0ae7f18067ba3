"""How many values a text of JSON holds, told before it is parsed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nbjudge.basics.json_bounds import count_values

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def values(value: Any) -> int:
    """Count a value and all within it, keys included."""
    if isinstance(value, list):
        return 1 + sum(map(values, value))
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(values, value.values()))
    return 1


@given(VALUES)
def test_what_is_counted_is_what_would_be_parsed(value: Any) -> None:
    assert count_values(json.dumps(value).encode()) == values(value)
    assert count_values(json.dumps(value, ensure_ascii=False).encode()) == values(value)


def test_no_text_is_searched_more_than_once() -> None:
    # A search that went back would take hours.
    for text in (rb"\"" * 10**6, b'"' + rb"\"" * 10**6, b'"' + b"\\" * 10**6, b'["' * 10**6):
        assert count_values(text) > 0
