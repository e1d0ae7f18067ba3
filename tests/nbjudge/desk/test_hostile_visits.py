"""What somebody tries at the desk who means harm. Each fails without the protection it names."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from desk_visits import INSTRUCTOR, POLICY, OpenDesk, open_desk
from desks import enrol, sums
from serving_desks import free_port, serve
from starlette.requests import Request

from nbjudge.course.course import Course
from nbjudge.desk.store import Refused
from nbjudge.desk.web.desk_keys import Links, Visitor
from nbjudge.desk.web.uploads import read_body


@pytest.fixture
def people(course: Course) -> Course:
    enrol(course, ("ada", "Ada", "Lovelace"), ("eve", "Eve", ""))
    return course


@pytest.fixture
def opened(people: Course) -> OpenDesk:
    return open_desk(people)


@pytest.fixture
def unfilled(opened: OpenDesk) -> Iterator[OpenDesk]:
    """Yield a desk where nothing is handed in, now and in the end."""
    yield opened
    assert opened.desk.store.of("eve", "sums") == []
    assert not list((opened.desk.course.root / "submitted").glob("eve*"))


# ---- Forms of other sites, and sessions --------------------------------------------------------


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://desk.example.org:81"])
def test_a_form_of_another_site_is_refused(origin: str, unfilled: OpenDesk) -> None:
    visit = unfilled.student("eve")
    headers = {"Origin": origin}

    assert visit.hand_in(headers=headers).status_code == 403
    leave = visit.post("/leave", {"csrf": visit.token}, headers=headers)
    assert leave.status_code == 403
    key = unfilled.desk.links.key_of(Visitor("ada"))
    assert visit.post("/enter", {"key": key}, headers=headers).status_code == 403


@pytest.mark.parametrize("token", ["", "x" * 43])
def test_a_form_without_its_token_is_refused(token: str, unfilled: OpenDesk) -> None:
    visit = unfilled.student("eve")

    assert visit.hand_in(fields={"csrf": token}).status_code == 403
    assert visit.post("/leave", {"csrf": token}).status_code == 403


def test_anothers_token_is_none(unfilled: OpenDesk) -> None:
    token = unfilled.student("ada").token

    assert unfilled.student("eve").hand_in(fields={"csrf": token}).status_code == 403


def test_a_session_that_was_planted_is_not_taken_over(opened: OpenDesk) -> None:
    visit = opened.visit()
    visit.client.cookies.set("desk", "planted-by-eve", domain="desk.example.org")
    answer = visit.post(
        "/enter", {"key": opened.desk.links.key_of(Visitor("ada"))}, follow_redirects=False
    )

    assert "planted-by-eve" not in answer.headers["set-cookie"]
    eve = opened.visit()
    eve.client.cookies.set("desk", "planted-by-eve", domain="desk.example.org")
    assert eve.get("/").status_code == 401


def test_who_comes_in_anew_ends_the_session_before(opened: OpenDesk) -> None:
    visit = opened.student("ada")
    before = visit.client.cookies["desk"]
    visit.come_in(Visitor("eve"))
    old = opened.visit()
    old.client.cookies.set("desk", before, domain="desk.example.org")

    assert old.get("/").status_code == 401


def test_the_cookie_is_kept_from_scripts_and_other_sites(people: Course) -> None:
    for url, secure in (("http://desk.example.org", False), ("https://desk.example.org", True)):
        opened = open_desk(people, replace(POLICY, url=url))
        visit = opened.visit()
        key = opened.desk.links.key_of(Visitor("ada"))
        cookie = visit.post("/enter", {"key": key}, follow_redirects=False).headers["set-cookie"]

        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert ("Secure" in cookie) == cookie.startswith("__Host-") == secure


def test_a_session_ends_with_leaving_and_with_the_class(opened: OpenDesk) -> None:
    visit = opened.student("ada")
    session = visit.client.cookies["desk"]
    visit.post("/leave", {"csrf": visit.token})
    visit.client.cookies.set("desk", session, domain="desk.example.org")
    assert visit.get("/").status_code == 401

    stranger = opened.desk.links.key_of(Visitor("mallory"))
    assert visit.post("/enter", {"key": stranger}).status_code == 403


@pytest.mark.parametrize("key", ["", "x", "WyJhZGEiLGZhbHNlXQ.AAAA"])
def test_a_forged_link_leads_nowhere(key: str, opened: OpenDesk) -> None:
    forged = Links(b"e" * 32, "http://desk.example.org").key_of(INSTRUCTOR)

    for each in (key, forged):
        assert opened.visit().post("/enter", {"key": each}).status_code == 403
        headers = {"Authorization": f"Bearer {each}"}
        assert opened.visit().get("/api/hand-ins/1", headers=headers).status_code in (401, 403)


# ---- Others' things ----------------------------------------------------------------------------


def test_nobody_reads_anothers_hand_in(opened: OpenDesk) -> None:
    opened.student("ada").hand_in()
    opened.mark_all()
    eve = opened.student("eve")
    key = opened.desk.links.key_of(Visitor("eve"))

    for path in ("", "/result", "/receipt.txt", "/files/0", "/feedback/sums.html"):
        assert eve.get(f"/hand-ins/1{path}").status_code == 404, path
    headers = {"Authorization": f"Bearer {key}"}
    assert eve.get("/api/hand-ins/1", headers=headers).status_code == 404
    assert opened.visit().get("/hand-ins/1").status_code == 401


def test_a_student_sees_no_page_of_the_class(opened: OpenDesk) -> None:
    eve = opened.student("eve")

    for path in ("", "/log", "/sums", "/sums/figures", "/sums/ada"):
        assert eve.get(f"/class{path}").status_code == 404, path
    fields = {"csrf": eve.token, "exercise": "1.1.1", "held": "yes"}
    assert eve.post("/class/sums/hold", fields).status_code == 404
    assert eve.post("/class/sums/again", fields).status_code == 404
    assert opened.desk.store.held_exercises("sums") == frozenset()


@pytest.mark.parametrize(
    "path",
    [
        "/assignments/..%2F..%2Fetc",
        "/assignments/other",
        "/hand-ins/-1",
        "/hand-ins/1e9",
        "/hand-ins/99999999999999999999999",
        "/hand-ins/1/feedback/..%2F..%2Fgradebook.db",
        "/hand-ins/1/files/../../../gradebook.db",
        "//evil.example/class/",
        "/class/..%2f",
    ],
)
def test_a_path_that_somebody_made_up_leads_nowhere(path: str, opened: OpenDesk) -> None:
    visit = opened.student("eve")
    answer = visit.get(path, follow_redirects=False)

    assert answer.status_code in (404, 400)
    assert "location" not in answer.headers


def test_no_answer_sends_anybody_elsewhere(opened: OpenDesk) -> None:
    visit = opened.visit()
    key = opened.desk.links.key_of(Visitor("ada"))
    for extra in ("?next=https://evil.example", "?next=//evil.example"):
        answer = visit.post(f"/enter{extra}", {"key": key}, follow_redirects=False)
        assert answer.headers["location"] == "/"


@pytest.mark.parametrize("host", ["evil.example", "desk.example.org.evil.example", "", "["])
def test_another_hosts_name_is_not_answered(host: str, opened: OpenDesk) -> None:
    answer = opened.visit().get("/", headers={"Host": host})

    assert answer.status_code == 421
    assert "evil" not in answer.text


# ---- What a browser may do with a page ---------------------------------------------------------


def test_every_answer_forbids_what_a_page_does_not_need(opened: OpenDesk) -> None:
    visit = opened.student("ada")
    visit.hand_in()
    for path in ("/", "/hand-ins/1", "/desk.js", "/nowhere", "/hand-ins/1/receipt.txt"):
        headers = visit.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "unsafe-inline" not in headers["content-security-policy"], path


def test_markup_in_names_stays_text(people: Course) -> None:
    markup = "<script>alert(1)</script>"
    enrol(people, ("ada", markup, '"><img src=x onerror=alert(1)>'))
    opened = open_desk(people)
    visit = opened.student("ada")
    visit.hand_in(name=f"{markup[:8]}.ipynb")
    visit.hand_in(b"<html>", name="<script>alert(1)<script>.ipynb")
    pages = [visit.get(path).text for path in ("/", "/assignments/sums", "/hand-ins/1")]
    pages += [opened.instructor().get(f"/class{path}").text for path in ("/sums", "/log")]
    pages.append(opened.instructor().get("/hand-ins/1").text)

    for page in pages:
        assert "<script>alert" not in page
        assert "<img" not in page


def test_a_students_page_is_shown_in_a_sandbox(people: Course) -> None:
    opened = open_desk(people, replace(POLICY, shows_before="feedback"))
    visit = opened.student("ada")
    visit.hand_in()
    opened.mark_all()

    policy = visit.get("/hand-ins/1/feedback/sums.html").headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "allow-" not in policy
    assert "script-src" not in policy
    file = visit.get("/hand-ins/1/files/0").headers
    assert file["content-security-policy"].startswith("sandbox;")


# ---- Too much ----------------------------------------------------------------------------------


def test_too_large_an_upload_is_refused(people: Course) -> None:
    opened = open_desk(people, replace(POLICY, megabytes=1))
    visit = opened.student("eve")

    assert visit.hand_in(b" " * 3 * 2**20).status_code == 413
    key = opened.desk.links.key_of(Visitor("eve"))
    headers = {"Authorization": f"Bearer {key}", "X-File-Name": "sums.ipynb"}
    told = visit.client.post("/api/hand-ins", content=b" " * 3 * 2**20, headers=headers)
    assert told.status_code == 413
    assert opened.desk.store.of("eve", "sums") == []


@pytest.mark.parametrize("claimed", [{}, {"content-length": "100"}])
def test_bytes_are_counted_whatever_is_claimed(claimed: dict[str, str]) -> None:
    asked = []

    async def endless() -> dict[str, Any]:
        asked.append(1)
        return {"type": "http.request", "body": b" " * 2**16, "more_body": True}

    headers = [(name.encode(), value.encode()) for name, value in claimed.items()]
    request = Request({"type": "http", "method": "POST", "headers": headers}, endless)

    with pytest.raises(Refused) as refused:
        asyncio.run(read_body(request, most=2**20, seconds=600))
    assert refused.value.status == 413
    assert len(asked) == 17


def test_a_form_of_many_files_or_fields_is_refused(unfilled: OpenDesk) -> None:
    visit = unfilled.student("eve")
    files = [("files", (f"{n}.csv", b"1")) for n in range(201)]
    many = visit.post("/assignments/sums", {"csrf": visit.token}, files=files)
    assert (many.status_code, "too many files" in many.text) == (400, True)
    fields = {"csrf": visit.token, **{str(n): "x" for n in range(30)}}
    assert visit.hand_in(fields=fields).status_code == 400
    assert visit.post("/receipts", {"csrf": visit.token, "text": "x" * 2**17}).status_code == 413


def test_a_flood_from_one_student_is_stopped_and_costs_no_other(people: Course) -> None:
    opened = open_desk(people, replace(POLICY, attempts_per_hour=2))
    eve, ada = opened.student("eve"), opened.student("ada")
    statuses = [eve.hand_in(b"<html>").status_code for _ in range(8)]

    assert statuses == [400] * 6 + [429] * 2
    assert ada.hand_in().status_code == 200
    opened.clock.go(hours=1, seconds=1)
    assert [eve.hand_in().status_code for _ in range(3)] == [200, 200, 429]


def test_one_student_sends_two_things_at_once_and_no_more(opened: OpenDesk) -> None:
    visit = opened.student("eve")
    with opened.desk.upload("eve"), opened.desk.upload("eve"):
        assert visit.hand_in().status_code == 429
        assert opened.student("ada").hand_in().status_code == 200

    assert visit.hand_in().status_code == 200


# ---- By raw bytes ------------------------------------------------------------------------------


@pytest.fixture
def served(people: Course) -> Iterator[tuple[OpenDesk, int]]:
    """Yield a desk behind a real server, and its port."""
    port = free_port()
    policy = replace(POLICY, url=f"http://127.0.0.1:{port}", upload_seconds=1, megabytes=1)
    opened = open_desk(people, policy)
    with serve(opened.desk):
        yield opened, port


def exchange(port: int, head: str, *parts: bytes, pause: float = 0.0) -> str:
    """Send bytes piece by piece, and return the first line of the answer; empty if none came."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(head.replace("\n", "\r\n").encode())
        for part in parts:
            time.sleep(pause)
            line.sendall(part)
        line.shutdown(socket.SHUT_WR) if pause == 0 else None
        answer = b""
        while b"\r\n" not in answer and (more := line.recv(4096)):
            answer += more
    return answer.partition(b"\r\n")[0].decode()


