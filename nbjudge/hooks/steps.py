"""Set nbgrader's traits without overriding what a course's own file has set.

Changes to nbgrader's lists of steps are deferred until nbgrader reads the list. To know the default
list, nbgrader would have to be imported, which is most of the time that a command takes to start;
and most readers of a course's configuration run no step.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from nbjudge.course.course import machine_settings
from nbjudge.exceptions import CourseError

__all__ = [
    "Steps",
    "are_for_all_courses",
    "change_steps",
    "place_of",
    "set_default",
    "settings_for_all_courses",
]


class Steps(LazyConfigValue):
    """A deferred change of a list's default, like that of `c.Name.setting.append(…)`.

    Parameters
    ----------
    change : callable
        Takes a copy of nbgrader's own list, and changes it in place.
    """

    def __init__(self, change: Callable[[list[Any]], None]) -> None:
        super().__init__()
        self._change = change

    def get_value(self, initial: Any) -> Any:
        """Return the list; the course's own appends and inserts are applied last."""
        if self._value is None:
            initial = list(initial)
            self._change(initial)
        return super().get_value(initial)


#: Whether the settings for all courses are being read, which may call `configure`, too.
_is_reading = ContextVar("_is_reading", default=False)


def are_for_all_courses() -> bool:
    """Return whether the file that is being read holds the settings for all courses."""
    return _is_reading.get()


def settings_for_all_courses() -> Config:
    """Return the settings for all courses; empty while these are being read."""
    if are_for_all_courses():
        return Config()
    token = _is_reading.set(True)
    try:
        return machine_settings()
    finally:
        _is_reading.reset(token)


def set_default(
    c: Config, known: Config, section: str, name: str, value: Any, *parents: str
) -> None:
    """Set a trait, unless it is set for the class or a parent, by the course or for all courses."""
    places = [f"{each}.{name}" for each in (section, *parents)]
    if not any(place in settings for settings in (c, known) for place in places):
        c[section][name] = value


def change_steps(c: Config, section: str, name: str, change: Callable[[list[Any]], None]) -> None:
    """Change a list of steps: nbgrader's own, or the one with which the course has replaced it.

    The course's own appends and inserts are applied last.

    Raises
    ------
    CourseError
        If the course's list lacks a step that the change needs.
    """
    found = c[section].get(name)
    if isinstance(found, list):
        changed = [*found]
        try:
            change(changed)
        except CourseError as error:
            message = f"c.{section}.{name}: {error} Add it, or delete the line."
            raise CourseError(message) from error
        c[section][name] = changed
        return
    steps = Steps(change)
    if isinstance(found, LazyConfigValue):
        steps.merge_into(found)
    c[section][name] = steps


def place_of(steps: list[Any], name: str) -> int:
    """Return the index of a step in a list, where steps are classes or names.

    Raises
    ------
    CourseError
        If it is missing, as in a version of nbgrader that the judge does not know.
    """
    names = [str(getattr(step, "__name__", step)).rpartition(".")[2] for step in steps]
    if name not in names:
        message = f"nbgrader's step '{name}' is not there, and the judge needs its place."
        raise CourseError(message)
    return names.index(name)
