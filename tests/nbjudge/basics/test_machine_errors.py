"""What goes wrong with the machine is a sentence and an exit code, and never a traceback."""

from __future__ import annotations

import errno
import logging
import os
import resource
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from classroom import AtOnce, answered, hand_in, marked_unseen, released_course
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from nbjudge.basics import temporary_folders
from nbjudge.basics.machine_errors import explain
from nbjudge.basics.stop_signals import stop_signals
from nbjudge.cli import commands
from nbjudge.course.course import Course
from nbjudge.course.folders import grading_lock, log_to_file
from nbjudge.course.gradebook import MarksNotSaved, marks_of_class
from nbjudge.course.gradebook_file import require_fit_gradebook
from nbjudge.exceptions import CourseError, ReleaseError
from nbjudge.feedback import write
from nbjudge.fork_server import namespaces
from nbjudge.grading import batch, writer
from nbjudge.grading.jobs import Job, JobOutcome
from nbjudge.grading.rows import Row
from nbjudge.grading.workers import local_pool
from nbjudge.grading.writer import MarkedSubmission
from nbjudge.release.release import generate

linux = pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return released_course(tmp_path_factory.mktemp("machine") / "course")


@pytest.fixture
def course(made: Course, tmp_path: Path) -> Course:
    shutil.copytree(made.root, tmp_path / "course")
    course = Course(tmp_path / "course")
    for student in ("ada", "bob"):
        hand_in(course, student, answered(course))
    return course


def call(course: Course, *arguments: str) -> Any:
    return CliRunner().invoke(commands.app, ["--course", str(course.root), *arguments])


def refusing(number: int) -> Any:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number), "there")

    return refuse


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "Permission"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENOMEM, "memory"),
        (errno.EAGAIN, "ulimit -u"),
        (errno.EFBIG, "ulimit -f"),
        (errno.ESTALE, os.strerror(errno.ESTALE)),
    ],
)
def test_an_error_of_the_system_is_told_with_its_place_and_a_remedy(number: int, told: str) -> None:
    sentence = explain(OSError(number, os.strerror(number), "there"))

    assert sentence is not None
    assert told in sentence
    assert "'there'" in sentence
    assert sentence.endswith("then run the same command again.")


def test_what_the_machine_is_not_to_blame_for_is_not_explained() -> None:
    assert explain(ValueError("a bug")) is None
    assert explain(TimeoutError("of a library")) is None
    assert "memory" in str(explain(MemoryError()))
    assert "TMPDIR" in str(explain(OSError("AF_UNIX path too long")))


def test_a_cause_is_told_by_what_was_raised_from_it() -> None:
    error = RuntimeError("it did not start")
    error.__cause__ = OSError(errno.EMFILE, "Too many open files")

    assert "ulimit -n" in str(explain(error))


def test_files_that_could_not_be_copied_are_told_by_the_first() -> None:
    why = "[Errno 28] No space left on device: 'a' -> 'b'"

    assert explain(shutil.Error([("a", "b", why)])) == explain(OSError(errno.ENOSPC, "full"))


@pytest.mark.parametrize("handed_in", [True, False])
def test_what_is_handed_in_for_an_assignment_that_is_not_released_is_code_3(
    handed_in: bool, course: Course, unseen: AtOnce
) -> None:
    shutil.copytree(course.root / "source" / "sums", course.root / "source" / "later")
    if handed_in:
        (course.root / "submitted" / "ada" / "later").mkdir()

    assert call(course, "autograde").exit_code == (3 if handed_in else 0)


@pytest.mark.parametrize("command", ["autograde", "report", "similar", "feedback", "export"])
def test_every_command_tells_of_a_full_disk_in_a_sentence(
    command: str, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Course, "config", refusing(errno.ENOSPC))

    result = call(course, command)

    assert result.exit_code == 1
    assert "There is no space left (at 'there')" in " ".join(result.stderr.split())


def test_who_reads_no_further_gets_no_sentence(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Course, "config", refusing(errno.EPIPE))

    assert "The system said" not in call(course, "export").output


