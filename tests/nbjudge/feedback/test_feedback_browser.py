"""Feedback pages in a real browser: nothing runs, nothing is fetched, and everybody can read them.

They need Debian's `chromium` and, for the checks of accessibility, the npm package `axe-core`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browsing import SCHEMES, Watch, hindrances, write
from feedback_notebooks import (
    HOSTILE_HTML,
    TRACE,
    answer,
    code,
    hostile_notebook,
    marks,
    notebook,
    png,
    prose,
    test_cell,
    written,
)

from nbjudge.course.marks import (
    AssignmentMarks,
    GradeTable,
    Mark,
    NotebookMarks,
    Person,
    SubmissionMarks,
)
from nbjudge.feedback.notebook_pages import notebook_page, overview_page
from nbjudge.feedback.term_page import term_page
from nbjudge.term.totals import Weighing

pytestmark = [pytest.mark.browser, pytest.mark.slow]

REGIONS = (("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"),)
SIZES = pytest.mark.parametrize("width", [360, 1280])


def honest_page() -> str:
    """Return a page with one of each: marks of all kinds, outputs, a table, formulas, comments."""
    table = "<table><thead><tr><th></th><th>rate</th></tr></thead><tbody><tr><th>0</th>"
    table += "<td>0.01</td></tr></tbody></table>"

    def shown(kind: str, content: str) -> dict[str, Any]:
        return {"output_type": "display_data", "data": {kind: content}, "metadata": {}}

    error = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["a", "b"]}
    warning = {"output_type": "stream", "name": "stderr", "text": "careful"}
    book = notebook(
        prose("# Sums\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n$$\\sum_{i=1}^n x_i$$\n\n> quoted"),
        code("import math  # a comment\nx = 'text' + str(1.5)\n" + "y = 1; " * 60, warning, error),
        answer("def total(n):\n    return 0", "1_1"),
        test_cell("assert total([1]) == 1", "1_1"),
        answer("pass", "1_2"),
        test_cell("check()", "1_2"),
        test_cell("check()", "1_3"),
        code("df", shown("text/html", table), shown("image/png", png(300, 100))),
        prose("## In words\n\n[a link](https://example.org)"),
        written("It falls.", "1_4"),
        test_ex_1_1={"reason": "✗ one: no", "sentence": "It is 0.", "printed": "✓ two\nthree"},
    )
    own = marks(
        Mark("test_ex_1_1", 0, 2),
        Mark("test_ex_1_2", 2.5, 2, extra=0.5),
        Mark("test_ex_1_3", 1, 2, manual=1.0),
        Mark("ex_1_4", 0, 2, waiting=True),
        comments={"ex_1_1": "Look **again**."},
        penalty=1.0,
    )
    return notebook_page(book, "sums", own, others=["first"])


def overview() -> str:
    cells = (Mark("test_ex_1_1", 2, 2), Mark("test_ex_2_1", 0, 4))
    books = tuple(NotebookMarks(cell.grade_id, {cell.grade_id: cell}) for cell in cells)
    graded = {books[0].name: notebook(test_cell("check()", "1_1")), books[1].name: None}
    return overview_page(graded, SubmissionMarks("sums", "ada", "Ada Lovelace", books))


@SIZES
def test_a_hostile_submission_runs_nothing_fetches_nothing_and_covers_nothing(
    browser: Any, tmp_path: Path, width: int
) -> None:
    book, own = hostile_notebook()
    path = write(tmp_path, notebook_page(book, own.notebooks[0].name, own, regions=REGIONS))
    watch = Watch(browser, viewport={"width": width, "height": 800})

    page = watch.open(path)

    # What waits for a reader's hand is tried, too.
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    for summary in page.query_selector_all("summary")[:5]:
        summary.click()
    for _ in range(40):
        page.keyboard.press("Tab")
    assert watch.asked == [path.as_uri()]
    assert watch.seen == []
    assert page.evaluate("window.harmed") is None
    assert page.evaluate("document.scripts.length") == 0
    assert page.url.partition("#")[0] == path.as_uri()
    # Every cell is where the page puts it: none ends another or swallows the rest.
    cells = "document.querySelectorAll('#notebook > .cell, #notebook > .result').length"
    assert page.evaluate(cells) == len(book.cells) + 1
    assert page.evaluate("document.querySelectorAll('.cell, .result').length") == (
        len(book.cells) + 1
    )
    assert page.evaluate("document.body.lastElementChild.tagName") == "FOOTER"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # The mark and each row of the table can be seen: nothing lies on top of them.
    for selector in (".score strong", *(f".marks tbody tr:nth-child({n}) td" for n in (1, 2, 3))):
        on_top = page.evaluate(
            """selector => {
                const wanted = document.querySelector(selector);
                wanted.scrollIntoView({block: 'center'});
                const box = wanted.getBoundingClientRect();
                const found = document.elementFromPoint(
                    box.left + box.width / 2, box.top + box.height / 2);
                return found === wanted || wanted.contains(found);
            }""",
            selector,
        )
        assert on_top, selector
    # Only the page itself names places, and each place once.
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    assert page.evaluate("document.querySelectorAll('.prose [id], .prose [class]').length") == (
        page.evaluate(
            "document.querySelectorAll('.prose :is(.wide, .formula, .address, .line)').length"
        )
    )
    watch.context.close()


def test_formulas_side_by_side_fit_a_phone(browser: Any, tmp_path: Path) -> None:
    one = r"v \leftarrow \beta\,v + (1 - \beta)\,g^2"
    beside = prose(rf"$${one} \qquad\qquad w \leftarrow w - \eta\,\frac{{g}}{{\sqrt{{v}}}}$$")
    path = write(tmp_path, notebook_page(notebook(beside), "sums", marks(Mark("ex_1", 1, 1))))

    page = Watch(browser, viewport={"width": 320, "height": 800}).open(path)

    formulas = page.locator(".formula")
    assert formulas.count() == 1
    assert formulas.evaluate("line => line.scrollWidth <= line.clientWidth")
    assert formulas.locator("math").count() == 2


def test_letters_that_pile_up_stay_in_their_cell(browser: Any, tmp_path: Path) -> None:
    piled = prose(HOSTILE_HTML["tall letters"])
    path = write(tmp_path, notebook_page(notebook(piled), "sums", marks(Mark("ex_1", 1, 1))))

    page = Watch(browser, viewport={"width": 800, "height": 800}).open(path)

    assert page.evaluate("getComputedStyle(document.querySelector('.prose')).overflowY") == "hidden"


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """Yield an address on this machine, and the list of what was asked there."""
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/told", asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("guarded", [True, False], ids=["with it", "without it"])
def test_the_policy_alone_stops_what_would_slip_through(
    browser: Any, tmp_path: Path, listener: tuple[str, list[str]], guarded: bool
) -> None:
    address, asked = listener
    slipped = (
        f"<script>{TRACE}</script><img src=x onerror='{TRACE}'><svg onload='{TRACE}'></svg>"
        f"<img src='{address}.png'><style>.score {{ display: none }}</style>"
        f"<link rel=stylesheet href='{address}.css'><base href='{address}/'>"
        f"<p style='position:fixed;inset:0' id=cover>x</p><iframe src='{address}'></iframe>"
        f"<form action='{address}' target=_blank><button id=send>Send</button></form>"
    )
    page_text = honest_page().replace("<h2", f"{slipped}<h2", 1)
    if not guarded:  # what the test would see if nothing stopped it
        page_text = page_text.replace("Content-Security-Policy", "Nothing")
    watch = Watch(browser)

    page = watch.open(write(tmp_path, page_text))
    page.evaluate("document.querySelector('#send').click()")
    page.wait_for_timeout(500)

    found = page.evaluate(
        """() => [
            window.harmed !== undefined,
            getComputedStyle(document.querySelector('.score')).display === 'none',
            getComputedStyle(document.querySelector('#cover')).position === 'fixed',
            document.baseURI !== location.href,
        ]"""
    )
    assert found == [not guarded] * 4
    assert bool(asked) is not guarded
    watch.context.close()


def term() -> str:
    """Return a page on a term with all that it can say."""
    told = {
        "comments": {"ex_1_2": "## Well done\n\n`lr` is $\\eta$. " + "long" * 90},
        "penalty": 1.0,
    }
    marks = (Mark("ex_1_2", 1, 2, auto=1), Mark("ex_1_3", 0, 2, auto=0, waiting=True))
    own = tuple(
        SubmissionMarks(name, "ada", "", (NotebookMarks("nb", {m.grade_id: m}, **told),))
        for name, m in zip(("first", "second_of_all_" * 5), marks, strict=True)
    )
    graded = (AssignmentMarks(each.assignment, 2, {"ada": each}) for each in own)
    others = (AssignmentMarks("third", 20, {"ben": own[0]}), AssignmentMarks("fourth", 1))
    table = GradeTable((Person("ada", "Ada", "Lovelace"),), (*graded, *others))
    weighing = Weighing(drop_lowest=1, pass_percent=50.0)
    return term_page(table, weighing, {"first": "first/nb.html"}, lambda *_: {"1.2": "In words"})


@pytest.mark.parametrize(
    "which", [honest_page, overview, term], ids=["notebook", "overview", "term"]
)
def test_everybody_can_read_it(browser: Any, axe: str, tmp_path: Path, which: Any) -> None:
    # The checker is a script, so it gets in only past the page's own policy.
    watch = Watch(browser, bypass_csp=True, reduced_motion="reduce")
    page = watch.open(write(tmp_path, which()))
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")

    assert hindrances(page, axe) == []
    assert page.evaluate("document.documentElement.lang") == "en"
    watch.context.close()


@SCHEMES
def test_signs_that_axe_does_not_measure_have_contrast(
    browser: Any, tmp_path: Path, scheme: str
) -> None:
    watch = Watch(browser, color_scheme=scheme, bypass_csp=True)
    page = watch.open(write(tmp_path, honest_page()))

    least = page.evaluate(
        """() => {
            const light = colour => {
                const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(c => {
                    c /= 255;
                    return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
                });
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const behind = element => {
                for (let e = element; e; e = e.parentElement) {
                    const colour = getComputedStyle(e).backgroundColor;
                    if (!colour.endsWith(', 0)')) return colour;
                }
            };
            const signs = [...document.querySelectorAll('.sign, .held span, pre span')];
            return Math.min(...signs.map(e => {
                const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
                return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            }));
        }"""
    )

    assert least >= 4.5
    watch.context.close()


def test_links_lead_to_their_places_and_back_and_the_first_one_skips(
    browser: Any, tmp_path: Path
) -> None:
    page = Watch(browser, viewport={"width": 800, "height": 700}).open(
        write(tmp_path, honest_page())
    )

    page.keyboard.press("Tab")
    skip = page.evaluate("document.activeElement.textContent")
    visible = page.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
    targets = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')]"
        ".map(a => document.getElementById(a.hash.slice(1)) !== null)"
    )
    page.locator(".marks a").nth(2).click()
    box = page.evaluate("document.querySelector('#mark-1-3').getBoundingClientRect().top")

    assert (skip, visible) == ("Skip to the marks", True)
    assert len(targets) > 8
    assert all(targets)
    assert 0 <= box < 700


def test_the_page_prints_without_what_only_screens_need(browser: Any, tmp_path: Path) -> None:
    watch = Watch(browser, color_scheme="dark")
    page = watch.open(write(tmp_path, honest_page()))

    page.emulate_media(media="print")

    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("getComputedStyle(document.querySelector('pre')).whiteSpace") == "pre-wrap"
    watch.context.close()
