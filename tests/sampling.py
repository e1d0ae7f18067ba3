"""Of many examples of one behaviour: which `make test` tries, and which `make test-thorough`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.mark import ParameterSet

__all__ = ["each", "only"]


def each(step: int, examples: Iterable[Any]) -> list[ParameterSet]:
    """Return all examples as parameters; all but each `step`-th are for the thorough run."""
    return [_param(example, place % step == 0) for place, example in enumerate(examples)]


def only(quick: Iterable[Any], examples: Iterable[Any]) -> list[ParameterSet]:
    """Return all examples as parameters; all but those that are named are for the thorough run."""
    named, found = set(quick), list(examples)
    unknown = named - set(found)
    assert not unknown, f"no such example: {unknown}"
    return [_param(example, example in named) for example in found]


def _param(example: Any, is_quick: bool) -> ParameterSet:
    given = example if isinstance(example, ParameterSet) else pytest.param(example)
    marks = [*given.marks, *([] if is_quick else [pytest.mark.thorough])]
    return given._replace(marks=marks)