@pytest.fixture
def unseen(monkeypatch: pytest.MonkeyPatch) -> AtOnce:
    """Let the command grade in this process, without kernels."""
    crew = AtOnce(marked_unseen)
    original = batch.grade_assignment

    def autograde(*arguments: Any, **settings: Any) -> list[Row]:
        return original(*arguments, **{**settings, "get_pool": crew})

    monkeypatch.setattr(batch, "grade_assignment", autograde)
    return crew


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_was_not_saved_is_code_3_and_the_rest_is_done(
    options: tuple[str, ...], course: Course, unseen: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        original = batch._Run._write

        def write(run: Any, outcome: JobOutcome, folder: Path) -> Any:
            if outcome.student == "bob":
                refusing(errno.ENOSPC)()
            return original(run, outcome, folder)

        patch.setattr(batch._Run, "_write", write)
        result = call(course, "autograde", *options)

    assert result.exit_code == 3
    assert "There is no space left" in result.stdout
    assert [student.student for student in marks_of_class(course, "sums")] == ["ada"]
    assert call(course, "autograde", *options).exit_code == 0
    assert unseen.graded == ["ada", "bob", "bob"]


def test_a_worker_that_was_lost_is_code_3(course: Course, unseen: AtOnce) -> None:
    unseen.does = lambda job: JobOutcome(job.student, failures={"": "It was lost."}, passing=True)

    assert call(course, "autograde").exit_code == 3


def test_a_damaged_notebook_is_no_fault_of_the_machine(course: Course, unseen: AtOnce) -> None:
    hand_in(course, "ada", b"{no notebook")

    assert call(course, "autograde").exit_code == 0


def test_a_folder_that_may_not_be_read_is_code_3(
    course: Course, unseen: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "read_submission", refusing(errno.EACCES))

    result = call(course, "autograde")

    assert result.exit_code == 3
    assert "Permission is denied" in result.stdout


def test_feedback_that_was_not_written_is_code_3(
    course: Course, unseen: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(course, "autograde")
    monkeypatch.setattr(write.shutil, "copy", refusing(errno.EDQUOT))

    result = call(course, "feedback", "--student", "ada")

    assert result.exit_code == 3
    assert "quota" in result.stdout


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("OSError: [Errno 28] No space left on device: 'x'", "was not released. There is no space"),
        ("OperationalError: database is locked", "was not released. The gradebook is locked"),
        (
            "OperationalError: disk I/O error\nNbGraderException: There was an error accessing",
            "was not released. The gradebook cannot be read or written: the disk failed, or a file",
        ),
        ("ValueError: a cell without an id", "Mend the source notebook"),
    ],
)
def test_a_release_that_fails_is_told_by_its_cause(
    said: str, told: str, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = {"success": False, "error": said, "log": ""}
    api = SimpleNamespace(generate_assignment=lambda *_, **__: result)
    monkeypatch.setattr(Course, "api", lambda *_: api)

    with pytest.raises(ReleaseError, match=told):
        generate(course, "sums")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty: it holds no marks, and no new one was made"),
        (b"marks, marks, marks", "no database of SQLite's"),
        (b"SQLite format 3\0 and then nothing of the kind", "is damaged"),
        (None, "is a folder"),
    ],
)
def test_a_gradebook_that_is_none_is_a_sentence_and_stays_as_it_is(
    content: bytes | None, told: str, course: Course
) -> None:
    path = course.root / "gradebook.db"
    path.unlink()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)

    for command in ("autograde", "release", "export"):
        result = call(course, command)

        assert result.exit_code == 1
        assert told in " ".join(result.stderr.split())
    assert path.is_dir() if content is None else path.read_bytes() == content


