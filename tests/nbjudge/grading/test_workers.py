"""Whoever grades, here or elsewhere, and whoever of them dies: every submission gets its marks."""

from __future__ import annotations

import gc
import json
import os
import pickle
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from classroom import answered, hand_in, released_course
from distributed import Future
from distributed.security import Security
from prepared_workers import prepare_workers
from processes import (
    PATIENCE,
    Program,
    Seen,
    course_command,
    descendants,
    have_ended,
    running,
    waited_for,
)
from sampling import only
from typer.testing import CliRunner

from nbjudge.cli.commands import app
from nbjudge.course.course import Course
from nbjudge.course.plug import Plug
from nbjudge.exceptions import CourseError
from nbjudge.grading import batch
from nbjudge.grading.batch import grade_assignment
from nbjudge.grading.conditions import GradingConditions
from nbjudge.grading.graded import GradedIndex
from nbjudge.grading.jobs import Job, JobOutcome, OtherGrader, lost_outcome
from nbjudge.grading.rows import Status
from nbjudge.grading.workers import cluster_pool, local_pool, pool
from nbjudge.intake.submission import SubmissionFiles
from nbjudge.sandbox.limits import Limits

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc"),
    # Of a worker that dies Dask leaves the connection to the collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
TERMS = GradingConditions({}, Limits(), False, Plug())
WRONG = "def total(numbers):\n    return 0"
UNREPAIRED = "def mean(numbers):\n    return sum(numbers) / (len(numbers) - 1)"
#: What each of a few students answers, and the mark for it; a class has some of each.
ANSWERS = (
    ({}, 5),
    ({"ex_1_1_1": WRONG}, 3),
    ({"ex_1_1_2": UNREPAIRED}, 2),
    ({"ex_1_1_1": WRONG, "ex_1_1_2": UNREPAIRED}, 0),
)
HERE = ("--host", "127.0.0.1")
#: A worker that dies with its second job in hand.
DIES = """
import os
import signal

from nbjudge.grading import jobs

original, begun = getattr(jobs.work, "original", jobs.work), []


def work(job):
    begun.append(job)
    if len(begun) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(job)


work.original = original  # Dask runs this more than once
jobs.work = work
"""
#: A worker whose jobs end once that of "late" is begun.
WAITS_FOR_THE_LATE = """
import time
from pathlib import Path

from nbjudge.grading import jobs


def work(job):
    if job.student == "late":
        Path(BEGUN).touch()
    end = time.monotonic() + 60
    while not Path(BEGUN).exists() and time.monotonic() < end:
        time.sleep(0.01)
    return jobs.JobOutcome(job.student)


jobs.work = work
"""
#: A worker that dies with the job of "doomed", always, and with that of "unlucky" the first time.
DIES_OF_SOME = """
import os
import signal
from pathlib import Path

from nbjudge.grading import jobs

original, seen = getattr(jobs.work, "original", jobs.work), Path(SEEN)


def work(job):
    if job.student == "doomed" or (job.student == "unlucky" and not seen.exists()):
        if job.student == "unlucky":
            seen.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return original(job)


work.original = original  # Dask runs this more than once
jobs.work = work
"""
#: A worker that begins, and never ends.
BUSY = """
import os
import time
from pathlib import Path

from nbjudge.grading import jobs


def work(job):
    Path({begun!r}).with_suffix(".new").write_text(str(os.getpid()))
    Path({begun!r}).with_suffix(".new").rename({begun!r})
    while True:
        time.sleep(1)


jobs.work = work
"""
OTHER_CODE = """
from nbjudge.grading import jobs

jobs.grader_version = lambda packages: "0.0.9+old"
"""
NO_COURSE = """
import sys


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "nbjudge":
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)


sys.meta_path.insert(0, Absent())
"""


@pytest.fixture(scope="module")
def new_course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = released_course(tmp_path_factory.mktemp("new") / "course")
    for number in range(10):
        hand_in(course, f"s{number}", answered(course, **ANSWERS[number % 4][0]))
    return course


