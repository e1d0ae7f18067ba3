"""What a tensor says of itself arrives as it is, or stays."""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest
import torch
from wire_values import MUTATIONS, number, read_or_refused, tampered, text

from nbjudge.kernel.wire import Malformed, WireError, decode, encode

CROSS: list[Any] = [
    torch.float32,
    torch.bool,
    torch.bfloat16,
    torch.Size([]),
    torch.Size([3, 0, 2]),
    torch.device("cpu"),
    torch.device("cuda", 1),
    torch.device("meta"),
]


@pytest.mark.parametrize("value", CROSS, ids=str)
def test_what_a_tensor_says_of_itself_arrives_as_it_is(value: Any) -> None:
    arrived = decode(encode([value, {"it": value}]))

    assert arrived == [value, {"it": value}]
    assert type(arrived[0]) is type(value)


def test_a_dtype_is_the_one_of_this_process() -> None:
    assert decode(encode(torch.float64)) is torch.float64


def test_a_dtype_and_a_device_can_be_keys() -> None:
    value = {torch.float32: 4, torch.device("cpu"): 1}

    assert decode(encode(value)) == value


def kind(name: bytes, *parts: bytes) -> bytes:
    return b"k" + text(name) + number(len(parts)) + b"".join(parts)


@pytest.mark.parametrize(
    "content",
    [
        kind(b"torch.dtype", b"s" + text(b"save")),
        kind(b"torch.dtype", b"s" + text(b"quint8")),
        kind(b"torch.dtype", encode(32)),
        kind(b"torch.Size", encode((-1,))),
        kind(b"torch.Size", encode((True,))),
        kind(b"torch.Size", encode((2**60,))),
        kind(b"torch.Size", encode(("a",))),
        kind(b"torch.device", encode("cpu:0"), encode(None)),
        kind(b"torch.device", encode("nowhere"), encode(None)),
        kind(b"torch.device", encode("cuda"), encode(-1)),
        kind(b"torch.device", encode("cuda"), encode(10**9)),
    ],
)
def test_what_no_tensor_says_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed, match="that cannot be"):
        decode(content)


def test_tampered_bytes_are_read_or_refused() -> None:
    chance = random.Random(0)
    content = encode(CROSS)

    for _ in range(300):
        read_or_refused(tampered(content, chance.choice(MUTATIONS), chance))


def test_who_has_no_pytorch_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encode(torch.Size([2]))
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(WireError, match="no PyTorch to read it with"):
        decode(content)
