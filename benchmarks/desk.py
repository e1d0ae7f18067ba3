"""Measure the desk under load, on loopback alone: receipts, pages and the time to a mark.

    python benchmarks/desk.py [--students 500] [--seconds 600] [--workers N]
    python benchmarks/desk.py --kills 30 [--seed N] [--students 60] [--seconds 300]
    python benchmarks/desk.py --growth

A class hands in `optimisers`, evenly over some time, and thirty of it in the last second; everybody
looks at the pages that a student looks at, and the instructor at that of the class. Each student's
notebook is one of a few made-up ones, with a remark of their own, so that none is graded by
another's marks.

With `--kills`, things go wrong at random moments of that time: the desk is killed, alone or with
all that it has started, or a worker, or the parent of the kernels; or its database or the gradebook
is locked for some seconds. A desk that is gone is started again, as systemd would; nobody helps
otherwise. Whoever got no receipt hands in again. In the end each hand-in with a receipt has to be
there, with the very bytes that were sent, and marked once.

`--growth` measures instead what noting a hand-in costs when few and when ten thousand are stored.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import nbformat
from rich.console import Console
from rich.table import Table

from nbjudge.cli.demo import fresh_course, made_up_class, write_answers
from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class, open_gradebook
from nbjudge.desk.database import Database
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.night import percentile
from nbjudge.desk.store import HandedFile, HandInState, Store
from nbjudge.desk.vault import Vault
from nbjudge.release.release import make_release

#: Hand-ins in the last second; bounds of what may be asked for.
RUSH, MOST_STUDENTS, MOST_SECONDS = 30, 2000, 3600
#: Seconds in which everything has to be marked in the end.
PATIENCE = 3600
#: Seconds between two looks of the instructor at the class; what stands where a result will be.
WATCH, WAITS = 3.0, "data-waits"
FEW, MANY, SAMPLE = 100, 10_000, 100
#: What goes wrong, and how it is known which process that is.
TROUBLES = ("desk", "desk and all below it", "worker", "parent of kernels", "lock")
COMMANDS = {"worker": r"multiprocessing\.(?:spawn|forkserver)", "parent of kernels": r" parent \d"}
#: Seconds for which a database is locked, and the shortest and longest pause between troubles.
LOCKED, PAUSES = (1.0, 8.0), (0.2, 4.0)


@dataclass
class Times:
    """What was measured, in seconds, and what was promised."""

    receipts: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    watching: list[float] = field(default_factory=list)
    marks: list[float] = field(default_factory=list)
    #: The numbers of receipts, with the SHA-256 of what was sent.
    promised: dict[int, str] = field(default_factory=dict)
    lost: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, seconds: float) -> None:
        """Note how long something took."""
        with self.lock:
            getattr(self, name).append(seconds)

    def lose(self) -> None:
        """Note that something was not to be had."""
        with self.lock:
            self.lost += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--students", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--growth", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="desk-benchmark-") as folder:
        if chosen.growth:
            growth(Path(folder))
            return
        students = min(chosen.students, MOST_STUDENTS)
        seconds = min(chosen.seconds, MOST_SECONDS)
        problems = load(Path(folder), students, seconds, chosen.workers, chosen.kills, chosen.seed)
    for problem in problems:
        print(problem)
    raise SystemExit(bool(problems))


def show(times: Times, cpu: float | None) -> None:
    """Print what was measured."""
    columns = ("what", "half within", "19 in 20 within", "the slowest", "how many")
    table = Table(*columns, box=None)
    for name, told in (
        ("receipts", "receipts"),
        ("pages", "students' pages"),
        ("watching", "the class's page"),
        ("marks", "marks"),
    ):
        values = getattr(times, name)
        found = (percentile(values, 0.5), percentile(values, 0.95), max(values, default=None))
        cells = (f"{value:.2f} s" if value is not None else "–" for value in found)
        table.add_row(told, *cells, str(len(values)))
    Console().print(table)
    looks = len(times.pages) + len(times.watching) + len(times.receipts)
    told = f"{looks} requests and {len(times.marks)} marks; {times.lost} were lost."
    print(
        told if cpu is None else f"{told} The desk's own process took {cpu:.1f} s of a processor."
    )


def load(
    folder: Path, students: int, seconds: float, workers: int | None, kills: int, seed: int
) -> list[str]:
    """Have a class hand in at a desk of its own; return what was not as it has to be."""
    course, notebooks, assignment = class_of(folder / "course", students)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"\nc.Desk.url = 'http://127.0.0.1:{port}'\n")
    command = [sys.executable, "-m", "nbjudge.cli.commands", "--course", str(course.root), "desk"]
    subprocess.run([*command, "--links"], check=True, stdout=subprocess.DEVNULL)
    with (course.root / "desk_links.csv").open(encoding="utf-8", newline="") as file:
        keys = {row["id"]: row["link"].rpartition("/")[2] for row in csv.DictReader(file)}
    more = ["--workers", str(workers)] if workers else []
    url = f"http://127.0.0.1:{port}"
    desk = _Desk([*command, "--port", str(port), *more], url)
    times = Times()
    try:
        wait_for(url)
        before = desk.cpu()
        trouble = threading.Thread(
            target=desk.make_trouble, args=(kills, seconds, seed, course), daemon=True
        )
        trouble.start()
        hand_all_in(url, keys, notebooks, assignment, seconds, times, again=bool(kills))
        trouble.join()
        # After a kill it would be that of the last process alone.
        show(times, None if kills else desk.cpu() - before)
    finally:
        desk.end(signal.SIGTERM)
    if kills:
        print(f"Seed {seed}: {', '.join(f'{n} × {what}' for what, n in desk.made.items())}.")
    problems = broken_promises(course, assignment, times)
    for place in ("autograde.log", "desk.log"):
        with suppress(OSError):
            text = (course.root / place).read_text(encoding="utf-8", errors="replace")
            problems += [line for line in text.splitlines() if "Traceback" in line][:3]
    return problems


def broken_promises(course: Course, assignment: str, times: Times) -> list[str]:
    """Return what of the receipts did not hold, as sentences."""
    policy, vault = DeskPolicy(), Vault(course.root)
    store = Store(Database(course, policy), policy)
    found = [(number, store.find(number), sha256) for number, sha256 in times.promised.items()]
    problems = [f"Hand-in {number} is gone." for number, each, _ in found if each is None]
    for number, each, sha256 in found:
        if each is None:
            continue
        kept = vault.path(each.files[0].sha256)
        if each.files[0].sha256 != sha256 or hash_of(kept.read_bytes()) != sha256:
            problems.append(f"Hand-in {number} holds other bytes than were sent.")
        if each.state != (HandInState.MARKED if each.counts else HandInState.KEPT) and each.counts:
            problems.append(f"Hand-in {number} is {each.state}: {each.outcome}")
    by_student = Counter(each.student for each in store.that_count(assignment))
    problems += [f"{who} has {n} that count." for who, n in by_student.items() if n != 1]
    graded = {each.student: len(each.marks) for each in marks_of_class(course, assignment)}
    problems += [f"{who} has no marks in the gradebook." for who in by_student if who not in graded]
    if len(set(graded.values())) > 1:
        problems.append(f"Not everybody has the same number of marks: {set(graded.values())}.")
    told = f"{len(times.promised)} receipts: "
    print(told + ("all there, each marked once." if not problems else "not all is well."))
    return problems


class _Desk:
    """A desk in a process of its own, with all that it starts."""

    def __init__(self, command: list[str], url: str) -> None:
        self._command = command
        self._url = url
        #: How often each trouble was made.
        self.made: Counter[str] = Counter()
        self._start()

    def _start(self) -> None:
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            self._command, stdout=quiet, stderr=quiet, start_new_session=True
        )

    def cpu(self) -> float:
        """Return how many seconds of a processor the desk's own process has used."""
        fields = _fields(self._process.pid)
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") if fields else 0.0

    def end(self, by: int) -> None:
        """End it; by SIGKILL with everything that belongs to it."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, by)
        self._process.wait()

    def make_trouble(self, times: int, seconds: float, seed: int, course: Course) -> None:
        """Make trouble now and then within some time; start again what is gone."""
        chance = random.Random(seed)
        end = time.monotonic() + seconds
        for number in range(times):
            share = max(0.0, end - time.monotonic()) / (times - number)
            time.sleep(chance.uniform(PAUSES[0], max(PAUSES[1], 2 * share)))
            self._make(TROUBLES[number % len(TROUBLES)], chance, course)

    def _make(self, trouble: str, chance: random.Random, course: Course) -> None:
        if trouble == "lock":
            _lock(course.root / chance.choice(("desk.db", "gradebook.db")), chance)
        elif trouble == "desk":
            self._process.kill()
            self._process.wait()
            self._start()
        elif trouble == "desk and all below it":
            self.end(signal.SIGKILL)
            self._start()
        else:
            found = []
            while not found and self._process.poll() is None:
                found = _below(self._process.pid, COMMANDS[trouble])
                time.sleep(0.05)
            with suppress(ProcessLookupError, IndexError):
                os.kill(chance.choice(found), signal.SIGKILL)
        self.made[trouble] += 1


def _lock(path: Path, chance: random.Random) -> None:
    """Keep everybody else from writing to a database for some seconds."""
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        time.sleep(chance.uniform(*LOCKED))
        connection.execute("ROLLBACK")
    finally:
        connection.close()


def _fields(number: int) -> list[str]:
    """Return what Linux tells of a process after its name; nothing if there is none."""
    with suppress(OSError):
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return []


def _below(number: int, command: str) -> list[int]:
    """Return the processes that one has started, or those it has, by their command."""
    parents = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (fields := _fields(int(entry.name))):
            parents[int(fields[1])].append(int(entry.name))
    found, new = [], [number]
    while new:
        new = [child for parent in new for child in parents[parent]]
        found += new
    texts = []
    for each in found:
        with suppress(OSError):
            text = Path(f"/proc/{each}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            texts += [each] if re.search(command, text) else []
    return texts


def class_of(root: Path, students: int) -> tuple[Course, list[bytes], str]:
    """Make a course with an empty class, and return it with notebooks to hand in."""
    course = fresh_course(Course.find(Path(__file__)), root)
    made_up = [each for each in made_up_class(course) if each.mishap is None]
    assignment = made_up[0].assignment
    make_release(course, assignment)
    notebooks = []
    for each in made_up:
        if each.assignment == assignment:
            place = root / "made_up" / each.name
            write_answers(course, each, place)
            notebooks += [path.read_bytes() for path in sorted(place.glob("*.ipynb"))[:1]]
    with open_gradebook(course) as gradebook:
        for number in range(students):
            gradebook.add_student(f"s{number:04}")
    return course, notebooks, assignment


def hand_all_in(
    url: str,
    keys: dict[str, str],
    notebooks: list[bytes],
    assignment: str,
    seconds: float,
    times: Times,
    *,
    again: bool,
) -> None:
    """Hand in for everybody, and note how long it all took."""
    students = [name for name in keys if name.startswith("s")]
    begun = time.monotonic()
    rush = max(0, len(students) - RUSH)
    moments = [begun + seconds * n / max(1, rush) for n in range(rush)]
    moments += [begun + seconds + n / RUSH for n in range(len(students) - rush)]
    is_over = threading.Event()

    def hand_in(student: str, number: int, moment: float) -> None:
        browser = _Browser(url, keys[student], times, again)
        # Whoever hands in has looked at the pages before.
        time.sleep(max(0.0, moment - 5 - time.monotonic()))
        browser.look("/")
        browser.look(f"/assignments/{assignment}")
        time.sleep(max(0.0, moment - time.monotonic()))
        content = signed(notebooks[number % len(notebooks)], student)
        start = time.monotonic()
        address = f"{url}/api/hand-ins?assignment={assignment}"
        found = persist(lambda: ask(address, keys[student], content), again)
        if found is None:
            times.lose()
            return
        times.add("receipts", time.monotonic() - start)
        times.promised[found["id"]] = hash_of(content)
        page: str | None = browser.look(f"/hand-ins/{found['id']}")
        pause = 0.4
        while page is not None and WAITS in page and time.monotonic() < begun + PATIENCE:
            time.sleep(pause)
            pause = min(1.3 * pause, 10.0)  # as the page's script does
            page = browser.look(f"/hand-ins/{found['id']}/result")
        if page is not None and WAITS not in page:
            times.add("marks", time.monotonic() - start)

    def watch() -> None:
        browser = _Browser(url, keys["instructor"], times, again, "watching")
        while not is_over.wait(WATCH):
            browser.look(f"/class/{assignment}/figures")

    watching = threading.Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(len(students)) as everybody:
        begun_by = [
            everybody.submit(hand_in, student, number, moment)
            for number, (student, moment) in enumerate(zip(students, moments, strict=True))
        ]
    for each in begun_by:
        each.result()  # what went wrong in the benchmark itself
    is_over.set()
    watching.join()


class _Browser:
    """Somebody who has come in, and looks at pages."""

    def __init__(self, url: str, key: str, times: Times, again: bool, kind: str = "pages") -> None:
        self._url, self._times, self._again, self._kind = url, times, again, kind
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))
        form = urlencode({"key": key}).encode()
        self._enter = Request(f"{url}/enter", data=form, headers={"Origin": url})
        self._is_in = False

    def look(self, path: str) -> str | None:
        """Return a page, and note how long that takes; coming in is not counted."""

        def load() -> dict[str, Any]:
            if not self._is_in:
                self._opener.open(self._enter, timeout=60).close()
                self._is_in = True
            start = time.monotonic()
            with self._opener.open(f"{self._url}{path}", timeout=60) as page:
                text = page.read().decode()
            self._times.add(self._kind, time.monotonic() - start)
            return {"text": text}

        if (found := persist(load, self._again)) is None:
            self._times.lose()
            return None
        return str(found["text"])


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def persist(do: Callable[[], dict[str, Any]], again: bool) -> dict[str, Any] | None:
    """Return what comes of something; while the desk is away, try again if that is wanted."""
    while True:
        try:
            return do()
        except HTTPError as error:
            if not (again and error.code in (429, 503)):
                return None
        except (OSError, HTTPException):
            if not again:
                return None
        time.sleep(1)


def signed(notebook: bytes, student: str) -> bytes:
    """Return a notebook with a remark of the student's own."""
    content = nbformat.reads(notebook.decode(), as_version=4)  # type: ignore[no-untyped-call]
    content.cells.append(nbformat.v4.new_code_cell(f"# {student}"))  # type: ignore[no-untyped-call]
    text: str = nbformat.writes(content)  # type: ignore[no-untyped-call]
    return text.encode()


