"""The class report in a real browser: readable by everybody, in light and dark, wide and narrow."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from browsing import SCHEMES, Watch, hindrances, write
from report_classes import class_of, drawn, exercise, member

from nbjudge.course.marks import (
    AssignmentMarks,
    GradeTable,
    Mark,
    NotebookMarks,
    Person,
    SubmissionMarks,
)
from nbjudge.pages.charts import DIVERGING
from nbjudge.report.class_page import page
from nbjudge.report.statistics import numbers
from nbjudge.report.totals_page import totals_page
from nbjudge.term.totals import Weighing, term_totals

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def report() -> str:
    """Return a page with everything that a report can have: late ones, failures, all pictures."""
    return page(numbers(drawn(40)))


@pytest.fixture(scope="module")
def small() -> str:
    """Return the page of one student, of whom hardly anything can be said."""
    label = "an_exercise_" * 20
    return page(numbers(class_of([exercise(label)], [member("s" * 200, {label: 1.0})])))


@pytest.fixture(scope="module")
def term() -> str:
    """Return a term's page, with all that it can say of a student."""
    people = (Person("s1", "Ada", "Lovelace"), Person("s" * 200), Person("s3", "Zoë", "Brontë"))
    mark = Mark("ex_1", 1, 2, auto=1, waiting=True)
    due = datetime(2026, 5, 8)
    own = SubmissionMarks(
        *("first", "s1", "", (NotebookMarks("nb", {"ex_1": mark}, penalty=0.5),)),
        *(due + timedelta(hours=30), due),
    )
    assignments = [AssignmentMarks(f"assignment_{n}", 2, {"s1": own}) for n in range(8)]
    table = GradeTable(people, (*assignments, AssignmentMarks("later", 1)))
    return totals_page(term_totals(table, Weighing(drop_lowest=1, pass_percent=50.0)))


@pytest.mark.parametrize("which", ["report", "small", "term"])
def test_everybody_can_read_it(
    browser: Any, axe: str, tmp_path: Path, request: pytest.FixtureRequest, which: str
) -> None:
    # The checker is a script, so it gets in only past the page's own policy.
    watch = Watch(browser, bypass_csp=True, reduced_motion="reduce")
    opened = watch.open(write(tmp_path, request.getfixturevalue(which)))
    opened.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")

    assert hindrances(opened, axe) == []
    watch.context.close()


@SCHEMES
def test_nothing_is_fetched_or_complained_of_and_pictures_have_the_pages_colours(
    browser: Any, tmp_path: Path, report: str, scheme: str
) -> None:
    path = write(tmp_path, report)
    watch = Watch(browser, viewport={"width": 1280, "height": 800}, color_scheme=scheme)

    opened = watch.open(path)

    assert watch.asked == [path.as_uri()]
    assert watch.seen == []
    assert opened.evaluate("document.scripts.length") == 0
    assert opened.evaluate("document.querySelectorAll('svg.picture').length") == 5
    ink, text, bars = opened.evaluate(
        """() => [
            getComputedStyle(document.body).color,
            getComputedStyle(document.querySelector('svg.picture text')).fill,
            [...new Set([...document.querySelectorAll('svg.picture .fill-full')]
                .map(e => getComputedStyle(e).fill))],
        ]"""
    )
    assert text == ink
    assert len(bars) == 1
    assert bars != ["rgb(0, 0, 0)"]
    watch.context.close()


@SCHEMES
def test_texts_in_pictures_have_contrast(
    browser: Any, tmp_path: Path, report: str, scheme: str
) -> None:
    watch = Watch(browser, color_scheme=scheme, bypass_csp=True)
    opened = watch.open(write(tmp_path, report))

    least = opened.evaluate(
        """steps => {
            const light = colour => {
                const probe = document.createElement('i');
                probe.style.color = colour;
                document.body.append(probe);
                const [r, g, b] = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3)
                    .map(c => {
                        c /= 255;
                        return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
                    });
                probe.remove();
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const root = getComputedStyle(document.documentElement);
            const of = name => light(root.getPropertyValue('--' + name));
            const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            // On the map, the page's own colour stands on the two steps at each end.
            return [
                contrast(of('ink'), of('page')),
                contrast(of('soft'), of('page')),
                ...steps.map((step, i) => contrast(
                    of(i < 2 || i > 8 ? 'page' : 'ink'), of(step))),
            ];
        }""",
        list(DIVERGING),
    )

    assert min(least) >= 4.5, least
    watch.context.close()


def test_a_picture_is_as_wide_as_its_place_and_its_text_is_not_cut(
    browser: Any, tmp_path: Path, report: str
) -> None:
    watch = Watch(browser, viewport={"width": 390, "height": 800})
    opened = watch.open(write(tmp_path, report))

    cut = opened.evaluate(
        """() => [...document.querySelectorAll('svg.picture')].flatMap(picture => {
            const place = picture.getBoundingClientRect();
            return [...picture.querySelectorAll('text')].filter(text => {
                const box = text.getBoundingClientRect();
                return box.left < place.left - 1 || box.right > place.right + 1
                    || box.top < place.top - 1 || box.bottom > place.bottom + 1;
            }).map(text => text.textContent);
        })"""
    )

    assert cut == []
    watch.context.close()


def test_it_prints_in_black_and_white_with_what_was_folded_left_out(
    browser: Any, tmp_path: Path, report: str
) -> None:
    watch = Watch(browser, color_scheme="dark")
    opened = watch.open(write(tmp_path, report))

    opened.emulate_media(media="print")

    assert opened.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    text = "getComputedStyle(document.querySelector('svg.picture text')).fill"
    assert opened.evaluate(text) == "rgb(0, 0, 0)"
    folded = "getComputedStyle(document.querySelector('details')).display"
    assert opened.evaluate(folded) == "none"
    watch.context.close()
