"""What a student sees and does at the desk, from the link to the feedback."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from desk_visits import POLICY, OpenDesk, open_desk
from desks import NOON, WRONG, enrol, set_due, sums

from nbjudge.course.course import Course
from nbjudge.desk.web.desk_keys import Visitor, desk_key


@pytest.fixture
def people(course: Course) -> Course:
    enrol(course, ("ada", "Ada", "Lovelace"), ("bo", "Bo", "<b>Bold</b>"))
    return course


@pytest.fixture
def opened(people: Course) -> OpenDesk:
    return open_desk(people)


def test_a_link_leads_in_once_its_owner_says_so(opened: OpenDesk) -> None:
    visit = opened.visit()
    link = opened.desk.links.link_of(Visitor("ada"))

    assert "Is this you?" in visit.get(link).text
    assert visit.get("/").status_code == 401  # following it is not coming in
    assert "Hand in" in visit.come_in(Visitor("ada")).text or visit.get("/").status_code == 200
    assert "You are here as Ada Lovelace" in visit.get("/").text


def test_a_hand_in_gets_its_receipt_at_once_and_its_marks_soon(opened: OpenDesk) -> None:
    visit = opened.student("ada")
    page = visit.hand_in(fields={"zone": "America/New_York"})

    assert page.url.path == "/hand-ins/1"
    assert "Receipt 1" in page.text
    assert "Mon 2 March 2026, 12:00:00 (UTC)" in page.text
    assert "Mon 2 March 2026, 07:00:00 (America/New_York)" in page.text
    assert "It waits to be marked" in page.text
    opened.mark_all()
    part = visit.get("/hand-ins/1/result").text
    assert "<strong>5</strong> of 7 points" in part
    assert "<html" not in part


def test_the_saved_receipt_is_known_again(opened: OpenDesk) -> None:
    visit = opened.student("ada")
    visit.hand_in()
    saved = visit.get("/hand-ins/1/receipt.txt")

    assert saved.headers["content-disposition"].startswith("attachment")
    told = visit.post("/receipts", {"csrf": visit.token, "text": saved.text}).text
    assert "This receipt is the desk" in told
    forged = saved.text.replace("ey", "ez")[:-3]
    assert "no receipt of the desk" in visit.post(
        "/receipts", {"csrf": visit.token, "text": forged}
    ).text.replace("&#39;", "'")


def test_an_odd_file_is_told_at_once(opened: OpenDesk) -> None:
    visit = opened.student("ada")

    refused = visit.hand_in(b"<!DOCTYPE html>")
    assert refused.status_code == 400
    assert "is not a notebook: it is a web page" in refused.text
    taken = visit.hand_in(name="sums (1).ipynb")
    assert "This is &#39;sums (1).ipynb&#39;: taken as sums." in taken.text
    assert "sent as sums (1).ipynb" in taken.text


@pytest.mark.parametrize(
    ("shows", "told", "untold"),
    [
        ("nothing", ["Marks are shown later."], ["of 7 points", "1.1.1", "<table"]),
        ("checks", ["checks hold", "1.1.1"], ["of 7 points", 'class="split"']),
        (
            "marks",
            ["<strong>3</strong> of 7 points", "3 points won", "✗"],
            ["All right.", "whole feedback"],
        ),
        ("mistakes", ["<strong>3</strong> of 7 points", "All right."], ["whole feedback"]),
        ("feedback", ["<strong>3</strong> of 7 points", "whole feedback"], []),
    ],
)
def test_a_student_is_shown_what_the_policy_says(
    shows: str, told: list[str], untold: list[str], people: Course
) -> None:
    opened = open_desk(people, replace(POLICY, shows_before=shows))
    visit = opened.student("ada")
    visit.hand_in(sums(people, ex_1_1_1=WRONG))
    opened.mark_all()
    page = visit.get("/hand-ins/1/result").text

    assert [text for text in told if text not in page] == []
    assert [text for text in untold if text in page] == []
    is_open = visit.get("/hand-ins/1/feedback/sums.html").status_code == 200
    assert is_open == (shows == "feedback")


def test_feedback_is_shown_once_nobody_can_hand_in_any_more(people: Course) -> None:
    set_due(people, NOON + timedelta(hours=1))
    opened = open_desk(people)
    visit = opened.student("ada")
    visit.hand_in()
    opened.mark_all()

    assert visit.get("/hand-ins/1/feedback/sums.html").status_code == 404
    opened.clock.go(hours=1, minutes=4)
    assert visit.get("/hand-ins/1/feedback/sums.html").status_code == 404  # there is grace
    opened.clock.go(minutes=2)
    page = visit.get("/hand-ins/1/feedback/sums.html")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("sandbox;")
    assert visit.get("/hand-ins/1/feedback/..%2Fsums.html").status_code == 404


def test_a_held_exercise_shows_no_mark(people: Course) -> None:
    opened = open_desk(people, replace(POLICY, shows_before="feedback"))
    visit = opened.student("ada")
    visit.hand_in(sums(people, ex_1_1_1=WRONG))
    opened.mark_all()
    opened.desk.store.hold("sums", "1.1.1", is_held=True)
    page = visit.get("/hand-ins/1/result").text

    assert "Its test is being looked at" in page
    assert "<strong>3</strong> of 5 points" in page
    assert visit.get("/hand-ins/1/feedback/sums.html").status_code == 404
    opened.desk.store.hold("sums", "1.1.1", is_held=False)
    assert "<strong>3</strong> of 7 points" in visit.get("/hand-ins/1/result").text


def test_earlier_hand_ins_and_what_counts_are_told(opened: OpenDesk) -> None:
    visit = opened.student("ada")
    visit.hand_in()
    visit.hand_in(sums(opened.desk.course, ex_1_1_1=WRONG))
    page = visit.get("/assignments/sums").text

    assert page.count("This one counts.") == 1
    assert page.index("Attempt 2") < page.index("This one counts.") < page.index("Attempt 1")


def test_attempts_are_bounded(people: Course) -> None:
    opened = open_desk(people, replace(POLICY, attempts=1))
    visit = opened.student("ada")
    assert "You have 1 attempt left." in visit.get("/assignments/sums").text
    visit.hand_in()

    refused = visit.hand_in()
    assert (refused.status_code, "All 1 attempts" in refused.text) == (403, True)


def test_a_late_hand_in_is_announced_before_it_is_sent(people: Course) -> None:
    set_due(people, NOON + timedelta(minutes=1))
    opened = open_desk(people)
    visit = opened.student("ada")
    visit.hand_in()
    opened.clock.go(hours=1)

    assert "counts only if nothing of yours came in time" in visit.get("/assignments/sums").text
    late = visit.hand_in()
    assert "After the deadline" in late.text
    assert "It is kept, and not marked" in late.text


def test_own_files_come_back_as_downloads(opened: OpenDesk) -> None:
    visit = opened.student("ada")
    visit.hand_in()
    file = visit.get("/hand-ins/1/files/0")

    assert file.content == sums(opened.desk.course)
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith("attachment")
    assert visit.get("/hand-ins/1/files/7").status_code == 404


def test_a_notebook_hands_itself_in_by_a_personal_key(opened: OpenDesk) -> None:
    key = opened.desk.links.key_of(Visitor("ada"))
    headers = {"Authorization": f"Bearer {key}", "X-File-Name": "sums.ipynb"}
    client = opened.visit().client

    told = client.post("/api/hand-ins", content=sums(opened.desk.course), headers=headers)
    assert told.status_code == 201
    opened.mark_all()
    found = client.get(f"/api/hand-ins/{told.json()['id']}", headers=headers).json()
    assert (found["points"], found["max_points"], found["is_over"]) == (5.0, 7.0, True)
    refused = client.post("/api/hand-ins", content=b"%PDF", headers=headers)
    assert refused.status_code == 400
    assert "it is a PDF" in refused.json()["problem"]


def test_the_instructor_sees_the_night(opened: OpenDesk) -> None:
    opened.student("ada").hand_in(sums(opened.desk.course, ex_1_1_1=WRONG))
    opened.mark_all()
    visit = opened.instructor()
    page = visit.get("/class/sums").text

    assert "Ada Lovelace" in page
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page
    assert "<b>Bold" not in page
    assert "1 of 1" in page  # who loses points in 1.1.1
    assert visit.get("/class/sums/figures").status_code == 200
    assert "Attempt 1" in visit.get("/class/sums/ada").text
    held = visit.post("/class/sums/hold", {"csrf": visit.token, "exercise": "1.1.1", "held": "yes"})
    assert re.search(r"1\.1\.1[^<]* \(held\)", held.text)
    assert opened.desk.store.held_exercises("sums") == {"1.1.1"}
    visit.post("/class/sums/again", {"csrf": visit.token})
    assert "asked for another look at" in visit.get("/class/log").text
    opened.mark_all()
    assert opened.workers.graded == ["ada"]  # nothing has changed


def test_the_desk_may_lie_below_a_path(people: Course) -> None:
    opened = open_desk(people, replace(POLICY, url="https://example.org/desk"))
    visit = opened.visit()
    link = opened.desk.links.link_of(Visitor("ada"))

    assert link.startswith("https://example.org/desk/enter/")
    key = opened.desk.links.key_of(Visitor("ada"))
    page = visit.post("/desk/enter", {"key": key})
    assert (page.status_code, page.url.path) == (200, "/desk/")
    assert 'href="/desk/assignments/sums"' in page.text
    assert visit.get("/").status_code == 404


def test_the_key_is_its_owners_alone(course: Course, tmp_path: Path) -> None:
    from nbjudge.exceptions import CourseError

    key = desk_key(course.root)

    path = course.root / ".desk_key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert desk_key(course.root) == key
    path.chmod(0o644)
    with pytest.raises(CourseError, match="Others can read"):
        desk_key(course.root)


def test_a_full_disk_is_told_and_gives_no_receipt(
    opened: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = opened.student("ada")
    token = visit.token

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    page = visit.hand_in(fields={"csrf": token})

    assert page.status_code == 503
    assert "Nothing was handed in: there is no space left" in page.text
    assert opened.desk.store.of("ada", "sums") == []
