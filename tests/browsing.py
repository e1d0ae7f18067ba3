"""A browser for tests: a Jupyter server of its own, and pages that are watched and measured."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.serverapp import list_running_servers
from nbformat import NotebookNode
from playwright.sync_api import expect

TOKEN = "only-for-this-test"
#: Seconds for anything to appear, on a machine that has other things to do, too.
PATIENCE = 120
#: JupyterLab as it comes, but for a question about news, and for cells that it would not keep in
#: the page while they are out of sight.
CHOICES = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}


#: Of a phone, a tablet and a desk, in pixels: how wide people have pages before them.
WIDTHS = (360, 768, 1440)


@dataclass(frozen=True)
class Server:
    """A running server: where it is, what it said so far, and its settings of the shell."""

    url: str
    log: Path

    def open(self, page: Any, path: str) -> None:
        """Open a page, through the login page if it is asked for."""
        page.goto(f"{self.url}{path}")
        if "/login" in page.url:
            page.get_by_label("Password or token:").fill(TOKEN)
            page.get_by_role("button", name="Log in", exact=True).click()
            page.wait_for_url(lambda url: "/login" not in url)


@contextmanager
def looking(browser: Any, **settings: Any) -> Iterator[Any]:
    """Lend a page of a browser that has nothing in its memory, as wide as the desk."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, **settings)
    context.set_default_timeout(1000 * PATIENCE)
    yield context.new_page()
    context.close()


def settings(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return settings of the shell with which Jupyter reads and writes in `home` alone."""
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "lab-settings",
        "JUPYTERLAB_WORKSPACES_DIR": "lab-workspaces",
        "IPYTHONDIR": "ipython",
        "MPLCONFIGDIR": "matplotlib",
    }
    return {
        **os.environ,
        **{name: str(home / folder) for name, folder in places.items()},
        **(more or {}),
    }


@contextmanager
def serving(
    folder: Path, home: Path, command: Sequence[str], more: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Lend a server that a person would start with `command` in `folder`.

    Parameters
    ----------
    folder : Path
    home : Path
        For what Jupyter keeps of its own.
    command : sequence of str
        It starts JupyterLab, and hands on its options.
    more : mapping, optional
        Further settings of the shell.
    """
    home.mkdir(exist_ok=True)
    log = home / "log.txt"
    environment = settings(home, more)
    # A server as people have it, but for the port, which is whichever is free.
    options = ["--no-browser", "--port=0", f"--IdentityProvider.token={TOKEN}"]
    if os.geteuid() == 0:
        options.append("--allow-root")
    with log.open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            [*command, *options], cwd=folder, env=environment, stdout=said, stderr=said
        )
        try:
            url = _address(process, environment["JUPYTER_RUNTIME_DIR"], log)
            yield Server(url, log)
        finally:
            process.terminate()
            process.wait(timeout=60)


def _address(process: subprocess.Popen[bytes], runtime: str, log: Path) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        for server in list_running_servers(runtime):
            if server["pid"] == process.pid:
                return str(server["url"]).rstrip("/")
        time.sleep(0.1)
    raise AssertionError(f"Jupyter did not start:\n{log.read_text(encoding='utf-8')}")


COURSE = [sys.executable, "-m", "nbjudge.cli.commands"]
LAB = [sys.executable, "-m", "jupyterlab"]


@contextmanager
def in_lab(browser: Any, notebook: Path, home: Path, **view: Any) -> Iterator[Any]:
    """Lend a page in which a student's notebook is open in JupyterLab."""
    for name, choice in CHOICES.items():
        path = home / "lab-settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(choice), encoding="utf-8")
    # The course's configuration, which other tests read, asks for what shows no slider.
    students = {"COURSE_QUICK": "0", "NBGRADER_EXECUTION": ""}
    with serving(notebook.parent, home, LAB, students) as running, looking(browser, **view) as page:
        running.open(page, f"/lab/tree/{notebook.name}")
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        yield page


