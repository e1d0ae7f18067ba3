"""The desk in a real browser: a student hands in, an instructor watches; everybody can read it.

They need Debian's `chromium` and, for the checks of accessibility, the npm package `axe-core`.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from browsing import hindrances
from desk_visits import INSTRUCTOR, POLICY, OpenDesk, open_desk
from desks import NOON, WRONG, enrol, set_due, sums
from playwright.sync_api import expect
from serving_desks import free_port, serve

from nbjudge.course.course import Course
from nbjudge.desk.web.desk_keys import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = {"phone": 390, "desk": 1440}


@dataclass
class Served:
    """A desk behind a real server, whose queue goes on by itself."""

    opened: OpenDesk

    def link(self, visitor: Visitor) -> str:
        return self.opened.desk.links.link_of(visitor)

    def come_in(self, page: Any, visitor: Visitor) -> None:
        page.goto(self.link(visitor))
        page.get_by_role("button", name=re.compile("^Go on as")).click()
        page.get_by_text("You are here as").wait_for()


@pytest.fixture
def served(course: Course) -> Iterator[Served]:
    enrol(
        course,
        ("ada", "Ada", "Lovelace"),
        ("bo", "Bo", "Ek"),
        ("cy", "Cyprien-Emmanuel", "von und zu Hohenzollern-Sigmaringen"),
    )
    port = free_port()
    set_due(course, NOON.replace(hour=18))
    policy = replace(
        POLICY, url=f"http://127.0.0.1:{port}", timezone="Europe/Berlin", shows_before="feedback"
    )
    opened = open_desk(course, policy)
    opened.desk.marking.start()
    with serve(opened.desk):
        yield Served(opened)
    opened.desk.close()


def picture(page: Any, name: str) -> None:
    """Keep a picture where a person wants to look at the pages."""
    if folder := os.environ.get("DESK_PICTURES"):
        for width in SIZES.values():
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": 900})
                page.emulate_media(color_scheme=scheme)
                path = Path(folder, f"{name}-{width}-{scheme}.png")
                page.screenshot(path=path, full_page=True)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, timezone_id="America/New_York"
    )
    yield context.new_page()
    context.close()


def upload(page: Any, name: str, content: bytes) -> None:
    file = {"name": name, "mimeType": "application/json", "buffer": content}
    page.get_by_label("Choose sums.ipynb").set_input_files(file)
    page.get_by_role("button", name="Hand in").click()


def test_a_student_hands_in_and_sees_the_marks_come(served: Served, page: Any) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    served.come_in(page, Visitor("ada"))
    page.get_by_role("link", name="sums").click()
    upload(page, "sums.ipynb", b"<!DOCTYPE html>")
    expect(page.get_by_role("alert")).to_contain_text("not a notebook: it is a web page")
    upload(page, "sums (1).ipynb", sums(served.opened.desk.course, ex_1_1_1=WRONG))

    expect(page.get_by_role("heading", name=re.compile("^Receipt"))).to_be_visible()
    expect(page.get_by_text("taken as sums")).to_be_visible()
    expect(page.get_by_text("(America/New_York)")).to_be_visible()
    expect(page.get_by_text("3 of 7 points")).to_be_visible(timeout=60_000)  # without reloading
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save the receipt").click()
    page.get_by_role("link", name="Check a receipt").click()
    page.get_by_label("The receipt's text").fill(Path(saved.value.path()).read_text("utf-8"))
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("This receipt is the desk's")).to_be_visible()
    page.goto(f"{served.opened.desk.policy.url}/hand-ins/1")
    page.get_by_role("link", name="Read the whole feedback").click()
    expect(page.get_by_role("heading", name="sums", exact=True).first).to_be_visible()
    assert page.evaluate("self.origin") == "null"  # whatever is in it acts for nobody
    assert {url.split("/")[2] for url in asked} == {served.opened.desk.policy.url.split("/")[2]}
    assert [text for text in said if "400" not in text] == []


def test_without_scripts_everything_is_there_after_reloading(served: Served, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    served.come_in(page, Visitor("ada"))
    page.get_by_role("link", name="sums").click()
    upload(page, "sums.ipynb", sums(served.opened.desk.course))
    end = time.monotonic() + 60
    while not page.get_by_text("5 of 7 points").is_visible() and time.monotonic() < end:
        page.reload()

    expect(page.get_by_text("5 of 7 points")).to_be_visible()
    context.close()


def test_an_instructor_watches_and_holds(served: Served, page: Any) -> None:
    served.come_in(page, INSTRUCTOR)
    page.get_by_role("link", name="sums").click()
    expect(page.get_by_text("Nobody lost a point so far.")).to_be_visible()
    served.opened.student("ada").hand_in(sums(served.opened.desk.course, ex_1_1_1=WRONG))

    expect(page.get_by_text("1 of 1")).to_be_visible(timeout=60_000)  # without reloading
    page.get_by_label("Exercise").select_option("1.1.1")
    page.get_by_role("button", name="Hold").click()
    expect(page.get_by_role("rowheader", name=re.compile(r"^1\.1\.1.* \(held\)$"))).to_be_visible()
    student = served.opened.student("ada").get("/hand-ins/1").text
    assert "Its test is being looked at" in student


def test_everybody_can_read_every_page(served: Served, browser: Any, axe: str) -> None:
    # The policy of the pages keeps out axe's own script, too.
    context = browser.new_context(bypass_csp=True, viewport={"width": 390, "height": 844})
    page = context.new_page()
    desk = served.opened.desk
    visit = served.opened.student("ada")
    visit.hand_in(sums(desk.course, ex_1_1_1=WRONG), name="sums (1).ipynb")
    served.opened.student("cy").hand_in()
    end = time.monotonic() + 60
    while not all(each.is_over for each in desk.store.that_count("sums")):
        assert time.monotonic() < end
        time.sleep(0.1)
    found = []

    def look(name: str, path: str) -> None:
        page.goto(f"{desk.policy.url}{path}")
        found.extend((name, *each) for each in hindrances(page, axe, least=5))
        picture(page, name)

    look("enter", f"/enter/{desk.links.key_of(Visitor('ada'))}")
    look("refused", "/")
    served.come_in(page, Visitor("ada"))
    for name, path in {
        "assignments": "/",
        "assignment": "/assignments/sums",
        "hand-in": "/hand-ins/1",
        "receipts": "/receipts",
    }.items():
        look(name, path)
    served.come_in(page, INSTRUCTOR)
    for name, path in {
        "class": "/class",
        "night": "/class/sums",
        "student": "/class/sums/ada",
        "log": "/class/log",
    }.items():
        look(name, path)
    context.close()

    assert found == []
