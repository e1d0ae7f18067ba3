"""What names stood for at a test comes back, and nothing large is kept alive for it."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

from nbjudge.kernel.kept_names import KeptNames


def kept(**names: Any) -> tuple[dict[str, Any], KeptNames]:
    namespace = dict(names)
    keeper = KeptNames(namespace)
    keeper.keep("test_1", ["answer"])
    return namespace, keeper


def test_a_function_comes_back_with_the_functions_that_it_calls() -> None:
    namespace: dict[str, Any] = {}
    exec("def help(): return 1\ndef answer(): return help()", namespace)
    keeper = KeptNames(namespace)
    keeper.keep("test_1", ["answer"])
    exec("def help(): return 2\ndef answer(): return 3", namespace)

    assert keeper.recall("test_1", ["answer"])
    assert namespace["answer"]() == 1


@pytest.mark.parametrize("value", [3, "text", None, [1, 2], {"a": 1}, (True, 2.5)])
def test_small_data_come_back(value: object) -> None:
    namespace, keeper = kept(answer=value)
    namespace["answer"] = "another"

    assert keeper.recall("test_1", ["answer"])
    assert namespace["answer"] == value


def test_something_large_comes_back_if_the_notebook_still_has_it() -> None:
    large = np.zeros(2**20)
    namespace, keeper = kept(answer=large)
    namespace["answer"] = "another"

    assert keeper.recall("test_1", ["answer"])
    assert namespace["answer"] is large


def test_something_large_is_not_kept_alive() -> None:
    large = np.zeros(2**20)
    alive = weakref.ref(large)
    namespace, keeper = kept(answer=large)
    del large
    namespace["answer"] = "another"

    assert alive() is None
    assert not keeper.recall("test_1", ["answer"])


def test_what_cannot_be_referred_to_is_not_claimed_to_be_there() -> None:
    _, keeper = kept(answer=[0] * 100_000)

    assert not keeper.recall("test_1", ["answer"])


def test_a_name_that_was_not_defined_is_not_defined_again() -> None:
    namespace, keeper = kept()
    namespace["answer"] = "defined later"

    assert keeper.recall("test_1", ["answer"])
    assert "answer" not in namespace


def test_of_a_test_that_was_not_kept_nothing_is_known() -> None:
    _, keeper = kept(answer=1)

    assert not keeper.recall("test_2", ["answer"])