def head(opened: OpenDesk, port: int, length: int) -> str:
    key = opened.desk.links.key_of(Visitor("eve"))
    return (
        f"POST /api/hand-ins?assignment=sums HTTP/1.1\nHost: 127.0.0.1:{port}\n"
        f"Authorization: Bearer {key}\nX-File-Name: sums.ipynb\nContent-Length: {length}\n\n"
    )


def test_a_slow_upload_is_given_up(served: tuple[OpenDesk, int]) -> None:
    opened, port = served

    assert " 408 " in exchange(port, head(opened, port, 1000), b"{", pause=0.1)
    assert opened.desk.store.of("eve", "sums") == []


def test_an_upload_that_ends_early_is_nothing(served: tuple[OpenDesk, int]) -> None:
    opened, port = served
    content = sums(opened.desk.course)
    exchange(port, head(opened, port, len(content) + 1), content)

    assert opened.desk.store.of("eve", "sums") == []


def test_a_length_beyond_all_bounds_is_refused_before_it_comes(
    served: tuple[OpenDesk, int],
) -> None:
    opened, port = served

    assert " 413 " in exchange(port, head(opened, port, 10**12), pause=0.1)


def test_secrets_are_in_no_log(
    opened: OpenDesk, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level("DEBUG"):
        visit = opened.student("ada")
        visit.hand_in()
    notes = "".join(map(str, opened.desk.store.notes(100)))
    secrets = [opened.desk.links.key_of(Visitor("ada")), visit.client.cookies["desk"]]

    ours = "".join(record.getMessage() for record in caplog.records if record.name[:7] == "nbjudge")
    assert not [secret for secret in secrets if secret in ours + notes]
