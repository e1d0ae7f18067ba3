"""A course's root folder, its nbgrader configuration and its assignments."""

from __future__ import annotations

import functools
import re
import traceback
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_config_path
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from nbjudge.course.hidden_regions import own_delimiters
from nbjudge.course.plug import Plug, read_plug
from nbjudge.exceptions import CourseError

if TYPE_CHECKING:  # its import takes seconds, and finding a course does not need it
    from nbgrader.apps.api import NbGraderAPI

__all__ = ["Course", "causes", "gradebook_url", "machine_settings", "require_fit", "unfit_name"]

CONFIG_NAME = "nbgrader_config.py"
#: The value of each nbgrader setting of a folder that this package relies on.
FOLDERS = {
    **{f"{name}_directory": name for name in ("source", "release", "submitted")},
    **{f"{name}_directory": name for name in ("autograded", "feedback")},
    "directory_structure": "{nbgrader_step}/{student_id}/{assignment_id}",
}
#: Characters that break nbgrader, which finds folders by glob patterns, and refuses "+" in an
#: assignment's name.
UNFIT_IN_PATHS = "*?["
UNFIT_IN_NAMES = '+*?[]{}/\\:<>|"%#'
#: The gradebook's limit on an assignment's name.
MAX_ASSIGNMENT_BYTES = 128
#: A path that needs no quoting in a database URL.
PLAIN_PATH = re.compile(r"[\w./ -]+", re.ASCII)
LOGGED_ERROR = re.compile(
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
        """Return the course that contains the folder `start`, by default the working directory.

        Raises
        ------
        CourseError
            If neither the folder nor any above it holds `nbgrader_config.py`, or if nbgrader cannot
            work under its path.
        """
        start = (start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / CONFIG_NAME).is_file():
                require_fit(folder)
                return cls(folder)
        message = (
            f"No course here: neither {start} nor a folder above it holds {CONFIG_NAME}. "
            "Change to the course's folder, or name it with --course."
        )
        raise CourseError(message)

    def config(self) -> Config:
        """Return nbgrader's configuration of this course, as its own commands would load it.

        Raises
        ------
        CourseError
            If a configuration file fails (the message names its line), or if one sets another
            folder than this package uses.
        """
        config = machine_settings()
        config.merge(_load(self.root / CONFIG_NAME))
        _require_usual_folders(config, self.root)
        config.CourseDirectory.root = str(self.root)
        return config

    @functools.cached_property
    def plug(self) -> Plug:
        """What the course tells the judge about itself; the defaults if it has no settings."""
        return read_plug(self.config()) if (self.root / CONFIG_NAME).is_file() else Plug()

    @functools.cached_property
    def delimiters(self) -> dict[str, str]:
        """The course's own delimiters of regions in cells, each with nbgrader's default for it."""
        return own_delimiters(self.config()) if (self.root / CONFIG_NAME).is_file() else {}

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
        """The names of the assignments in `source/`, sorted; hidden folders do not count."""
        names = {path.parent.name for path in self.root.glob("source/*/*.ipynb")}
        return tuple(sorted(name for name in names if not name.startswith(".")))

    def require(self, assignment: str) -> str:
        """Return the folder name of an assignment, if the course has it.

        Accented letters may be composed differently in `assignment` and in the folder's name.

        Raises
        ------
        CourseError
            If there is no such assignment (the message lists those that exist), or if nbgrader
            cannot work with its name.
        """
        same = {name for name in self.assignments if _compose(name) == _compose(assignment)}
        if assignment in same or len(same) == 1:
            name = assignment if assignment in same else same.pop()
            if problem := unfit_name(name):
                message = f"The assignment {name!r} {problem}. Rename its folder in source/."
                raise CourseError(message)
            return name
        message = (
            f"No assignment '{assignment}' in {self.root / 'source'}. "
            f"There is: {', '.join(self.assignments) or 'none yet'}."
        )
        raise CourseError(message)


def _require_usual_folders(config: Config, root: Path) -> None:
    """Check that the settings make nbgrader use the folders that this package uses."""
    told = config.CourseDirectory.get("root")
    if isinstance(told, str) and (root / told).resolve() != root.resolve():
        message = (
            f"The settings put the course elsewhere (c.CourseDirectory.root is {told!r}, in "
            f"{root / CONFIG_NAME} or in ~/.jupyter), so nbgrader's commands and this one "
            "would work in two folders. Change to that folder, or delete that line."
        )
        raise CourseError(message)
    for name, usual in FOLDERS.items():
        told = config.CourseDirectory.get(name)
        if isinstance(told, str) and (root / told).resolve() != (root / usual).resolve():
            message = (
                f"The settings have c.CourseDirectory.{name} as {told!r}, and this judge looks in "
                f"nbgrader's usual folders: {usual!r}. Rename what is there, and delete the line."
            )
            raise CourseError(message)


def machine_settings() -> Config:
    """Return nbgrader's settings for this user and this machine, from Jupyter's config folders.

    nbgrader's commands read these files, too. A course's own settings override them.

    Raises
    ------
    CourseError
        If a file fails; the message names its line.
    """
    config = Config()
    for folder in reversed(jupyter_config_path()):
        if (path := Path(folder, CONFIG_NAME)).is_file():
            config.merge(_load(path))
    return config


def _load(path: Path) -> Config:
    try:
        return PyFileConfigLoader(path.name, path=str(path.parent)).load_config()
    # It is the instructor's own code, and may raise anything.
    except Exception as error:
        said = error.msg if isinstance(error, SyntaxError) else error
        message = (
            f"The settings in {path} cannot be read{_line_of(error, path)}: "
            f"{type(error).__name__}: {said}. Mend it, then run the same command again."
        )
        raise CourseError(message) from error


def require_fit(root: Path) -> None:
    """Check that nbgrader can work in a folder.

    Raises
    ------
    CourseError
        If it cannot; the message names the character in the path.
    """
    if unfit := _first_unfit(str(root), UNFIT_IN_PATHS):
        message = (
            f"nbgrader cannot work in {root.as_posix()!r}: it finds files by patterns, and {unfit} "
            "has a meaning there. Rename the folder, or move the course."
        )
        raise CourseError(message)


def unfit_name(name: str) -> str | None:
    """Return why nbgrader or a web page cannot work with an assignment's name; None if they can.

    >>> unfit_name("hw+x"), unfit_name("unit 1, été")
    ("has '+' in its name, which nbgrader or a link reads otherwise", None)
    """
    if unfit := _first_unfit(name, UNFIT_IN_NAMES):
        return f"has {unfit} in its name, which nbgrader or a link reads otherwise"
    if name[0] in ".-" or name != name.strip() or name.endswith("."):
        return "begins with a dot, a dash or a space, or ends with a dot or a space"
    if len(name.encode()) > MAX_ASSIGNMENT_BYTES:
        return f"has a name of more than {MAX_ASSIGNMENT_BYTES} bytes"
    return None


def _line_of(error: Exception, path: Path) -> str:
    """Return the line at which a file failed, as part of a sentence; empty if unknown."""
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == str(path) else None
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == str(path):
            line = frame.lineno
    return "" if line is None else f" (line {line})"


def _first_unfit(text: str, unfit: str) -> str | None:
    """Return the first forbidden character of a text, quoted; None if there is none."""
    return next((repr(c) for c in text if c in unfit or not c.isprintable()), None)


def _compose(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def gradebook_url(root: Path) -> str:
    """Return the URL of a course's gradebook, quoted if its path has characters such as %.

    Parameters
    ----------
    root : Path
        The course's folder.
    """
    path = str(root / "gradebook.db")
    plain = f"sqlite:///{path}"
    if PLAIN_PATH.fullmatch(path):
        return plain
    from sqlalchemy.engine import URL, make_url  # a slow import, rarely needed

    if make_url(plain).database == path:
        return plain
    return URL.create("sqlite", database=path).render_as_string(hide_password=False)


def causes(result: dict[str, Any]) -> list[str]:
    """Return why a call of nbgrader's API failed, from its log.

    Parameters
    ----------
    result : dict
        What a method of `NbGraderAPI` returned when it failed.

    Returns
    -------
    list of str
        The exceptions, as ``"Name: message"``, the cause first. If the log has none, its last line.

    Raises
    ------
    KeyboardInterrupt
        If a person interrupted it, which nbgrader reports as a failure.
    """
    if re.search(r"^KeyboardInterrupt\b", result["error"], re.MULTILINE):
        raise KeyboardInterrupt
    text = "\n".join((result.get("log", ""), result["error"]))
    # Leave out lines that only refer to an earlier one.
    told = [cause for cause in LOGGED_ERROR.findall(text) if ": Please see the" not in cause]
    return told or text.strip().splitlines()[-1:]
