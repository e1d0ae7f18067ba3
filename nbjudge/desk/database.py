"""The desk's database: what was handed in, who is logged in, what is held, who did what.

SQLite in the course's folder, or PostgreSQL. What is committed is on the disk.
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
#: Milliseconds to wait for another process that writes to the file.
BUSY_MILLISECONDS = 30_000

tables = MetaData()
hand_ins = Table(
    "hand_ins",
    tables,
    Column("id", Integer, primary_key=True),
    Column("student", String, nullable=False),
    Column("assignment", String, nullable=False),
    # From 1, of this student for this assignment.
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
    # Not the session's key itself: who reads the database is nobody by that.
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
# Who is in the class, as a platform or a hub has it: see `class_lists/`.
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
# What learning platforms have begun, said and got, where a course is on one.
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
    # The mark that the platform is to have, with the time that says which of two is the newer.
    Column("points", Float, nullable=False),
    Column("max_points", Float, nullable=False),
    Column("stamp", DateTime, nullable=False),
    Column("is_sent", Boolean, nullable=False),
    # The last one that it is known to have, and where.
    Column("sent_points", Float),
    Column("sent_max", Float),
    Column("sent_to", String, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", DateTime, nullable=False),
    Column("problem", String, nullable=False),
)


class Database:
    """Opens the desk's database; its tables are made if there are none.

    Parameters
    ----------
    course : Course
    policy : DeskPolicy

    Raises
    ------
    CourseError
        If it cannot be used.
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
        """Lend a connection to look things up."""
        with self._explain_errors(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Lend a connection whose changes are on the disk when the block has ended, or undone."""
        with self._explain_errors(), self.engine.connect() as connection, connection.begin():
            if connection.dialect.name == "sqlite":
                # From the first look on nobody else writes, so what is looked up stays true.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    @contextmanager
    def _explain_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            said = explain_database(str(error.orig), "The desk's database")
            raise CourseError(said) from error


def digest_of_token(token: str) -> str:
    """Return what is kept of a token that only one browser has: who reads the file has none."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _: object) -> None:
        # Transactions begin where `writing` says so.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
