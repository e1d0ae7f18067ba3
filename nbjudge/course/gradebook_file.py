"""Check an SQLite gradebook before nbgrader opens it, which would silently fill an empty file."""

from __future__ import annotations

import ast
import functools
import sqlite3
from contextlib import closing
from pathlib import Path

from nbjudge.exceptions import CourseError

__all__ = ["GradebookUnfit", "require_fit_gradebook"]

MAGIC = b"SQLite format 3\0"
#: Suffixes of SQLite's journals, which lie beside a gradebook while it is being written.
JOURNALS = ("-journal", "-wal")
#: The tables with people and marks in a gradebook of this nbgrader's version.
TABLES = frozenset(
    {
        *("assignment", "base_cell", "comment", "grade", "grade_cells", "notebook"),
        *("solution_cells", "source_cell", "student", "submitted_assignment"),
        *("submitted_notebook", "task_cells"),
    }
)
#: Seconds to wait while another program writes.
LOCK_PATIENCE = 5


class GradebookUnfit(CourseError):
    """nbgrader cannot use the gradebook's file."""


def require_fit_gradebook(url: str) -> None:
    """Check that a gradebook was made by nbgrader, in this version, or does not exist yet.

    Parameters
    ----------
    url : str
        nbgrader's `db_url`. Only SQLite files are checked.

    Raises
    ------
    GradebookUnfit
        If the file is anything else.
    OSError
        If it cannot be read.
    sqlite3.OperationalError
        If another program has locked it.
    """
    from sqlalchemy.engine import make_url

    place = make_url(url)
    if place.get_backend_name() != "sqlite" or not place.database or place.database == ":memory:":
        return
    path = Path(place.database)
    if path.is_dir():
        raise GradebookUnfit(
            f"The gradebook {path} is a folder. Move it away, or name a file in "
            "c.CourseDirectory.db_url of nbgrader_config.py."
        )
    if not path.exists():
        return
    with path.open("rb") as file:
        start = file.read(len(MAGIC))
    if start != MAGIC:
        if start:
            raise GradebookUnfit(
                f"The gradebook {path} is damaged, or no database of SQLite's. {_remedy(path)}"
            )
        if not _is_unfinished(path):
            raise GradebookUnfit(_why_empty(path))
        return
    with closing(
        sqlite3.connect(_sqlite_address(path), uri=True, timeout=LOCK_PATIENCE)
    ) as connection:
        try:
            _require_version(connection, path)
        except sqlite3.OperationalError:  # locked, most often
            raise
        except sqlite3.DatabaseError as error:
            message = f"The gradebook {path} is damaged ({error}). {_remedy(path)}"
            raise GradebookUnfit(message) from error


def _require_version(connection: sqlite3.Connection, path: Path) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        raise GradebookUnfit(_why_empty(path))
    if "assignment" not in tables:
        raise GradebookUnfit(
            f"{path} is a database of another program, and no gradebook. {_remedy(path)}"
        )
    found = None
    if "alembic_version" in tables:
        found = next(connection.execute("SELECT version_num FROM alembic_version"), (None,))[0]
    head, known = _revisions()
    if found == head:
        if lost := sorted(TABLES - tables):  # nbgrader would create them again, empty
            raise GradebookUnfit(
                f"The gradebook {path} is damaged (it has no table {', '.join(lost)}). "
                f"{_remedy(path)}"
            )
        return
    if found is None or found in known:
        raise GradebookUnfit(
            f"The gradebook {path} was made by an older nbgrader. Run `nbgrader db upgrade` in the "
            "course's folder, which keeps a copy, then run the same command again."
        )
    raise GradebookUnfit(
        f"The gradebook {path} was made by another nbgrader, most likely a newer one: its version "
        f"{found!r} is not known here. Install that nbgrader, or put a backup in its place."
    )


def _sqlite_address(path: Path) -> str:
    """Return a URI that opens a gradebook read-only, or for writing if there is a journal.

    With a journal, SQLite has to roll back an unfinished transaction before it can read.
    """
    whole = path.resolve()
    return f"{whole.as_uri()}?mode={'rw' if _is_unfinished(whole) else 'ro'}"


def _is_unfinished(path: Path) -> bool:
    return any(path.with_name(path.name + suffix).exists() for suffix in JOURNALS)


@functools.cache
def _revisions() -> tuple[str, frozenset[str]]:
    """Return this nbgrader's gradebook version, and all versions that its migrations know.

    They are read from the text of the migrations, since importing Alembic would often take longer
    than all other work on the gradebook.
    """
    from nbgrader.dbutil import ALEMBIC_DIR

    former: dict[str, str | None] = {}
    for path in Path(ALEMBIC_DIR, "versions").glob("*.py"):
        told = {
            target.id: ast.literal_eval(node.value)
            for node in ast.parse(path.read_bytes()).body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        former[told["revision"]] = told["down_revision"]
    (head,) = former.keys() - former.values()
    return head, frozenset(former)


def _why_empty(path: Path) -> str:
    return (
        f"The gradebook {path} is empty: it holds no marks, and no new one was made. "
        f"{_remedy(path)} Delete it only if there were no marks yet: a release makes a new one."
    )


def _remedy(path: Path) -> str:
    """Return a sentence on which backup to use; `nbgrader db upgrade` adds a time to the name."""
    backups = [
        found
        for found in path.parent.glob(f"{path.name}.*")
        if found.is_file() and found.stat().st_size
    ]
    if backups:
        newest = max(backups, key=lambda found: found.stat().st_mtime)
        return f"Put a backup in its place; the newest beside it is {newest.name}."
    return f"Put a backup in its place; nbgrader calls its own {path.name}.<date>."