@dataclass(frozen=True)
class Lab:
    """The open notebook: writes into cells and runs them."""

    page: Any
    notebook: NotebookNode

    def cell(self, name: str) -> Any:
        """Return a cell by its id."""
        numbers = [n for n, cell in enumerate(self.notebook.cells) if cell.id == name]
        return self.page.locator(".jp-Notebook .jp-Cell").nth(numbers[0])

    def write(self, name: str, text: str) -> None:
        """Replace what stands in a cell, as one pastes."""
        self.cell(name).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def run(self, name: str) -> Any:
        """Run a cell, wait until it is done, and return its outputs. A folded one is unfolded."""
        cell = self.cell(name)
        if (folded := cell.locator(".jp-InputPlaceholder")).is_visible():
            folded.locator(".jp-Placeholder-content").click()
        prompt = cell.locator(".jp-InputPrompt")
        before = prompt.inner_text()
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        expect(prompt).not_to_have_text(before or "[ ]:", timeout=1000 * PATIENCE)
        expect(prompt).to_have_text(re.compile(r"\[\d+\]:"), timeout=1000 * PATIENCE)
        return cell.locator(".jp-OutputArea-output")


def saved(page: Any, kind: str, change: Callable[[], object]) -> None:
    """Change a "grade" or a "comment" in the formgrader, and wait until it has kept it."""
    with page.expect_response(
        lambda answer: f"/formgrader/api/{kind}/" in answer.url and answer.request.method == "PUT"
    ) as kept:
        change()
    assert kept.value.ok


def fill_in(page: Any, kind: str, field: Any, text: str) -> None:
    """Fill in the field of a "grade" or a "comment" in the formgrader."""

    def change() -> None:
        field.fill(text)
        field.press("Escape")  # as nbgrader's help says: "Defocus and save"

    saved(page, kind, change)


def hindrances(
    page: Any, axe: str, schemes: Sequence[str] = ("light", "dark"), *, least: int = 20
) -> list[tuple[str, ...]]:
    """Return what keeps somebody from reading a page, at any of WIDTHS, in light or dark.

    Parameters
    ----------
    page : playwright.sync_api.Page
        Open, in a context whose policy lets scripts in. Nothing of it may move.
    axe : str
        The source of axe-core.
    schemes : sequence of str
        In which the page is looked at.
    least : int
        More rules than this must have been kept, or it did not look at the page.

    Returns
    -------
    list of tuple
        What axe-core calls violations, and too great a width: where, what, and an element.
    """
    page.evaluate(axe)
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            # All else is the same in the dark.
            rules, kept = (
                ("{runOnly: ['color-contrast']}", 0) if scheme == "dark" else ("{}", least)
            )
            checked = page.evaluate(f"axe.run({rules})")
            assert len(checked["passes"]) > kept
            found += [
                (f"{width} {scheme}", broken["id"], broken["nodes"][0]["html"])
                for broken in checked["violations"]
            ]
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            found.append((f"{width}", "wider than the screen", page.url))
    return found


SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


def write(tmp_path: Path, page: str) -> Path:
    path = tmp_path / "page.html"
    path.write_text(page, encoding="utf-8")
    return path


class Watch:
    """Opens pages, and notes what they do that a page of feedback must not."""

    def __init__(self, browser: Any, **settings: Any) -> None:
        self.context = browser.new_context(**settings)
        self.page = self.context.new_page()
        self.seen: list[str] = []
        self.asked: list[str] = []
        self.page.on("request", self._ask)
        self.page.on("console", lambda message: self.seen.append(message.text))
        self.page.on("pageerror", lambda error: self.seen.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.context.on("page", lambda page: self.seen.append("a window"))

    def _ask(self, request: Any) -> None:
        if not request.url.startswith("data:image/"):
            self.asked.append(request.url)

    def _dismiss(self, dialog: Any) -> None:
        self.seen.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, path: Path) -> Any:
        self.page.goto(path.as_uri(), wait_until="load")
        self.page.wait_for_load_state("networkidle")
        return self.page
