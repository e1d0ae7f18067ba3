"""Play a whole term of a made-up class, by the commands that a person types, and check its marks.

    python benchmarks/term.py [--students 150] [--folder FOLDER] [--json FILE]

Two assignments, each worth 9 points, of which 2 are for words that a person reads. Two rosters:
what Moodle and what Canvas export, in which one person has no id. In the first assignment each
student of ten is of another kind, as `KINDS` tells, with the mark that follows; in the second all
answers are right, but the tenth hands in nothing. The ninth appeals, and is given a point by hand.
Marks go out to both platforms, and reports, totals, feedback and similar answers are written.

How long each command took is told, and whose mark is another one than was worked out, which ends
the script with 1. The course is that of `course init`, in a temporary folder unless one is named.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook
from nbjudge.release import source

COURSE = (sys.executable, "-m", "nbjudge.cli.commands")
FIRST, SECOND = "warm_up", "second"
#: Points of each kind's first assignment: tests, and 1 of 2 for the words; None if nothing counts.
KINDS = {
    "right": 8.0,
    "part of an exercise": 7.0,
    "an exercise wrong": 6.0,
    "30 hours late": 6.2,  # two days have begun, each costs a tenth of 9 points
    "30 hours late, with an extension": 8.0,
    "wrong, and then right": 8.0,
    "a damaged file": None,
    "a file of another name": None,
    "wrong, and an appeal": 7.0,
    "right, and then nothing": 8.0,
}
WRONG = {"ex_1_1": "def celsius(fahrenheit):\n    return fahrenheit - 32 * 5 / 9"}
IN_PART = {"ex_1_2": "def extremes(numbers):\n    return min(numbers), max(numbers)"}
FIRST_NAMES = ("Ada", "Björn", "Chloé", "Đặng", "Ewa", "Fatma", "Gül", "Håkon", "Íris", "José")
LAST_NAMES = ("Ōno", "Lovelace", "Brontë", "O'Neill", "Şafak", "van Dyk", "Żak", "Ångström")
SETTINGS = """
c.LatePolicy.percent_per_day = 10
c.Totals.weights = {"warm_up": 40, "second": 60}
c.Totals.pass_percent = 50
"""
#: Runs a command of `course`, and returns its exit code and what it printed.
Run = Callable[..., tuple[int, str]]


@dataclass(frozen=True)
class Student:
    """Somebody of the class, by number from 0 on."""

    number: int

    @property
    def id(self) -> str:
        """The id, also on both platforms."""
        return f"s{self.number + 1:03}"

    @property
    def names(self) -> tuple[str, str]:
        """The first and the last name; nobody else has both."""
        first, second = divmod(self.number, len(FIRST_NAMES))
        last = LAST_NAMES[(first + second) % len(LAST_NAMES)]
        again = f" {first + 1}" if first else ""
        return FIRST_NAMES[second], f"{last}{again}"

    @property
    def kind(self) -> str:
        """What becomes of the first assignment: one of `KINDS`."""
        return list(KINDS)[self.number % len(KINDS)]

    @property
    def points(self) -> dict[str, float | None]:
        """The marks that were worked out."""
        has_second = self.kind != "right, and then nothing"
        return {FIRST: KINDS[self.kind], SECOND: 9.0 if has_second else None}


def class_of(count: int) -> list[Student]:
    return [Student(number) for number in range(count)]


def play(root: Path, students: Sequence[Student], run: Run) -> dict[str, str]:
    """Play the term in a new course at `root`, and return what each command printed."""
    told: dict[str, str] = {}

    def do(*words: str, code: int = 0) -> None:
        came, printed = run(*words)
        told[" ".join(words)] = printed
        if came != code:
            message = f"course {' '.join(words)} ended with {came}, not {code}:\n{printed}"
            raise SystemExit(message)

    do("init", str(root))
    shutil.copytree(root / "source" / FIRST, root / "source" / SECOND)
    book = root / "source" / SECOND / f"{FIRST}.ipynb"
    book.rename(book.with_name(f"{SECOND}.ipynb"))
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(SETTINGS)
    do("release")
    write_rosters(root, students)
    do("roster", str(root / "moodle.csv"))
    do("roster", str(root / "canvas.csv"), code=3)  # one of its rows is nobody's
    for assignment in (FIRST, SECOND):
        do("deadline", assignment, "2026-03-02 18:00 UTC")
    for student in students:
        if "extension" in student.kind:
            until = ("--until", "2026-03-05 18:00 UTC", "--reason", "ill")
            do("extend", " ".join(student.names), FIRST, *until)
    course = Course(root)
    for student in students:
        hand_in(course, student, FIRST)
    do("autograde", FIRST)
    for student in students:
        if "then right" in student.kind:
            hand_in(course, student, FIRST, again=True)
    do("autograde", FIRST, "--only", "attention")
    for student in students:
        if student.points[SECOND] is not None:
            hand_in(course, student, SECOND)
    do("autograde", SECOND)
    read_and_appeal(course, students)
    for command in ("feedback", "report", "similar", "totals"):
        do(command)
    do("export", "--to", "canvas", "--roster", str(root / "canvas.csv"), "--out", "c.csv")
    do("export", "--to", "moodle", "--out", "m.csv")
    return told


def write_rosters(root: Path, students: Sequence[Student]) -> None:
    """Write what Moodle and Canvas export; Canvas has somebody more, without an id."""
    moodle = [("First name", "Last name", "ID number", "Email address")]
    canvas = [("Student", "ID", "SIS User ID", "SIS Login ID", "Section", FIRST, SECOND)]
    canvas.append(("    Points Possible", "", "", "", "", "9", "9"))
    for student in students:
        first, last = student.names
        moodle.append((first, last, student.id, f"{student.id}@uni.edu"))
        canvas.append((f"{last}, {first}", f"{5000 + student.number}", "", student.id, "A", "", ""))
    canvas.append(("Guest, Gil", "4999", "", "", "A", "", ""))
    for name, rows in (("moodle", moodle), ("canvas", canvas)):
        with (root / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)


def hand_in(course: Course, student: Student, assignment: str, *, again: bool = False) -> None:
    """Write what a student hands in; all is right in the second assignment."""
    release, original = (
        source.read_source(course.root / step / assignment / f"{assignment}.ipynb")
        for step in ("release", "source")
    )
    notebook = source.answer(release, original)
    kind = student.kind if assignment == FIRST else "right"
    wrong = IN_PART if kind.startswith("part") else WRONG if "wrong" in kind and not again else {}
    for grade_id, code in wrong.items():
        source.by_grade_id(notebook)[grade_id].source = code
    content = source.notebook_text(notebook)
    folder = course.root / "submitted" / student.id / assignment
    folder.mkdir(parents=True, exist_ok=True)
    name = "notes" if kind == "a file of another name" else assignment
    whole = len(content) // 2 if kind == "a damaged file" else len(content)
    (folder / f"{name}.ipynb").write_text(content[:whole], encoding="utf-8")
    when = "2026-03-04 00:00" if "late" in kind else "2026-03-01 12:00"
    (folder / "timestamp.txt").write_text(f"{when}:00 UTC", encoding="utf-8")


def read_and_appeal(course: Course, students: Sequence[Student]) -> None:
    """Do what people do in the formgrader: mark the words, and give a point on an appeal."""
    with open_gradebook(course) as gradebook:
        for student in students:
            for assignment, words in ((FIRST, 1), (SECOND, 2)):
                if student.points[assignment] is None:
                    continue
                (notebook,) = gradebook.find_submission(assignment, student.id).notebooks
                for grade in notebook.grades:
                    if grade.name == "ex_1_4":
                        grade.manual_score, grade.needs_manual_grade = words, False
                    elif (
                        assignment == FIRST
                        and grade.name == "test_ex_1_1"
                        and "appeal" in student.kind
                    ):
                        grade.manual_score = 1
                for comment in notebook.comments:
                    if comment.name == "ex_1_4":
                        comment.manual_comment = "Name a number that **tells** it."
        gradebook.db.commit()


def exported(path: Path, key: str) -> dict[str, dict[str, float | None]]:
    """Return the marks of an export, by what it knows a student by, and assignment."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row[key]: {name: float(row[name]) if row[name] else None for name in (FIRST, SECOND)}
            for row in csv.DictReader(file)
            if row[key]
        }


