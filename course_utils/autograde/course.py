"""Where a course lives: its root folder, its nbgrader configuration and its assignments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from course_utils.exceptions import CourseError

if TYPE_CHECKING:  # it takes seconds to import, and where a course lies is asked before
    from nbgrader.apps.api import NbGraderAPI

__all__ = ["Course", "causes"]

CONFIG_NAME = "nbgrader_config.py"
EXCEPTION = re.compile(
    r"^ *(?:\w+\.)*(\w*(?:Error|Exception|Entry|Kernel)\b(?::.*)?)$", re.MULTILINE
)


@dataclass(frozen=True)
class Course:
    """A course folder, as nbgrader sees it.

    Parameters
    ----------
    root : Path
        The folder that holds `nbgrader_config.py`.
    """

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Course:
        """Return the course that `start` (by default the working directory) stands in.

        Raises
        ------
        CourseError
            If neither the folder nor any above it holds `nbgrader_config.py`.
        """
        start = (start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / CONFIG_NAME).is_file():
                return cls(folder)
        message = (
            f"No course here: neither {start} nor a folder above it holds {CONFIG_NAME}. "
            "Change to the course's folder, or name it with --course."
        )
        raise CourseError(message)

    def config(self) -> Config:
        """Return nbgrader's configuration of this course, as its own commands would load it."""
        config = PyFileConfigLoader(CONFIG_NAME, path=str(self.root)).load_config()
        config.CourseDirectory.root = str(self.root)
        return config

    def api(self, config: Config | None = None) -> NbGraderAPI:
        """Return nbgrader's high-level interface to this course.

        Parameters
        ----------
        config : Config, optional
            Settings that override the course's own.
        """
        from nbgrader.apps.api import NbGraderAPI

        merged = self.config()
        if config is not None:
            merged.merge(config)
        return NbGraderAPI(config=merged)

    @property
    def assignments(self) -> tuple[str, ...]:
        """The names of the assignments that `source/` holds, sorted."""
        return tuple(sorted({path.parent.name for path in self.root.glob("source/*/*.ipynb")}))

    def require(self, assignment: str) -> str:
        """Return `assignment` if the course has it.

        Raises
        ------
        CourseError
            If it has not; the message lists those that it has.
        """
        if assignment in self.assignments:
            return assignment
        message = (
            f"No assignment '{assignment}' in {self.root / 'source'}. "
            f"There is: {', '.join(self.assignments) or 'none yet'}."
        )
        raise CourseError(message)


def causes(result: dict[str, Any]) -> list[str]:
    """Return why a call of nbgrader's API failed, in the words of its log.

    Parameters
    ----------
    result : dict
        As a method of `NbGraderAPI` returned it, without success.

    Returns
    -------
    list of str
        The exceptions, ``"Name: message"``, in the order in which they came up: the cause first.
        Where the log names none, its last line.

    Raises
    ------
    KeyboardInterrupt
        If a person stopped it, which nbgrader takes for a failure.
    """
    if re.search(r"^KeyboardInterrupt\b", result["error"], re.MULTILINE):
        raise KeyboardInterrupt
    text = "\n".join((result.get("log", ""), result["error"]))
    # What only says that there is more to see above says nothing.
    told = [cause for cause in EXCEPTION.findall(text) if ": Please see the" not in cause]
    return told or text.strip().splitlines()[-1:]