def ask(url: str, key: str, content: bytes | None = None) -> dict[str, Any]:
    """Ask the desk, and return its answer."""
    name = url.rpartition("=")[2]
    headers = {"Authorization": f"Bearer {key}", "X-File-Name": f"{name}.ipynb"}
    with urlopen(Request(url, data=content, headers=headers), timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def wait_for(url: str) -> None:
    """Wait until the desk is open."""
    for _ in range(600):
        try:
            urlopen(f"{url}/desk.js", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The desk did not open.")


def growth(folder: Path) -> None:
    """Compare what noting a hand-in costs when few are stored and when many are."""
    policy = DeskPolicy(cool_down_seconds=0)
    store = Store(Database(Course(folder), policy), policy)
    file = HandedFile("sums.ipynb", "sums.ipynb", "0" * 64, 5000)
    moment, number = datetime(2026, 3, 2), 0
    found = {}
    for stored in (FEW, MANY):
        while number < stored:
            store.accept(f"s{number}", "sums", [file], now=moment + timedelta(seconds=number))
            number += 1
        costs = []
        for _ in range(SAMPLE):
            start = time.perf_counter()
            store.accept(f"s{number}", "sums", [file], now=moment + timedelta(seconds=number))
            costs.append(time.perf_counter() - start)
            number += 1
        found[stored] = statistics.median(costs)
        print(f"with {stored:,} stored: {1000 * found[stored]:.2f} ms")
    print(f"{found[MANY] / found[FEW]:.2f} times")


if __name__ == "__main__":
    main()
