"""Measure the desk under load, on loopback alone: receipts, pages and the time to a mark.

    python benchmarks/desk.py [--students 500] [--seconds 600] [--workers N] [--growth]

A class hands in `optimisers`, evenly over some time, and thirty of it in the last second; meanwhile
pages are asked for. Each student's notebook is one of a few made-up ones, with a remark of their
own, so that none is graded by another's marks. `--growth` measures instead what noting a hand-in
costs when few and when ten thousand are stored.
"""

from __future__ import annotations

import argparse
import csv
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
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
    parser.add_argument("--growth", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="desk-benchmark-") as folder:
        if chosen.growth:
            growth(Path(folder))
            return
        students = min(chosen.students, MOST_STUDENTS)
        times = load(Path(folder), students, min(chosen.seconds, MOST_SECONDS), chosen.workers)
    table = Table("what", "half of them within", "19 in 20 within", "the slowest", box=None)
    for name in ("receipts", "pages", "marks"):
        values = getattr(times, name)
        told = (percentile(values, 0.5), percentile(values, 0.95), max(values, default=None))
        table.add_row(name, *(f"{value:.2f} s" if value is not None else "–" for value in told))
    Console().print(table)
    print(f"{len(times.receipts)} receipts, {len(times.marks)} marks, {times.lost} lost")


def load(folder: Path, students: int, seconds: float, workers: int | None) -> Times:
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
    with subprocess.Popen(
        [*command, "--port", str(port), *more], stdout=subprocess.DEVNULL
    ) as desk:
        try:
            return hand_all_in(f"http://127.0.0.1:{port}", keys, notebooks, assignment, seconds)
        finally:
            desk.terminate()


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
    url: str, keys: dict[str, str], notebooks: list[bytes], assignment: str, seconds: float
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
        try:
            found = ask(f"{url}/api/hand-ins?assignment={assignment}", keys[student], content)
        except OSError:
            with lock:
                times.lost += 1
            return
        received = time.monotonic()
        with lock:
            times.receipts.append(received - start)
        while not found["is_over"] and time.monotonic() < begun + PATIENCE:
            time.sleep(0.5)
            look = time.monotonic()
            found = ask(f"{url}/api/hand-ins/{found['id']}", keys[student])
            with lock:
                times.pages.append(time.monotonic() - look)
        with lock:
            if found["is_over"]:
                times.marks.append(time.monotonic() - start)

    with ThreadPoolExecutor(len(students)) as everybody:
        for number, (student, moment) in enumerate(zip(students, moments, strict=True)):
            everybody.submit(hand_in, student, number, moment)
    return times


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
