"""Judging in one process: a test, and a service that has all of a kernel's but the process."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nbjudge.judge.judge import Test, Verdict, judge
from nbjudge.kernel.service import Service
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel


def line_to(namespace: dict[str, Any], **limits: Any) -> KernelChannel:
    """Return a line to a service in this process, which has all of a kernel's but the process."""
    service = Service(namespace)
    return KernelChannel(lambda request, _: service.answer(request), replace(Limits(), **limits))


def verdict_on(answer: str, test: str, points: float = 3.0, **limits: Any) -> Verdict:
    """Judge the names that the source `answer` defines."""
    namespace: dict[str, Any] = {}
    exec(answer, namespace)
    return judge(Test("1.2.1", test, points), line_to(namespace, **limits))
