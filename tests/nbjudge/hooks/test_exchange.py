"""nbgrader's exchange with two users of the system, who share nothing but its folder."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from classroom import TINY, answered
from nbgrader.api import Gradebook
from nbgrader.utils import parse_utc

from nbjudge.course.course import Course
from nbjudge.release import source

ROOT = Path(__file__).parents[3]
#: Longer than anything here takes, on a machine that is busy.
PATIENCE = 300

needs_users = pytest.mark.skipif(
    os.getuid() != 0 or not all(map(shutil.which, ("useradd", "userdel", "setpriv", "bwrap"))),
    reason="making users needs root, useradd and setpriv; showing them Python needs bubblewrap",
)


@dataclass(frozen=True)
class User:
    """A user of the system, with a home of their own."""

    name: str
    home: Path

    def run(self, *command: str, folder: Path | None = None, fails: bool = False) -> str:
        """Run a program of the course's environment as this user, and return what it said."""
        entry = pwd.getpwnam(self.name)
        programs = Path(sysconfig.get_path("scripts"))
        environment = {
            "HOME": str(self.home),
            "USER": self.name,
            "LOGNAME": self.name,
            "PATH": os.pathsep.join([str(programs), "/usr/bin", "/bin"]),
            "COURSE_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
        }
        ids = ("--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid), "--clear-groups")
        rights = ("--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all")
        program = str(programs / command[0])
        run = subprocess.run(
            [*walls(), "--", "setpriv", *ids, *rights, program, *command[1:]],
            cwd=folder or self.home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        said = run.stdout + run.stderr
        assert (run.returncode != 0) is fails, said
        return said

    def own(self, folder: Path) -> None:
        """Give everything in a folder to this user."""
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, self.name, pwd.getpwnam(self.name).pw_gid)


def walls() -> list[str]:
    """Return the command before a command that everybody may run: Python can be in root's home.

    What others may not enter is replaced, for this command alone, by a folder that holds nothing
    but what Python and the course need there.
    """
    shown = sorted({Path(sys.prefix), Path(sys.base_prefix), ROOT})
    closed = {
        folder for path in shown for folder in path.parents if not folder.stat().st_mode & 0o001
    }
    closed = {folder for folder in closed if not closed.intersection(folder.parents)}
    command = ["bwrap", "--dev-bind", "/", "/", "--cap-add", "ALL"]
    for folder in sorted(closed):
        command += ["--perms", "0755", "--tmpfs", str(folder)]
        for path in shown:
            if path.is_relative_to(folder):
                # What bwrap makes by itself only its owner may enter.
                for parent in reversed(path.relative_to(folder).parents[:-1]):
                    command += ["--perms", "0755", "--dir", str(folder / parent)]
                command += ["--ro-bind", str(path), str(path)]
    return command


@pytest.fixture
def users() -> Iterator[tuple[User, User]]:
    """Make an instructor and a student, and remove both in the end."""
    with tempfile.TemporaryDirectory(prefix="course-users-") as homes:
        Path(homes).chmod(0o755)
        made = []
        try:
            for role in ("teach", "study"):
                user = User(f"{role}-{os.getpid()}", Path(homes, role))
                options = ["--no-create-home", "--home-dir", str(user.home), "--shell", "/bin/sh"]
                subprocess.run(["useradd", *options, user.name], check=True, timeout=PATIENCE)
                made.append(user)
                user.home.mkdir(mode=0o700)
                user.own(user.home)
            yield made[0], made[1]
        finally:
            for user in made:
                subprocess.run(["userdel", user.name], check=True, timeout=PATIENCE)


def told(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()


def setting(guide: str, word: str) -> str:
    """Return the guide's block of Python that holds a word."""
    text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
    (found,) = (
        block for block in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S) if word in block
    )
    return found


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.sandbox
@needs_users
def test_two_users_go_from_release_to_feedback_by_the_exchange(users: tuple[User, User]) -> None:
    instructor, student = users
    exchange = instructor.home.parent / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    here = ("/srv/nbgrader/exchange", str(exchange))
    root = instructor.home / "course"
    shutil.copytree(TINY, root)
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("\nc.Execute.timeout = 30\n")
        config.write('c.CourseDirectory.course_id = "optimisers-and-losses"\n')  # as the guide says
        config.write(setting("hand-in.md", "The exchange, for instructors").replace(*here))
    instructor.own(instructor.home)
    jupyter = student.home / ".jupyter"
    jupyter.mkdir()
    (jupyter / "nbgrader_config.py").write_text(
        setting("hand-in.md", "The exchange, for students").replace(*here), encoding="utf-8"
    )
    student.own(student.home)

    instructor.run("nbgrader", "generate_assignment", "sums", folder=root)
    due = "2026-03-02 12:00:00 UTC"
    instructor.run("nbgrader", "db", "assignment", "add", "sums", f"--duedate={due}", folder=root)
    instructor.run("nbgrader", "release_assignment", "sums", folder=root)
    student.run("nbgrader", "fetch_assignment", "sums")
    fetched = student.home / "sums" / "sums.ipynb"
    assert fetched.owner() == student.name
    fetched.write_text(source.notebook_text(answered(Course(root))), encoding="utf-8")
    student.run("nbgrader", "submit", "sums")
    inbound = exchange / "optimisers-and-losses" / "inbound"
    for closed in (root / "nbgrader_config.py", inbound):
        # Nobody sees the course, nor what others have handed in.
        assert "Permission" in student.run("python", "-c", f"open({str(closed)!r})", fails=True)

    instructor.run("nbgrader", "collect", "sums", folder=root)
    submitted = root / "submitted" / student.name / "sums"
    table = instructor.run("course", "autograde", "sums", folder=root)
    instructor.run("course", "feedback", "sums", folder=root)
    instructor.run("nbgrader", "release_feedback", "sums", folder=root)
    student.run("nbgrader", "fetch_feedback", "sums")

    assert submitted.owner() == instructor.name
    assert re.search(rf"^{student.name} .* 5/7", table, re.MULTILINE)
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        graded = gradebook.find_submission("sums", student.name)
        assert graded.timestamp == parse_utc(told(submitted / "timestamp.txt"))
        assert graded.total_seconds_late == (graded.timestamp - graded.duedate).total_seconds() > 0
    (page,) = (student.home / "sums" / "feedback").glob("*/sums.html")
    assert page.parent.name == told(submitted / "timestamp.txt")
    assert "<strong>5</strong> <span>of 7 points" in page.read_text(encoding="utf-8")
    assert (
        page.read_bytes() == (root / "feedback" / student.name / "sums" / "sums.html").read_bytes()
    )