@pytest.fixture
def course(new_course: Course, tmp_path: Path) -> Course:
    """Return a course in which ten students, s0 to s9, have handed in."""
    shutil.copytree(new_course.root, tmp_path / "course")
    return Course(tmp_path / "course")


EXACT = {f"s{number}": ANSWERS[number % 4][1] for number in range(10)}


class Site:
    """A scheduler and its workers, each a process of its own, started as people start them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self.workers: list[Program] = []

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def _file(self) -> Path:
        return self.folder / "scheduler.json"

    @property
    def address(self) -> str:
        found: str = json.loads(self._file.read_text())["address"]
        return found

    def open(self, *options: str) -> Site:
        command = ("-m", "dask", "scheduler", *HERE, "--port", "0", *options)
        command += ("--dashboard-address", "127.0.0.1:0")
        where = ("--scheduler-file", str(self._file))
        program = running(self.folder / "scheduler", *command, *where)
        self.scheduler = self._stack.enter_context(program)
        # It is there a moment before all of it is written.
        waited_for(lambda: self._file.exists() and self._file.read_text().endswith("}"))
        return self

    def hire(self, preload: str = "", *, options: tuple[str, ...] = ()) -> Site:
        """Start one more worker, which first runs a text of Python."""
        name = f"worker{len(self.workers)}"
        options += ("--nthreads", "1", "--no-nanny", "--no-dashboard", *HERE)
        options += ("--local-directory", str(self.folder / f"{name}-files"))
        if preload:
            file = self.folder / f"{name}.py"
            file.write_text(preload, encoding="utf-8")
            options += ("--preload", str(file))
        where = ("--scheduler-file", str(self._file))
        program = running(self.folder / name, "-m", "dask", "worker", *where, *options)
        self.workers.append(self._stack.enter_context(program))
        return self

    def gathered(self) -> Site:
        for worker in self.workers:
            waited_for(lambda worker=worker: "Starting established connection" in worker.errors)
        return self


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    with Site(folder) as made:
        yield made


def graded(course: Course, *arguments: str, **environment: str) -> AbstractContextManager[Program]:
    folder = course.root.parent / f"program{len(list(course.root.parent.glob('program*')))}"
    return running(
        folder, *course_command(course.root, "autograde", "sums", *arguments), **environment
    )


def rows(program: Program) -> dict[str, dict[str, object]]:
    """Return the rows that a program printed with `--json`."""
    assert program.process.wait(600) == 0, program.errors
    return {row["student"]: row for row in json.loads(program.output)}


def scores(program: Program) -> dict[str, object]:
    return {student: row["score"] for student, row in rows(program).items()}


def test_workers_elsewhere_grade_a_class_though_one_of_them_is_killed(
    course: Course, site: Site
) -> None:
    site.open().hire().hire(DIES).gathered()

    with graded(course, "--scheduler", site.address, "--json") as program:
        found = scores(program)

    assert found == EXACT
    assert site.workers[1].process.wait(60) == -signal.SIGKILL
    assert site.workers[0].process.poll() is None  # they are not ours to end
    assert site.scheduler.process.poll() is None


@pytest.mark.thorough
@pytest.mark.sandbox
def test_a_worker_killed_from_outside_takes_nothing_with_it(course: Course, site: Site) -> None:
    site.open().hire().hire().gathered()

    with graded(course, "--scheduler", site.address, "--json") as program:
        waited_for(lambda: "3 of 10 done" in program.errors)
        victim = site.workers[0].process
        below = descendants(victim.pid)
        victim.kill()
        victim.wait()
        found = rows(program)

    assert {student: row["score"] for student, row in found.items()} == EXACT
    assert {row["status"] for row in found.values()} == {Status.GRADED}
    assert below  # its kernels' warm parent, at least
    assert have_ended(below)


@pytest.mark.thorough
def test_workers_elsewhere_are_there_for_the_next_class_too(course: Course, site: Site) -> None:
    site.open().hire().gathered()

    for _ in range(2):
        with graded(course, "--force", "--scheduler", site.address, "--json") as program:
            assert scores(program) == EXACT


@pytest.mark.thorough
def test_a_scheduler_that_talks_tls_alone_is_used_with_dasks_own_settings(
    course: Course, site: Site
) -> None:
    made = Security.temporary()
    files = {"ca-file": made.tls_ca_file, "cert": made.tls_client_cert, "key": made.tls_client_key}
    for name, text in files.items():
        (site.folder / name).write_text(text)
    options = [word for name in files for word in (f"--tls-{name}", str(site.folder / name))]
    site.open("--protocol", "tls", *options).hire(options=tuple(options)).gathered()
    settings = {
        "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(site.folder / "ca-file"),
        "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT": str(site.folder / "cert"),
        "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY": str(site.folder / "key"),
    }
    assert site.address.startswith("tls://")

    with graded(course, "--scheduler", site.address, "--json", **settings) as program:
        assert scores(program) == EXACT

    with graded(course, "--force", "--scheduler", site.address) as stranger:
        assert stranger.process.wait(60) == 1
    assert_is_one_sentence(stranger.errors, site.address)


def assert_is_one_sentence(said: str, *parts: str) -> None:
    """See that a person is told what is wrong in a line, below what the run's start says."""
    lines = [line for line in said.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Grading sums:", "Without a sandbox:"))]
    assert len(told) == 1, said
    for part in parts:
        assert part in told[0]


def refused(course: Course, address: str) -> str:
    """Return what `course autograde` says that cannot use a scheduler."""
    result = CliRunner().invoke(
        app, ["--course", str(course.root), "autograde", "sums", "--scheduler", address]
    )
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == 1, result.output
    assert not list(course.root.glob("autograded/*/*"))
    return result.stderr


def test_an_address_where_nobody_answers_is_a_sentence(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_pool, "REACH", 0.5)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, and nobody listens
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"

        assert_is_one_sentence(refused(course, address), f"No scheduler answers at {address}")


@pytest.mark.parametrize("address", ["gopher://127.0.0.1:8786", "tcp://127.0.0.1:port", ""])
def test_what_is_no_address_is_a_sentence(
    course: Course, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(cluster_pool, "REACH", 0.5)

    assert_is_one_sentence(refused(course, address), "Check the address")


def test_a_scheduler_without_workers_is_a_sentence(
    course: Course, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_pool, "GATHER", 0.5)
    site.open()

    assert_is_one_sentence(
        refused(course, site.address), "has no workers", f"dask worker {site.address}"
    )


def test_a_worker_with_other_code_is_a_sentence(course: Course, site: Site) -> None:
    site.open().hire(OTHER_CODE).gathered()

    assert_is_one_sentence(refused(course, site.address), "0.0.9+old", "Install the same")


@pytest.mark.thorough
def test_a_worker_without_the_course_is_a_sentence(
    course: Course, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_pool, "RECONNECT_PAUSE", 0.5)
    monkeypatch.setattr(cluster_pool, "GATHER", 5)
    site.open().hire(NO_COURSE).gathered()

    assert_is_one_sentence(refused(course, site.address), "nbjudge", "install them there")


def test_a_scheduler_without_the_course_is_a_sentence(course: Course, site: Site) -> None:
    preload = site.folder / "absent.py"
    preload.write_text(NO_COURSE, encoding="utf-8")
    site.open("--preload", str(preload))
    site.hire(options=()).gathered()

    with graded(course, "--scheduler", site.address) as program:
        assert program.process.wait(90) == 1
    assert_is_one_sentence(program.errors, "scheduler", "install the course there")


@pytest.mark.thorough
def test_a_scheduler_that_goes_is_a_sentence_and_what_was_graded_stays(
    course: Course, site: Site
) -> None:
    site.open().hire().gathered()

    with graded(course, "--scheduler", site.address) as program:
        waited_for(lambda: "3 of 10 done" in program.errors)
        site.scheduler.process.kill()
        assert program.process.wait(120) == 1

    assert_is_one_sentence(program.errors, "The scheduler is gone")
    entries = {*GradedIndex(course, "sums").times()}
    assert len(entries) >= 3
    with graded(course, "--workers", "1", "--json") as program:
        found = rows(program)
    assert {student: row["score"] for student, row in found.items()} == EXACT
    assert {student for student, row in found.items() if not row["graded_now"]} == entries


@pytest.fixture
def dying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Have this machine's workers die of the submissions of "doomed" and "unlucky"."""
    # Each worker is a process of its own: they have to know of each other by a path.
    seen = f"SEEN = {str(tmp_path / 'seen')!r}"
    with monkeypatch.context() as patch:
        prepare_workers(patch, f"{seen}\n{DIES_OF_SOME}")
        yield patch


@pytest.mark.parametrize("started", only([2], [1, 2]))
def test_a_worker_of_this_machine_that_dies_is_replaced(
    course: Course, dying: pytest.MonkeyPatch, started: int
) -> None:
    for student in ("doomed", "unlucky"):
        hand_in(course, student, answered(course))

    with batch.lend_workers(course, workers=started) as get_pool:
        found = {row.student: row for row in grade_assignment(course, "sums", get_pool=get_pool)}

    doomed = found.pop("doomed")
    assert {student: row.score for student, row in found.items()} == EXACT | {"unlucky": 5}
    assert {row.status for row in found.values()} == {Status.GRADED}
    assert doomed.status is Status.FAILED
    assert doomed.remarks == (
        f"The worker that graded it ended, {local_pool.TRIES_OF_JOB} times in a row.",
    )


def test_a_result_that_is_lost_with_its_worker_elsewhere_is_made_anew(
    course: Course, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has ended, and its worker dies before anybody has fetched it."""
    site.open().hire().hire().gathered()
    lost, original = [], cluster_pool.wait

    def wait_and_kill(futures: list[Future], **how: object) -> object:
        ended = original(futures, **how)
        future = next(iter(ended.done), None)
        if future and not lost:
            ((worker,),) = future.client.who_has([future]).values()
            (number,) = future.client.run(os.getpid, workers=[worker]).values()
            os.kill(number, signal.SIGKILL)
            waited_for(lambda: future.status != "finished")
            lost.append(future.status)
        return ended

    monkeypatch.setattr(cluster_pool, "wait", wait_and_kill)

    with batch.lend_workers(course, scheduler=site.address) as get_pool:
        found = grade_assignment(course, "sums", get_pool=get_pool)

    assert lost
    assert {row.student: row.score for row in found} == EXACT
    assert {row.status for row in found} == {Status.GRADED}


def test_a_result_that_comes_over_a_slow_line_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Slow:
        status = "finished"

        def result(self, timeout: float) -> str:
            if timeout < 30:
                raise TimeoutError
            return "an outcome"

    looks = iter(range(3))
    slow = Slow()
    monkeypatch.setattr(cluster_pool, "wait", lambda *_, **__: next(looks) < 3 and ({slow}, set()))

    assert cluster_pool.ClusterPool(None)._first([slow]) == {slow: "an outcome"}


def test_one_that_killed_its_workers_is_tried_again_by_the_next_run(
    course: Course, dying: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(course.root / "submitted")
    hand_in(course, "doomed", answered(course))
    with batch.lend_workers(course, workers=1) as get_pool:
        (first,) = grade_assignment(course, "sums", get_pool=get_pool)
    dying.undo()

    with batch.lend_workers(course, workers=1) as get_pool:
        (second,) = grade_assignment(course, "sums", get_pool=get_pool)

    assert (first.score, second.score) == (None, 5)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let an interrupt be heard, as in a terminal: a shell's background jobs have it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.sandbox
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_stops_at_once_and_the_next_run_grades_the_rest(course: Course) -> None:
    with graded(course, "--workers", "2") as program:
        waited_for(lambda: "2 of 10 done" in program.errors)
        below = descendants(program.process.pid)
        os.killpg(program.process.pid, signal.SIGINT)  # as a terminal does
        code = program.process.wait(PATIENCE)
        assert have_ended(below)

    entries = {*GradedIndex(course, "sums").times()}
    assert code == 130
    assert_is_one_sentence(program.errors, "run the same command again to go on")
    assert program.output == ""
    assert len(below) > 3
    assert 2 <= len(entries) < 10

    with graded(course, "--workers", "2", "--json") as program:
        found = rows(program)

    assert {student: row["score"] for student, row in found.items()} == EXACT
    assert {student for student, row in found.items() if not row["graded_now"]} == entries


@pytest.mark.usefixtures("interruptible")
def test_who_stops_the_grading_does_not_wait_for_those_at_work(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"
    prepare_workers(monkeypatch, BUSY.format(begun=str(begun)))
    monkeypatch.setattr(local_pool, "END_SECONDS", 10**6)  # who waits is noticed
    before, at_work = own_children(), []

    def stop_once_it_has_begun() -> None:
        # It is there a moment before its worker has written its number into it.
        number = int(waited_for(lambda: begun.exists() and begun.read_text()))
        at_work.extend(child for child in own_children() - before if child.number == number)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # as Ctrl-C does

    threading.Thread(target=stop_once_it_has_begun).start()
    with (
        pytest.raises(KeyboardInterrupt),
        batch.lend_workers(course, workers=1) as get_pool,
    ):
        grade_assignment(course, "sums", get_pool=get_pool)

    assert at_work
    assert have_ended(at_work)


def test_a_large_class_does_not_stay_in_memory() -> None:
    jobs = (job(f"passing-{number}") for number in range(60))

    with pool.worker_pool(Plug(), workers=1) as crew:
        ended = [outcome.student for group in crew.outcomes(jobs) for outcome in group]
        gc.collect()
        # Not by isinstance, which asks every object in memory, and some answer with a warning.
        kept = [thing.student for thing in gc.get_objects() if type(thing) is Job]

    assert len(ended) == 60
    assert len([student for student in kept if student.startswith("passing-")]) < 10


def own_children() -> set[Seen]:
    return descendants(os.getpid())


def test_workers_of_this_machine_end_with_the_grading(course: Course) -> None:
    before = own_children()

    with batch.lend_workers(course, workers=2) as get_pool:
        grade_assignment(course, "sums", students=["s0", "s1", "s2"], get_pool=get_pool)
        during = own_children() - before

    assert len(during) >= 2
    waited_for(lambda: not [p for p in during if p.is_alive and descendants(p.number)])


def listeners() -> set[tuple[int, str, int]]:
    """Return where this process and those that it started listen: process, address, port."""
    here = psutil.Process()
    return {
        (process.pid, *each.laddr)
        for process in (here, *here.children(recursive=True))
        for each in process.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN
    }


def test_nobody_can_talk_to_the_workers_of_this_machine() -> None:
    before = listeners()

    with pool.worker_pool(Plug(), workers=1):
        assert listeners() == before


def job(student: str, size: int = 0, terms: GradingConditions = TERMS) -> Job:
    return Job(student, SubmissionFiles({"sums": bytes(size)}), (), terms)


def students(groups: Iterable[list[JobOutcome]]) -> list[str]:
    return [outcome.student for group in groups for outcome in group]


def test_what_a_whole_class_is_graded_on_is_sent_to_a_worker_once() -> None:
    sent: list[int] = []
    line = SimpleNamespace(send=lambda message: sent.append(len(pickle.dumps(message))))
    worker = local_pool._Worker(SimpleNamespace(), line)  # type: ignore[arg-type]
    large = replace(TERMS, environment={"COURSE_TEXT": "x" * 10_000})

    for terms in (large, large, replace(large)):
        worker.give(job("ada", terms=terms))

    assert [size > 10_000 for size in sent] == [True, False, True]


def test_a_worker_is_told_when_jobs_come_on_other_terms() -> None:
    other = replace(TERMS, grader="0.0.9+old")

    with pool.worker_pool(Plug(), workers=1) as crew:
        assert students(crew.outcomes([job("ada"), job("bob")])) == ["ada", "bob"]
        with pytest.raises(OtherGrader):
            list(crew.outcomes([job("ada"), job("bob", terms=other)]))


def test_a_worker_that_ended_while_it_had_nothing_to_do_is_replaced() -> None:
    with pool.worker_pool(Plug(), workers=1) as crew:
        (worker,) = crew._workers  # type: ignore[attr-defined]
        worker.process.kill()
        worker.process.join()

        assert students(crew.outcomes([job("ada")])) == ["ada"]
        assert crew.workers == 1


def test_a_job_that_ends_whoever_is_given_it_is_lost_and_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    give = local_pool._Worker.give

    def refuse_bob(worker: local_pool._Worker, job: Job) -> None:
        if job.student == "bob":
            raise BrokenPipeError
        give(worker, job)

    monkeypatch.setattr(local_pool._Worker, "give", refuse_bob)
    with pool.worker_pool(Plug(), workers=1) as crew:
        jobs = [job("bob"), job("ada"), job("bob")]
        told = [outcome for group in crew.outcomes(jobs) for outcome in group]

    assert [outcome.student for outcome in told] == ["ada", "bob", "bob"]
    lost = lost_outcome(jobs[0], local_pool.TRIES_OF_JOB)
    assert [outcome == lost for outcome in told] == [False, True, True]


def test_what_nobody_asked_further_for_is_given_to_nobody_else() -> None:
    with pool.worker_pool(Plug(), workers=2) as crew:
        first = crew.outcomes(iter([job("ada"), job("bob"), job("cyd")]))
        next(iter(first))
        first.close()  # type: ignore[attr-defined]

        assert students(crew.outcomes([job("dan")])) == ["dan"]


def test_a_job_that_comes_while_another_is_at_work_need_not_wait_for_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = str(tmp_path / "begun")
    prepare_workers(monkeypatch, f"BEGUN = {seen!r}\n{WAITS_FOR_THE_LATE}")

    class Jobs(Iterator[Job]):
        asked = 0

        def __next__(self) -> Job:
            self.asked += 1
            if self.asked in (1, 4):
                return job("early" if self.asked == 1 else "late")
            raise StopIteration

    with pool.worker_pool(Plug(), workers=2) as crew:
        assert sorted(students(crew.outcomes(Jobs()))) == ["early", "late"]


def test_a_worker_that_ends_before_it_is_up_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_workers(monkeypatch, "import os; os._exit(1)")

    with pytest.raises(CourseError, match=r"The workers did not start\. They were ended"):
        pool.worker_pool(Plug(), workers=1).__enter__()


def test_large_submissions_wait_until_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_pool, "MOST_BYTES", 1000)
    begun: list[str] = []
    done, at_once = 0, 0

    def jobs() -> Iterator[Job]:
        for name in "abcde":
            begun.append(name)
            yield job(name, size=600)

    with pool.worker_pool(Plug(), workers=4) as crew:
        for group in crew.outcomes(jobs()):
            done += len(group)
            at_once = max(at_once, len(begun) - done)

    assert done == 5
    assert at_once == 2


def test_large_submissions_wait_for_workers_elsewhere_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_pool, "MOST_BYTES", 1000)
    jobs = (job(str(n), size=600) for n in range(5))

    class Promise:
        def release(self) -> None:
            pass

    client = SimpleNamespace(submit=lambda *_, **__: Promise())
    crew = cluster_pool.ClusterPool(client)  # type: ignore[arg-type]
    monkeypatch.setattr(cluster_pool.ClusterPool, "workers", 10)
    at_once: list[int] = []

    def first(running: list[object]) -> dict[object, JobOutcome]:
        at_once.append(len(running))
        return {running[0]: JobOutcome("somebody")}

    monkeypatch.setattr(crew, "_first", first)

    assert len(list(crew.outcomes(jobs))) == 5
    assert max(at_once) == 2
