"""The interface of the module of known answers that a course names in `Plug.knowledge`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from nbjudge.course.plug import Plug
from nbjudge.judge.judge import Mistake

__all__ = ["Knowledge", "KnownAnswer", "knowledge"]


class KnownAnswer(Mistake, Protocol):
    """A known answer: a mistake, or a right answer that differs from the solution."""

    @property
    def source(self) -> str:
        """The text of the answer cell."""


class Knowledge(Protocol):
    """The functions of a course's module of known answers."""

    def symbols(self, grade_id: str) -> Sequence[str]:
        """Return the names that the answers to an exercise define; none if it is unknown."""

    def mistakes(self, grade_id: str) -> Sequence[KnownAnswer]:
        """Return the wrong answers that students give to an exercise."""

    def styles(self, grade_id: str) -> Sequence[KnownAnswer]:
        """Return right answers that are written differently from the solution."""

    def answers_of(self, known: KnownAnswer, grade_id: str) -> Sequence[Any]:
        """Return the objects that a known answer defines, in the order of `symbols`."""

    def named_mistake(self, exercise: str, answers: Mapping[str, Any]) -> KnownAnswer | None:
        """Return the known mistake that behaves as a student's answers do, if there is one."""


class _Nothing:
    """The knowledge of a course without known answers."""

    def symbols(self, grade_id: str) -> Sequence[str]:
        return ()

    def mistakes(self, grade_id: str) -> Sequence[KnownAnswer]:
        return ()

    def styles(self, grade_id: str) -> Sequence[KnownAnswer]:
        return ()

    def answers_of(self, known: KnownAnswer, grade_id: str) -> Sequence[Any]:
        return ()

    def named_mistake(self, exercise: str, answers: Mapping[str, Any]) -> KnownAnswer | None:
        return None


def knowledge(plug: Plug) -> Knowledge:
    """Return the course's module of known answers; importing it can take seconds."""
    found: Knowledge | None = plug.module("knowledge")
    return _Nothing() if found is None else found
