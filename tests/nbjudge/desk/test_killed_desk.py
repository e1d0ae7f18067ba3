"""A desk that is killed: whatever it gave a receipt for is there, and is marked once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from desks import DeskParts, enrol, sums
from processes import running
from sampling import each

from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.store import HandInState

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="kills by SIGKILL"),
]

STUDENTS = ("ada", "bo", "cy")
#: Where the desk is killed: before or after the n-th call of a function.
POINTS = [
    ("os:fsync", False, 1),
    ("os:fsync", True, 2),
    ("nbjudge.desk.vault:Vault.put", True, 2),
    ("nbjudge.desk.store:Store.accept", False, 2),
    ("nbjudge.desk.store:_write_audit", True, 2),
    ("nbjudge.desk.store:Store.accept", True, 2),
    ("nbjudge.desk.placement:_lies_there", True, 2),
    ("pathlib:Path.replace", False, 4),
    ("pathlib:Path.replace", True, 4),
    ("nbjudge.desk.store:Store.take", True, 1),
    ("nbjudge.grading.writer:Writer.save", False, 2),
    ("nbjudge.grading.writer:Writer.save", True, 2),
    ("nbjudge.desk.store:Store.finish", False, 2),
    ("nbjudge.desk.store:Store.finish", True, 2),
    ("nbjudge.desk.marking:Marking._conclude", False, 1),
]
FREE = DeskPolicy(cool_down_seconds=0)


@pytest.mark.parametrize(
    ("function", "after", "count"),
    each(4, (pytest.param(f, a, c, id=f"{f}-{a}-{c}") for f, a, c in POINTS)),
)
def test_what_has_a_receipt_is_there_and_marked_once(
    function: str, after: bool, count: int, course: Course, tmp_path: Path
) -> None:
    enrol(course, *((student, "", "") for student in STUDENTS))
    here = Path(__file__).parents[2]
    script = f"import sys; sys.path[:0] = [{str(here.parent)!r}, {str(here)!r}]; "
    script += "import killed_desk; killed_desk.main(*sys.argv[1:])"
    point = json.dumps([function, after, count])
    with running(tmp_path / "run", "-c", script, point, str(course.root)) as program:
        assert program.process.wait(120) == -9, program.errors
        receipts = [json.loads(line) for line in program.output.splitlines()]

    desk = DeskParts(course, FREE)
    desk.marking.recover()
    desk.mark_all()
    known = {each.id: each for student in STUDENTS for each in desk.store.of(student, "sums")}
    for receipt in receipts:
        found = known[receipt["id"]]
        assert [file.sha256 for file in found.files] == receipt["sha256"]
        assert desk.vault.path(found.files[0].sha256).read_bytes() == sums(course)
    assert {each.state for each in known.values()} <= {HandInState.MARKED}
    marked = {each.student: len(each.marks) for each in marks_of_class(course, "sums")}
    assert marked.keys() == {each.student for each in known.values()}
    assert set(marked.values()) <= {3}
    assert not list((course.root / "desk" / "files").glob(".new-*"))
