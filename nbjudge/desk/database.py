"""The desk's database: hand-ins, sessions, held exercises, class lists, LTI state and an audit log.

It is SQLite in the course's folder, or PostgreSQL. A committed transaction is on disk.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    DateTime,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from nbjudge.basics.machine_errors import explain_database
from nbjudge.course.course import Course
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.exceptions import CourseError

__all__ = [
    "Database",
    "audit",
    "class_lists",
    "digest_of_token",
    "hand_ins",
    "holds",
    "lti_graders",
    "lti_lines",
    "lti_logins",
    "lti_scores",
    "sessions",
]

DATABASE_FILE = "desk.db"
#: Milliseconds to wait while another process writes to the file.
BUSY_MILLISECONDS = 30_000

tables = MetaData()
hand_ins = Table(
    "hand_ins",
    tables,
    Column("id", Integer, primary_key=True),
    Column("student", String, nullable=False),
    Column("assignment", String, nullable=False),
    # Counted from 1, for each student and assignment.
    Column("attempt", Integer, nullable=False),
    # All times are in UTC, without a time zone.
    Column("received", DateTime, nullable=False),
    Column("due", DateTime),
    Column("zone", String, nullable=False),
    Column("files", JSON, nullable=False),
    Column("remarks", JSON, nullable=False),
    Column("counts", Boolean, nullable=False),
    Column("state", String, nullable=False),
    Column("marked", DateTime),
    Column("outcome", JSON(none_as_null=True)),
    Index("of_student", "student", "assignment", "id"),
    Index("in_state", "state", "attempt", "id"),
    Index("that_count", "assignment", "counts"),
)
holds = Table(
    "holds",
    tables,
    Column("assignment", String, primary_key=True),
    Column("exercise", String, primary_key=True),
)
sessions = Table(
    "sessions",
    tables,
    # A hash of the session token, so that reading the database gives nobody a session.
    Column("digest", String, primary_key=True),
    Column("who", String, nullable=False),
    Column("is_grader", Boolean, nullable=False),
    Column("csrf", String, nullable=False),
    Column("began", DateTime, nullable=False),
)
audit = Table(
    "audit",
    tables,
    Column("id", Integer, primary_key=True),
    Column("at", DateTime, nullable=False),
    Column("who", String, nullable=False),
    Column("did", String, nullable=False),
    Column("what", String, nullable=False),
)
# Who is in the class according to a learning platform or a JupyterHub: see `class_lists/`.
class_lists = Table(
    "class_lists",
    tables,
    Column("source", String, primary_key=True),
    Column("address", String, nullable=False),
    Column("asked", DateTime),
    Column("read", DateTime),
    Column("problem", String, nullable=False),
    Column("students", JSON, nullable=False),
    Column("left_out", JSON, nullable=False),
)
# For courses on a learning platform: logins under way, graders, and scores to send.
lti_logins = Table(
    "lti_logins",
    tables,
    Column("digest", String, primary_key=True),
    Column("browser", String, nullable=False),
    Column("nonce", String, nullable=False),
    Column("issuer", String, nullable=False),
    Column("client_id", String, nullable=False),
    Column("began", DateTime, nullable=False),
)
lti_graders = Table(
    "lti_graders",
    tables,
    Column("who", String, primary_key=True),
    Column("until", DateTime, nullable=False),
)
lti_lines = Table(
    "lti_lines",
    tables,
    Column("student", String, primary_key=True),
    Column("assignment", String, primary_key=True),
    Column("issuer", String, nullable=False),
    Column("client_id", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("address", String, nullable=False),
)
lti_scores = Table(
    "lti_scores",
    tables,
    Column("student", String, primary_key=True),
    Column("assignment", String, primary_key=True),
    # The score to send; the platform uses the timestamp to tell which of two scores is newer.
    Column("points", Float, nullable=False),
    Column("max_points", Float, nullable=False),
    Column("stamp", DateTime, nullable=False),
    Column("is_sent", Boolean, nullable=False),
    # The last score that the platform accepted, and the address it was sent to.
    Column("sent_points", Float),
    Column("sent_max", Float),
    Column("sent_to", String, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", DateTime, nullable=False),
    Column("problem", String, nullable=False),
)


class Database:
    """A connection to the desk's database; missing tables are created.

    Parameters
    ----------
    course : Course
    policy : DeskPolicy

    Raises
    ------
    CourseError
        If the database cannot be used.
    """

    def __init__(self, course: Course, policy: DeskPolicy) -> None:
        address: Any = policy.database or URL.create(
            "sqlite", database=str(course.root / DATABASE_FILE)
        )
        try:
            self.engine = create_engine(address)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            message = (
                f"The desk's database cannot be used ({error}). Write an address such as "
                "postgresql+psycopg2://desk@localhost/desk to c.Desk.database in "
                "nbgrader_config.py, and install its driver."
            )
            raise CourseError(message) from error
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine)
        with self._explain_errors():
            tables.create_all(self.engine)
        if not policy.database:
            (course.root / DATABASE_FILE).chmod(0o600)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Lend a connection for reading."""
        with self._explain_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Lend a connection inside a transaction: committed after the block, or rolled back."""
        with self._explain_errors(), self.engine.connect() as connection, connection.begin():
            if connection.dialect.name == "sqlite":
                # Take the write lock before the first read, so that what is read stays true.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _explain_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            said = explain_database(str(error.orig), "The desk's database")
            raise CourseError(said) from error


def digest_of_token(token: str) -> str:
    """Return the hash of a browser's token; only the hash is stored, and it logs nobody in."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _: object) -> None:
        # Autocommit: `Database.writing` begins transactions itself.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