def test_the_newest_backup_beside_an_empty_gradebook_is_named(course: Course) -> None:
    path = course.root / "gradebook.db"
    path.replace(f"{path}.2026-03-01-120000.000001")
    path.touch()

    with pytest.raises(MarksNotSaved, match=r"gradebook\.db\.2026-03-01-120000\.000001"):
        marks_of_class(course, "sums")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE alembic_version SET version_num = 'ffff'", "'ffff' is not known here"),
        ("UPDATE alembic_version SET version_num = '724cde206c17'", "nbgrader db upgrade"),
        ("DROP TABLE alembic_version", "nbgrader db upgrade"),
        ("DROP TABLE grade", r"is damaged \(it has no table grade\)"),
        ("DROP TABLE submitted_notebook", r"it has no table submitted_notebook\)"),
        ("ALTER TABLE assignment RENAME TO other", "a database of another program"),
    ],
)
def test_a_gradebook_that_is_damaged_or_anothers_is_not_touched(
    statement: str, told: str, course: Course
) -> None:
    path = course.root / "gradebook.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
    before = path.read_bytes()

    with pytest.raises(MarksNotSaved, match=told):
        marks_of_class(course, "sums")

    assert path.read_bytes() == before


def test_what_a_killed_writer_left_half_written_is_taken_back(
    course: Course, tmp_path: Path
) -> None:
    path, left = course.root / "gradebook.db", tmp_path / "left"
    left.mkdir()
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("CREATE TABLE IF NOT EXISTS notes (text)")
        writer.commit()
        writer.execute("PRAGMA cache_size = 1")  # so that pages are written before the end
        writer.executemany("INSERT INTO notes VALUES (?)", [("x" * 4000,)] * 50)
        for found in course.root.glob("gradebook.db*"):  # as they are when it is killed now
            shutil.copy(found, left)
        writer.rollback()
    assert (left / "gradebook.db-journal").stat().st_size > 0

    require_fit_gradebook(f"sqlite:///{left / 'gradebook.db'}")

    with closing(sqlite3.connect(left / "gradebook.db")) as reader:
        assert reader.execute("SELECT count(*) FROM notes").fetchone() == (0,)
    assert not (left / "gradebook.db-journal").exists()


def test_a_gradebook_that_is_just_being_made_is_left_to_who_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    require_fit_gradebook(f"sqlite:///{path}")
    path.touch()
    (tmp_path / "gradebook.db-journal").touch()

    require_fit_gradebook(f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("line", "told"),
    [("1 / 0", "ZeroDivisionError: division by zero"), ("x = (", "SyntaxError: '(' was never")],
)
def test_settings_that_fail_are_told_with_their_line(line: str, told: str, course: Course) -> None:
    path = course.root / "nbgrader_config.py"
    path.write_text(f"c = get_config()\n{line}\n", encoding="utf-8")

    with pytest.raises(CourseError) as raised:
        course.config()

    assert f"{path} cannot be read (line 2): {told}" in str(raised.value)


@linux
def test_a_second_run_is_told_of_the_first_and_grades_nothing(
    course: Course, unseen: AtOnce
) -> None:
    with grading_lock(course):
        result = call(course, "autograde")

    assert result.exit_code == 1
    assert "Another run of `course autograde` is at work" in " ".join(result.stderr.split())
    assert unseen.graded == []
    assert call(course, "autograde").exit_code == 0


def test_the_writer_waits_for_who_has_locked_the_gradebook(course: Course) -> None:
    results = unseen_results(course)  # before there is a lock, for which it would wait, too
    other = sqlite3.connect(
        course.root / "gradebook.db", isolation_level=None, check_same_thread=False
    )
    waits = threading.Event()

    def let_go() -> None:
        waits.wait()
        threading.Event().wait(0.3)  # the longer, the surer that who does not wait fails
        other.execute("ROLLBACK")

    def notice(*arguments: Any) -> None:
        if arguments[2] == "BEGIN IMMEDIATE":
            waits.set()

    with closing(other), closing(writer.Writer(course, "sums")) as one:
        event.listen(one._gradebook.engine, "before_cursor_execute", notice)
        other.execute("BEGIN IMMEDIATE")
        helper = threading.Thread(target=let_go)
        helper.start()
        one.save([MarkedSubmission("ada", None, results)])
        helper.join()

    assert [student.student for student in marks_of_class(course, "sums")] == ["ada"]


