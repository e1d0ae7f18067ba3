"""Making a small course to begin with: one assignment, with an exercise of each kind."""

from __future__ import annotations

from pathlib import Path

from nbjudge.course.course import CONFIG_NAME, require_fit
from nbjudge.exceptions import CourseError

__all__ = ["make_course"]

FIRST_COURSE = Path(__file__).parent / "templates" / "first_course"
#: nbgrader would read this file among the templates, too, and so it is no file there.
CONFIG = '''\
"""How nbgrader runs this course; what `configure` sets can be overruled below it."""

from nbjudge.hooks import configure

c = get_config()  # noqa: F821 (nbgrader provides it)
configure(c)
'''
#: What of the course comes from which template.
FILES = {
    "source/warm_up/warm_up.ipynb": "warm_up.ipynb",
    "README.md": "README.md",
    ".gitignore": "gitignore",
}


def make_course(folder: Path) -> list[str]:
    """Write a course to a folder, which is made if there is none, and return what was written.

    Parameters
    ----------
    folder : Path
        It may hold other things.

    Returns
    -------
    list of str
        Relative to the folder, with forward slashes.

    Raises
    ------
    CourseError
        If the folder lies in a course, has one of the files already, or nbgrader cannot work there.
        Then nothing is written.
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
