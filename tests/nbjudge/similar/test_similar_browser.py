"""The page of similar answers in a real browser: readable by everybody, at any width."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import Watch, hindrances, write
from test_similar_pairs import answers, code

from nbjudge.similar.find import ComparedStudent, Similar
from nbjudge.similar.fingerprints import AnswerKind
from nbjudge.similar.pairs import compare
from nbjudge.similar.similar_page import page_on_class

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDTHS = pytest.mark.parametrize("width", [390, 1280])


def everything() -> str:
    """Return a page with one of each: a pair, a group, code and words, remarks."""
    texts: list[list[str | None]] = [[code((n, i), 12) for i in range(12)] for n in range(2)]
    texts[0][3] = texts[0][1] = f"{texts[0][0]}# a remark\ndef f(x):\n    return 'text' * 2\n"
    texts[1][1] = texts[1][3] = texts[1][0]
    texts[1][6] = str(texts[1][5]) + f"y = '{70 * '1'}'\n" * 150
    texts[1][5] = str(texts[1][5]) + "y = 1 # " + "long " * 60
    words = [" ".join(f"w{i * j}" for j in range(40)) for i in range(1, 13)]
    words[8] = words[7]
    exercises = [
        *(answers(each, f"1.{n}") for n, each in enumerate(texts, 1)),
        answers(words, "1.3", AnswerKind.WORDS),
    ]
    students = [ComparedStudent(f"student {n}", earlier=n == 11) for n in range(12)]
    return page_on_class(
        Similar(
            "sums",
            tuple(students),
            {each.exercise: each for each in exercises},
            compare(exercises, 12, earlier=1),
            {ComparedStudent("bad"): ("'sums.ipynb' is empty. Ask for the file again.",)},
        )
    )


def nothing() -> str:
    return page_on_class(Similar("sums", (), {}, compare([], 0)))


@pytest.mark.parametrize("which", [everything, nothing])
def test_everybody_can_read_it(browser: Any, axe: str, tmp_path: Path, which: Any) -> None:
    watch = Watch(browser, bypass_csp=True, reduced_motion="reduce")
    page = watch.open(write(tmp_path, which()))

    assert hindrances(page, axe, least=15) == []
    watch.context.close()


@WIDTHS
def test_answers_stand_beside_each_other_or_on_a_phone_beneath(
    browser: Any,
    tmp_path: Path,
    width: int,
) -> None:
    watch = Watch(browser, viewport={"width": width, "height": 800})
    path = write(tmp_path, everything())
    page = watch.open(path)

    boxes = [
        each.bounding_box() for each in page.query_selector(".beside").query_selector_all("figure")
    ]

    assert (boxes[0]["y"] == boxes[1]["y"]) is (width == 1280)
    assert watch.asked == [path.as_uri()]
    assert watch.seen == []
    assert page.evaluate("document.scripts.length") == 0
    watch.context.close()


def test_what_few_have_is_told_apart_without_colours_and_to_who_listens(
    browser: Any,
    tmp_path: Path,
) -> None:
    page = Watch(browser).open(write(tmp_path, everything()))

    line = "e => [getComputedStyle(e).textDecorationLine, getComputedStyle(e).textDecorationStyle]"
    rare = page.eval_on_selector("figure mark.rare", line)
    before = page.eval_on_selector(
        "figure mark.rare", "e => getComputedStyle(e, '::before').content"
    )

    assert rare == ["underline", "solid"]
    assert "alike" in before
    assert page.eval_on_selector("mark.common", line) == ["underline", "dotted"]


def test_links_lead_to_their_places(browser: Any, tmp_path: Path) -> None:
    page = Watch(browser).open(write(tmp_path, everything()))

    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    targets = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.hash.slice(1))"
    )

    assert len(ids) == len(set(ids))
    assert len(targets) > 5
    assert set(targets) <= set(ids)
