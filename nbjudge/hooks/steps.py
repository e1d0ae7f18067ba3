"""Lists of nbgrader's steps with changes of ours, made where nbgrader itself reads its settings.

To know nbgrader's own steps takes its import, which is most of the time that a command needs until
it begins; and most of what reads a course's settings runs no step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from traitlets.config.loader import LazyConfigValue

__all__ = ["Steps", "place_of"]


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


def place_of(steps: list[Any], name: str) -> int:
    """Return the place of nbgrader's step of a name, which may be listed as class or as text.

    Raises
    ------
    ValueError
        If there is none, so that this is another nbgrader than the judge knows.
    """
    names = [str(getattr(step, "__name__", step)).rpartition(".")[2] for step in steps]
    return names.index(name)
