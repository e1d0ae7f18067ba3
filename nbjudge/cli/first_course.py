"""Make a small first course: one assignment, with an exercise of each kind."""

from __future__ import annotations

from pathlib import Path

from nbjudge.course.course import CONFIG_NAME, require_fit
from nbjudge.exceptions import CourseError

__all__ = ["make_course"]

FIRST_COURSE = Path(__file__).parent / "templates" / "first_course"
#: Not a file among the templates, as nbgrader would read it there, too.
CONFIG = '''\
"""How nbgrader runs this course; what `configure` sets can be overruled below it."""

from nbjudge.hooks import configure

c = get_config()  # noqa: F821 (nbgrader provides it)
configure(c)
'''
#: The files of the course, and the template of each.
FILES = {
    "source/warm_up/warm_up.ipynb": "warm_up.ipynb",
    "README.md": "README.md",
    ".gitignore": "gitignore",
}


def make_course(folder: Path) -> list[str]:
    """Write a course to a folder, which is created if necessary, and return the files.

    Parameters
    ----------
    folder : Path
        It may contain other files.

    Returns
    -------
    list of str
        Paths relative to the folder, with forward slashes.

    Raises
    ------
    CourseError
        If the folder is inside a course, already has one of the files, or nbgrader cannot work
        there; nothing is written then.
    """
    folder = folder.resolve()
    require_fit(folder)
    for above in (folder, *folder.parents):
        if (above / CONFIG_NAME).exists():
            message = (
                f"{above} is a course already: it holds {CONFIG_NAME}. Choose a folder outside it, "
                "or add an assignment there with `course new`."
            )
            raise CourseError(message)
    texts = {CONFIG_NAME: CONFIG}
    for name, template in FILES.items():
        texts[name] = (FIRST_COURSE / template).read_text(encoding="utf-8")
    if taken := sorted(name for name in texts if (folder / name).exists()):
        message = (
            f"{folder / taken[0]} is there already, and is not overwritten. "
            "Choose an empty folder, or move it away."
        )
        raise CourseError(message)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return sorted(texts)