def differences(folder: Path, students: Sequence[Student]) -> Iterator[str]:
    """Yield whose exported marks are not those that were worked out."""
    by_login = exported(folder / "c.csv", "SIS Login ID")
    by_address = exported(folder / "m.csv", "Email address")
    for student in students:
        for found in (by_login.get(student.id), by_address.get(f"{student.id}@uni.edu")):
            if found != student.points:
                yield f"{student.id}, {student.kind}: {found}, not {student.points}"


def main() -> None:
    options = argparse.ArgumentParser(description="Play a term of a made-up class.")
    options.add_argument("--students", type=int, default=150)
    options.add_argument("--folder", type=Path, help="kept; by default a temporary one")
    options.add_argument("--json", type=Path, help="where to keep the figures")
    given = options.parse_args()
    students = class_of(given.students)
    took: dict[str, float] = {}
    with TemporaryDirectory() as temporary:
        root = (given.folder or Path(temporary) / "course").resolve()

        def run(*words: str) -> tuple[int, str]:
            start = time.monotonic()
            where = () if words[0] == "init" else ("--course", str(root))
            done = subprocess.run(
                [*COURSE, *where, *words],
                cwd=root if root.is_dir() else None,
                capture_output=True,
                text=True,
                check=False,
            )
            seconds = time.monotonic() - start
            name = " ".join(word for word in words[:2] if "/" not in word)
            name = words[0] if words[0] == "extend" else name
            took[name] = took.get(name, 0.0) + seconds
            return done.returncode, done.stdout + done.stderr

        told = play(root, students, run)
        wrong = list(differences(root, students))
    for name, seconds in took.items():
        print(f"{name:<22}{seconds:7.1f} s")
    print(f"{'together':<22}{sum(took.values()):7.1f} s")
    print(told["totals"].splitlines()[0])
    print("\n".join(wrong) or f"All marks of {len(students)} students are as they were worked out.")
    if given.json:
        figures = {"students": len(students), "seconds": took, "wrong": wrong}
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
