"""Settings of ours that leave standing what a course's own file has set already.

Lists of nbgrader's steps are changed where nbgrader itself reads its settings: to know nbgrader's
own steps takes its import, which is most of the time that a command needs until it begins; and most
of what reads a course's settings runs no step.
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
    """A setting that changes a list's default, as `c.Name.setting.append(…)` makes one.

    Parameters
    ----------
    change : callable
        Gets nbgrader's own list, and changes it.
    """

    def __init__(self, change: Callable[[list[Any]], None]) -> None:
        super().__init__()
        self._change = change

    def get_value(self, initial: Any) -> Any:
        """Return the list; what the course's settings append or insert comes last."""
        if self._value is None:
            initial = list(initial)
            self._change(initial)
        return super().get_value(initial)


#: Whether the settings for all courses are being read, which may call for the judge, too.
_is_reading = ContextVar("_is_reading", default=False)


def are_for_all_courses() -> bool:
    """Say whether the settings that are being read are no course's own."""
    return _is_reading.get()


def settings_for_all_courses() -> Config:
    """Return what nbgrader is set to beside the course's own file; nothing while that is read."""
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
    """Set a trait, unless it is set: for the class itself or a parent, here or for all courses."""
    places = [f"{each}.{name}" for each in (section, *parents)]
    if not any(place in settings for settings in (c, known) for place in places):
        c[section][name] = value


def change_steps(c: Config, section: str, name: str, change: Callable[[list[Any]], None]) -> None:
    """Change a list of steps: nbgrader's own, or the one that the course has set in its place.

    What the course has appended or inserted comes last.

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
    """Return the place of nbgrader's step of a name, which may be listed as class or as text.

    Raises
    ------
    CourseError
        If there is none, so that this is another nbgrader than the judge knows.
    """
    names = [str(getattr(step, "__name__", step)).rpartition(".")[2] for step in steps]
    if name not in names:
        message = f"nbgrader's step '{name}' is not there, and the judge needs its place."
        raise CourseError(message)
    return names.index(name)
