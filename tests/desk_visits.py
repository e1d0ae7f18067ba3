"""Visits to a desk whose web application runs in this process: what its tests share."""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2 as httpx
from classroom import AtOnce
from desks import Clock, sums
from processes import marked_by_text
from starlette.testclient import TestClient

from nbjudge.course.course import Course
from nbjudge.course.secret import write_secret
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.lti import tool_key
from nbjudge.desk.lti.tool_key import ToolKey
from nbjudge.desk.web.application import application
from nbjudge.desk.web.desk_keys import Visitor
from nbjudge.desk.web.desk_service import Desk

URL = "http://desk.example.org"
POLICY = DeskPolicy(url=URL, cool_down_seconds=0, grace_minutes=5)
INSTRUCTOR = Visitor("instructor", is_grader=True)


@dataclass
class Visit:
    """A browser in which somebody has come in, or nobody yet."""

    client: TestClient
    desk: Desk
    origin: str

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def post(self, path: str, fields: Mapping[str, str], **options: Any) -> httpx.Response:
        """Send a form as a browser does that has seen the page."""
        headers = {"Origin": self.origin, **options.pop("headers", {})}
        return self.client.post(path, data=dict(fields), headers=headers, **options)

    def come_in(self, visitor: Visitor) -> httpx.Response:
        return self.post("/enter", {"key": self.desk.links.key_of(visitor)})

    @property
    def token(self) -> str:
        """What the forms of whoever is in carry."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/receipts").text)
        assert found is not None
        return found[1]

    def hand_in(
        self, content: bytes | None = None, name: str = "sums.ipynb", **options: Any
    ) -> httpx.Response:
        """Hand in one file; by default the tiny notebook with all answers right."""
        content = sums(self.desk.course) if content is None else content
        fields = {"csrf": self.token, **options.pop("fields", {})}
        files = {"files": (name, content)}
        return self.post("/assignments/sums", fields, files=files, **options)


@dataclass
class OpenDesk:
    """A desk, its clock, and who grades there."""

    desk: Desk
    clock: Clock
    workers: AtOnce = field(default_factory=lambda: AtOnce(marked_by_text))

    def visit(self, visitor: Visitor | None = None) -> Visit:
        """Return a new browser; somebody may have come in there."""
        client = TestClient(application(self.desk), base_url=self.desk.policy.origin)
        visit = Visit(client, self.desk, self.desk.policy.origin)
        if visitor is not None:
            assert visit.come_in(visitor).status_code == 200
        return visit

    def student(self, student: str) -> Visit:
        return self.visit(Visitor(student))

    def instructor(self) -> Visit:
        return self.visit(INSTRUCTOR)

    def mark_all(self) -> None:
        while self.desk.marking.mark_next(self.workers):
            pass


@functools.cache
def _tool_key() -> str:
    """Return a pair of keys, which takes a while to make: the desks of all tests share one."""
    with tempfile.TemporaryDirectory() as folder:
        ToolKey(Path(folder))
        return Path(folder, tool_key.TOOL_KEY_FILE).read_text(encoding="utf-8")


def open_desk(course: Course, policy: DeskPolicy = POLICY, now: datetime | None = None) -> OpenDesk:
    """Open a desk that grades when it is told to."""
    key = course.root / tool_key.TOOL_KEY_FILE
    if policy.lti_platforms and not key.exists():
        write_secret(key, _tool_key())
    clock = Clock() if now is None else Clock(now)
    workers = AtOnce(marked_by_text)

    @contextmanager
    def lend_workers(_: Course) -> Iterator[AtOnce]:
        yield workers

    desk = Desk(course, policy, clock=clock, lend_workers=lend_workers)
    return OpenDesk(desk, clock, workers)