def unseen_results(course: Course) -> Any:
    found: list[Job] = []

    def keep(job: Job) -> JobOutcome:
        found.append(job)
        return JobOutcome(job.student, failures={"": "not now"}, passing=True)

    batch.grade_assignment(course, "sums", students=["ada"], get_pool=AtOnce(keep))
    return marked_unseen(found[-1]).results


def test_an_entry_that_another_program_has_just_made_is_found_at_the_second_try(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = unseen_results(course)
    original, tried = writer._Entries.write, []

    def write(entries: Any) -> None:
        tried.append(entries)
        if len(tried) == 1:
            raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed: student.id"))
        original(entries)

    monkeypatch.setattr(writer._Entries, "write", write)
    with closing(writer.Writer(course, "sums")) as one:
        assert one.save([MarkedSubmission("ada", None, results)]) == {}

    assert [student.student for student in marks_of_class(course, "sums")] == ["ada"]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there are no such signals")
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
def test_a_signal_ends_a_command_with_its_code(
    name: str, code: int, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def autograde(*_: Any, **__: Any) -> list[Row]:
        signal.raise_signal(getattr(signal, name))
        return []

    monkeypatch.setattr(batch, "grade_assignment", autograde)
    usual = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
    before = signal.signal(getattr(signal, name), usual)  # whoever runs this may ignore it
    try:
        result = call(course, "autograde")
        after = signal.getsignal(getattr(signal, name))
    finally:
        signal.signal(getattr(signal, name), before)

    assert result.exit_code == code
    assert "run the same command again to go on" in " ".join(result.stderr.split())
    assert after is usual


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there are no such signals")
def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_log_that_nothing_can_be_written_to_prints_nothing(
    course: Course, capfd: pytest.CaptureFixture[str]
) -> None:
    with log_to_file(course):
        (handler,) = (h for h in logging.getLogger().handlers if type(h).__name__ == "_QuietFile")
        handler.emit = lambda record: handler.handleError(record)  # type: ignore[method-assign]
        logging.getLogger("anybody").error("what nobody hears")

    assert capfd.readouterr() == ("", "")


def test_workers_that_do_not_start_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_pool.multiprocessing, "get_context", refusing(errno.ENOMEM))

    with pytest.raises(
        CourseError, match=r"The workers did not start\. There is not enough memory"
    ):
        local_pool.LocalPool(1)


def test_a_long_folder_for_temporary_files_is_passed_over_for_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))

    assert len(os.fsencode(temporary_folders.short_folder())) <= temporary_folders.MOST_OF_PATH
    with temporary_folders.short_temporary_folder():
        assert tempfile.gettempdir() == str(temporary_folders.short_folder())
    assert tempfile.gettempdir() == str(long)

    monkeypatch.setattr(temporary_folders, "MOST_OF_PATH", 0)
    with pytest.raises(CourseError, match="Set TMPDIR"):
        temporary_folders.short_folder()


@linux
def test_a_limit_is_never_raised_above_the_hard_one(monkeypatch: pytest.MonkeyPatch) -> None:
    hard = {resource.RLIMIT_NOFILE: 64, resource.RLIMIT_CPU: 7}
    given: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(
        resource, "getrlimit", lambda kind: (0, hard.get(kind, resource.RLIM_INFINITY))
    )
    monkeypatch.setattr(resource, "setrlimit", given.__setitem__)

    namespaces.limit(
        cpu_seconds=10,
        data_bytes=1000,
        address_bytes=1000,
        processes=10,
        open_files=1024,
        file_bytes=1000,
    )

    assert given[resource.RLIMIT_NOFILE] == (64, 64)
    assert given[resource.RLIMIT_CPU] == (7, 7)
    assert given[resource.RLIMIT_DATA] == (1000, 1000)
