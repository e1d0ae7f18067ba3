"""A desk in a process of its own, which kills itself at one named point."""

from __future__ import annotations

import json
import os
import signal
from importlib import import_module
from pathlib import Path
from typing import Any

from desks import DeskParts

from nbjudge.course.course import Course
from nbjudge.desk.desk_policy import DeskPolicy


def main(point: str, root: str) -> None:
    """Hand in for three students, print each receipt, and mark; somewhere there is the end."""
    course = Course(Path(root))
    desk = DeskParts(course, DeskPolicy(cool_down_seconds=0))
    _kill_at(*json.loads(point))
    for student in ("ada", "bo", "cy"):
        handed = desk.hand_in(student)
        receipt = {"id": handed.id, "sha256": [file.sha256 for file in handed.files]}
        print(json.dumps(receipt), flush=True)
    desk.mark_all()


def _kill_at(function: str, after: bool, count: int) -> None:
    module, _, name = function.partition(":")
    owner: Any = import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    original, calls = getattr(owner, last), 0

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **named)
        if calls == count and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, last, counted)
