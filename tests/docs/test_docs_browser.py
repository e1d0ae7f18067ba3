"""Every page of the site in a real browser: everybody can read it, and nothing is fetched."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browsing import hindrances
from doc_pages import ROOT
from test_docs import site  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = (
    *(path.stem for path in sorted((ROOT / "docs").glob("*.md"))),
    *("404", "changelog", "contributing"),
)
#: A page of pictures, one of steps, one of commands, and one that is made from the code.
KINDS = ("index", "first-term", "sandbox", "settings")
OTHERS = tuple(name for name in PAGES if name not in KINDS)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:  # noqa: F811
    serve = functools.partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("scheme", "names"),
    [
        pytest.param("light", KINDS, id="light-one of each kind"),
        pytest.param("light", OTHERS, id="light-all others", marks=pytest.mark.thorough),
        pytest.param("dark", PAGES, id="dark-all", marks=pytest.mark.thorough),
    ],
)
def test_everybody_can_read_every_page_and_none_asks_elsewhere(
    browser: Any, axe: str, address: str, scheme: str, names: tuple[str, ...]
) -> None:
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    found = {}
    for name in names:
        page.goto(f"{address}{name}.html", wait_until="networkidle")
        found[name] = hindrances(page, axe, [scheme])
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    context.close()

    assert {name: problems for name, problems in found.items() if problems} == {}
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert said == []
    assert (background == "rgb(252, 252, 251)") is (scheme == "light")  # as all pages of the course


@pytest.mark.parametrize("opened", ["served", "from a disk"])
def test_the_search_finds_a_setting_and_asks_nobody_else(
    browser: Any,
    address: str,
    site: Path,  # noqa: F811
    opened: str,
) -> None:
    home = address if opened == "served" else f"{site.as_uri()}/"
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{home}index.html", wait_until="networkidle")

    page.keyboard.press("/")
    page.keyboard.type("memory_megabytes")
    found = page.locator(".md-search-result__link", has_text="memory_megabytes").first
    found.wait_for()
    found.click()
    page.wait_for_url(f"{home}*.html?h=memory_megabytes*")

    assert "memory_megabytes" in page.locator("article").inner_text()
    assert [url for url in asked if not url.startswith((home, "data:", "about:"))] == []
    assert said == []
    context.close()
