"""Measure the desk under load, on loopback alone: receipts, pages and the time to a mark.

    python benchmarks/desk.py [--students 500] [--seconds 600] [--workers N] [--kills N] [--growth]

A class hands in `optimisers`, evenly over some time, and thirty of it in the last second; meanwhile
pages are asked for. Each student's notebook is one of a few made-up ones, with a remark of their
own, so that none is graded by another's marks. With `--kills` the desk, all its workers and kernels
are killed at random moments and started again; whoever got no receipt hands in again, and whatever
has one must be marked in the end. `--growth` measures instead what noting a hand-in
costs when few and when ten thousand are stored.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import nbformat
from rich.console import Console
from rich.table import Table

from nbjudge.cli.demo import fresh_course, made_up_class, write_answers
from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook
from nbjudge.desk.database import Database
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.night import percentile
from nbjudge.desk.store import HandedFile, Store
from nbjudge.release.release import release

#: Hand-ins in the last second; bounds of what may be asked for.
RUSH, MOST_STUDENTS, MOST_SECONDS = 30, 2000, 3600
#: Seconds in which everything has to be marked in the end.
PATIENCE = 3600
FEW, MANY, SAMPLE = 100, 10_000, 100


@dataclass
class Times:
    """What was measured, in seconds."""

    receipts: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    marks: list[float] = field(default_factory=list)
    lost: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--students", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--growth", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="desk-benchmark-") as folder:
        if chosen.growth:
            growth(Path(folder))
            return
        students = min(chosen.students, MOST_STUDENTS)
        seconds = min(chosen.seconds, MOST_SECONDS)
        times = load(Path(folder), students, seconds, chosen.workers, chosen.kills)
    table = Table("what", "half of them within", "19 in 20 within", "the slowest", box=None)
    for name in ("receipts", "pages", "marks"):
        values = getattr(times, name)
        told = (percentile(values, 0.5), percentile(values, 0.95), max(values, default=None))
        table.add_row(name, *(f"{value:.2f} s" if value is not None else "–" for value in told))
    Console().print(table)
    print(f"{len(times.receipts)} receipts, {len(times.marks)} marks, {times.lost} lost")


def load(folder: Path, students: int, seconds: float, workers: int | None, kills: int) -> Times:
    """Have a class hand in at a desk of its own."""
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
    desk = _Desk([*command, "--port", str(port), *more])
    killer = threading.Thread(target=desk.kill_at_random, args=(kills, seconds), daemon=True)
    killer.start()
    try:
        url = f"http://127.0.0.1:{port}"
        times = hand_all_in(url, keys, notebooks, assignment, seconds, again=bool(kills))
        killer.join()
        return times
    finally:
        desk.end(signal.SIGTERM)


class _Desk:
    """A desk in a process of its own, with all that it starts."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._start()

    def _start(self) -> None:
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            self._command, stdout=quiet, stderr=quiet, start_new_session=True
        )

    def end(self, by: int) -> None:
        """End it; by SIGKILL with everything that belongs to it."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, by)
        self._process.wait()

    def kill_at_random(self, times: int, seconds: float) -> None:
        """Kill it now and then within some time, and start it again."""
        for _ in range(times):
            time.sleep(random.uniform(0.2, 2 * seconds / times))
            self.end(signal.SIGKILL)
            self._start()


def class_of(root: Path, students: int) -> tuple[Course, list[bytes], str]:
    """Make a course with an empty class, and return it with notebooks to hand in."""
    course = fresh_course(Course.find(Path(__file__)), root)
    made_up = [each for each in made_up_class(course) if each.mishap is None]
    assignment = made_up[0].assignment
    release(course, assignment)
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
    *,
    again: bool,
) -> Times:
    """Hand in for everybody, and return how long it all took."""
    times = Times()
    lock = threading.Lock()
    students = [name for name in keys if name.startswith("s")]
    wait_for(url)
    begun = time.monotonic()
    rush = max(0, len(students) - RUSH)
    moments = [begun + seconds * n / max(1, rush) for n in range(rush)]
    moments += [begun + seconds + n / RUSH for n in range(len(students) - rush)]

    def hand_in(student: str, number: int, moment: float) -> None:
        time.sleep(max(0.0, moment - time.monotonic()))
        content = signed(notebooks[number % len(notebooks)], student)
        start = time.monotonic()
        found = persist(
            lambda: ask(f"{url}/api/hand-ins?assignment={assignment}", keys[student], content),
            again,
        )
        if found is None:
            with lock:
                times.lost += 1
            return
        received = time.monotonic()
        with lock:
            times.receipts.append(received - start)
        while not found["is_over"] and time.monotonic() < begun + PATIENCE:
            time.sleep(0.5)
            look, number = time.monotonic(), found["id"]
            found = persist(lambda n=number: ask(f"{url}/api/hand-ins/{n}", keys[student]), again)
            if found is None:  # it has a receipt, and is gone
                with lock:
                    times.lost += 1
                return
            with lock:
                times.pages.append(time.monotonic() - look)
        with lock:
            if found["is_over"]:
                times.marks.append(time.monotonic() - start)

    with ThreadPoolExecutor(len(students)) as everybody:
        for number, (student, moment) in enumerate(zip(students, moments, strict=True)):
            everybody.submit(hand_in, student, number, moment)
    return times


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
