"""The desk as a service of a JupyterHub: a real one on loopback, and what forgers try."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from browsing import PATIENCE
from desk_visits import POLICY, OpenDesk, open_desk
from desks import enrol
from processes import descendants, waited_for

from nbjudge.course.course import Course
from nbjudge.desk.web.application import application
from nbjudge.exceptions import CourseError

pytest.importorskip("jupyterhub", reason="no JupyterHub: pip install jupyterhub")
PROXY = Path(sys.prefix, "node_modules", ".bin", "configurable-http-proxy")
URL = "http://desk.example.org/services/desk"
ENVIRONMENT = {
    "JUPYTERHUB_API_TOKEN": "t" * 32,
    "JUPYTERHUB_API_URL": "http://127.0.0.1:1/hub/api",
    "JUPYTERHUB_BASE_URL": "/",
    "JUPYTERHUB_SERVICE_NAME": "desk",
    "JUPYTERHUB_SERVICE_PREFIX": "/services/desk/",
    "JUPYTERHUB_CLIENT_ID": "service-desk",
    "JUPYTERHUB_OAUTH_CALLBACK_URL": "/services/desk/oauth_callback",
}


@pytest.fixture
def opened(course: Course, monkeypatch: pytest.MonkeyPatch) -> OpenDesk:
    """Return a desk whose hub does not answer."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    enrol(course, ("ada", "Ada", "Lovelace"))
    return open_desk(course, replace(POLICY, url=URL, hub=True))


def test_who_is_not_in_is_sent_to_the_hub(opened: OpenDesk) -> None:
    visit = opened.visit()
    first = visit.get("/services/desk/", follow_redirects=False)
    sent = visit.get(first.headers["location"], follow_redirects=False)
    query = parse_qs(urlsplit(sent.headers["location"]).query)

    assert urlsplit(sent.headers["location"]).path == "/hub/api/oauth2/authorize"
    assert query["client_id"] == ["service-desk"]
    assert len(query["state"][0]) > 40
    assert query["code_challenge_method"] == ["S256"]
    assert "HttpOnly" in sent.headers["set-cookie"]


@pytest.mark.parametrize("has_begun", [False, True])
def test_a_login_that_was_not_begun_here_is_refused(has_begun: bool, opened: OpenDesk) -> None:
    visit = opened.visit()
    if has_begun:
        visit.get("/services/desk/hub", follow_redirects=False)

    for state in ("", "&state=", "&state=forged"):
        answer = visit.get(f"/services/desk/oauth_callback?code=x{state}", follow_redirects=False)
        assert answer.status_code == 403
        assert "desk=" not in answer.headers.get("set-cookie", "").replace("desk-hub=", "")


def test_without_a_hub_the_desk_says_so(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    opened = open_desk(course, replace(POLICY, url=URL, hub=True))

    with pytest.raises(CourseError, match="JUPYTERHUB_API_TOKEN is not in the environment"):
        application(opened.desk)


def test_an_address_that_is_not_the_hubs_is_told(opened: OpenDesk, course: Course) -> None:
    other = open_desk(course, replace(POLICY, url="http://desk.example.org", hub=True))

    with pytest.raises(CourseError, match="The hub has the desk at /services/desk/"):
        application(other.desk)


# ---- A real hub --------------------------------------------------------------------------------


def free_ports(count: int) -> list[int]:
    lines = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [line.getsockname()[1] for line in lines]
    for line in lines:
        line.close()
    return ports


@pytest.fixture
def hub(course: Course, tmp_path: Path) -> Iterator[str]:
    """Yield the address of a hub that has started the desk as its service."""
    if not PROXY.exists():
        pytest.skip(
            f"no proxy: npm install --no-save --prefix {sys.prefix} configurable-http-proxy"
        )
    public, api, proxy, service = free_ports(4)
    address = f"http://127.0.0.1:{public}"
    enrol(course, ("ada", "Ada", "Lovelace"))
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"\nc.Desk.url = '{address}/services/desk'\nc.Desk.hub = True\n")
        config.write("c.Desk.hub_groups = ['class']\n")
    desk = [sys.executable, "-m", "nbjudge.cli.commands", "--course", str(course.root), "desk"]
    desk += ["--port", str(service), "--without-sandbox", "--workers", "1"]
    settings = {
        "JupyterHub.bind_url": address,
        "JupyterHub.hub_port": api,
        "JupyterHub.authenticator_class": "dummy",
        "JupyterHub.db_url": f"sqlite:///{tmp_path}/hub.sqlite",
        "JupyterHub.cookie_secret_file": f"{tmp_path}/secret",
        "ConfigurableHTTPProxy.api_url": f"http://127.0.0.1:{proxy}",
        "ConfigurableHTTPProxy.command": [str(PROXY)],
        "ConfigurableHTTPProxy.pid_file": f"{tmp_path}/proxy.pid",
        "DummyAuthenticator.password": "together",
        "Authenticator.allow_all": True,
        "JupyterHub.load_groups": {"class": {"users": ["ada", "bo", "instructor"]}},
        "JupyterHub.load_roles": [
            {"name": "user", "scopes": ["self", "access:services"]},
            {"name": "desk", "scopes": ["read:groups!group=class"], "services": ["desk"]},
        ],
        "JupyterHub.services": [
            {
                "name": "desk",
                "url": f"http://127.0.0.1:{service}",
                "command": desk,
                "oauth_no_confirm": True,
                "environment": {"COURSE_OFFLINE": "1"},
            }
        ],
    }
    config = tmp_path / "jupyterhub_config.py"
    config.write_text("".join(f"c.{name} = {value!r}\n" for name, value in settings.items()))
    command = [sys.executable, "-m", "jupyterhub", "--config", str(config)]
    with (tmp_path / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True
        )
    try:
        # By the hub's proxy, which learns of a service when the hub has started it.
        waited_for(lambda: process.poll() is not None or _answers(address))
        assert process.poll() is None, (tmp_path / "hub.log").read_text(encoding="utf-8")
        yield address
    finally:
        below = descendants(process.pid)
        process.terminate()
        process.wait(120)
        for each in below:
            if each.is_alive:
                os.kill(each.number, signal.SIGKILL)


def _answers(address: str) -> bool:
    try:
        urlopen(f"{address}/services/desk/desk.js", timeout=5).close()
    except OSError:
        return False
    return True


@pytest.mark.thorough
@pytest.mark.browser
@pytest.mark.slow
def test_the_hub_says_who_hands_in(hub: str, browser: Any) -> None:
    def come_in(name: str) -> Any:
        context = browser.new_context()
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        page.goto(f"{hub}/services/desk/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill("together")
        page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).click()
        page.wait_for_url(f"{hub}/services/desk/**")
        return page

    ada = come_in("ada")
    ada.get_by_text("You are here as Ada Lovelace").wait_for()
    ada.get_by_role("link", name="sums").click()
    assert ada.url == f"{hub}/services/desk/assignments/sums"
    instructor = come_in("instructor")
    instructor.get_by_role("heading", name="The class").wait_for()
    # Who is in the class is read from the hub's group, soon after the start.
    read = instructor.get_by_text("2 students in group class of the hub")
    waited_for(lambda: read.count() or (instructor.reload() and False))
    come_in("bo").get_by_text("You are here as bo").wait_for()
    come_in("mallory").get_by_text("is not in the class now").wait_for()
