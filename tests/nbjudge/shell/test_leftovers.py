"""What code leaves behind in its process, and for how long it is waited for."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from processes import PATIENCE

from nbjudge.shell import leftovers
from nbjudge.shell.leftovers import Leftovers, Loop


def settled(code: Callable[[Loop], object]) -> tuple[bool, bool]:
    """Wait for what code leaves; return whether it goes on, and whether anything runs."""
    loop = Loop(lambda: None)

    async def scenario() -> tuple[bool, bool]:
        leftovers = Leftovers(loop, alone=False)
        thing = code(loop)
        goes_on, runs = await leftovers.settle(), leftovers.any()
        if isinstance(thing, subprocess.Popen):
            thing.wait()
        return goes_on, runs

    try:
        return loop.run_until_complete(scenario())
    finally:
        loop.close()


def test_a_timer_that_becomes_due_while_it_is_looked_for_goes_off_before_the_cell_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone_off: list[str] = []
    due: list[float] = []
    loop = Loop(lambda: None)
    look = Loop.timers

    def look_late(loop: Loop, start: float) -> list[asyncio.TimerHandle]:
        while due and loop.time() <= due[0]:
            pass
        return look(loop, start)

    async def scenario() -> list[str]:
        left = Leftovers(loop, alone=False)
        due.append(loop.call_later(0.02, gone_off.append, "once").when())
        await left.settle()
        return list(gone_off)

    monkeypatch.setattr(Loop, "timers", look_late)
    try:
        assert loop.run_until_complete(scenario()) == ["once"]
    finally:
        loop.close()


def test_a_cell_that_leaves_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "SETTLE_SECONDS", PATIENCE)

    def ends(loop: Loop) -> None:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        loop.call_later(0.1, int).cancel()

    assert settled(ends) == (False, False)


@pytest.mark.parametrize(
    "leaves",
    [
        lambda loop: threading.Timer(0.1, int).start(),
        lambda loop: loop.call_later(0.1, int),
        lambda loop: loop.create_task(asyncio.sleep(0.1)),
        pytest.param(
            lambda loop: subprocess.Popen(["sleep", "0.1"]),
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells"),
        ),
    ],
)
def test_what_a_cell_leaves_is_waited_for_until_it_ends(
    leaves: Callable[[Loop], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "SETTLE_SECONDS", PATIENCE)

    assert settled(leaves) == (False, False)


def test_what_does_not_end_is_waited_for_a_while_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "SETTLE_SECONDS", 0.1)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)

    async def scenario() -> tuple[list[bool], bool]:
        left = Leftovers(loop, alone=False)
        thread.start()
        return [await left.settle() for _ in "12"], left.any()

    loop = Loop(lambda: None)
    try:
        assert loop.run_until_complete(scenario()) == ([True, False], True)
    finally:
        done.set()
        loop.close()


def test_a_loop_tells_who_stops_it_and_can_run_on() -> None:
    stops: list[str] = []
    asked = contextvars.ContextVar("asked", default="nobody")
    loop = Loop(lambda: stops.append(asked.get()))
    asked.set("a cell")
    loop.call_later(0.01, loop.stop)
    asked.set("another cell")

    loop.run_forever()

    assert stops == ["a cell"]
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
