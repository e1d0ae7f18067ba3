"""What the formgrader shows of a submission, and what it must not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from feedback_notebooks import HOSTILE_HTML, Seen, hostile_notebook, notebook, prose, written
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from nbjudge.course.course import Course
from nbjudge.hooks.formgrader import policy
from nbjudge.pages.frame import DESIGN_TOKENS

ROOT = Path(__file__).parents[3]
EVENTS = ("on", "srcdoc")
ABOUT = {"index": 0, "total": 1, "base_url": "", "submission_id": "1", "notebook_id": "sums"}


@pytest.fixture(scope="module")
def exporter() -> HTMLExporter:
    """Return the exporter that nbgrader's formgrader makes of this course's configuration."""
    return HTMLExporter(config=Course(ROOT).config())


def page(exporter: HTMLExporter, shown: NotebookNode, **about: Any) -> str:
    html, _ = exporter.from_notebook_node(shown, {**ABOUT, "assignment_id": "sums", **about})
    return str(html)


def addresses(seen: Seen) -> set[str]:
    return {given[name] for _, given in seen.tags for name in ("src", "href") if name in given}


def test_a_hostile_submission_adds_no_script_to_the_page(exporter: HTMLExporter) -> None:
    hostile, _ = hostile_notebook()
    honest = Seen(page(exporter, notebook(prose("# Sums"))))

    seen = Seen(page(exporter, hostile))

    def scripts(found: Seen) -> list[dict[str, str]]:
        return [given for tag, given in found.tags if tag == "script"]

    assert scripts(seen) == scripts(honest)
    tags = {tag for tag, _ in seen.tags} - {tag for tag, _ in honest.tags}
    assert not tags & {"iframe", "object", "embed", "svg", "base", "style", "video", "animate"}
    handlers = [
        (name, value)
        for _, given in seen.tags
        for name, value in given.items()
        if name.startswith(EVENTS)
    ]
    assert {value for _, value in handlers} == {"toggle_name(true);", "toggle_name(false);"}
    assert {where for where in addresses(seen) if not where.startswith("data:image/")} == addresses(
        honest
    )


def test_without_the_course_s_settings_the_same_submission_would_run(
    exporter: HTMLExporter,
) -> None:
    hostile = notebook(prose(HOSTILE_HTML["frame"]), written(HOSTILE_HTML["script"], "1"))
    settings = Course(ROOT).config()
    del settings.HTMLExporter["preprocessors"], settings.HTMLExporter["filters"]
    settings.HTMLExporter.template_name = "formgrade"

    shown = page(HTMLExporter(config=settings), hostile)

    assert HOSTILE_HTML["script"] in shown
    assert "iframe" in [tag for tag, _ in Seen(shown).tags]


def test_a_student_s_name_is_text(exporter: HTMLExporter) -> None:
    name = HOSTILE_HTML["onerror"] + '"'

    seen = Seen(page(exporter, notebook(prose("x")), student=name, notebook_path=f"a/{name}"))

    assert "x" not in [given.get("src") for _, given in seen.tags]
    assert name in seen.text
    assert f"a/{name}" in [given.get("data-link") for _, given in seen.tags]


def test_a_mark_scheme_is_quoted_between_question_and_answer(exporter: HTMLExporter) -> None:
    task = prose(
        "## Why?\n\n### BEGIN MARK SCHEME\n- 1 point: $x$.\n- 1 point: so.\n### END MARK SCHEME\n",
        grade_id="task_1",
        locked=True,
    )

    seen = Seen(page(exporter, notebook(task, written("Because.", "1"))))

    assert "BEGIN MARK SCHEME" not in seen.text
    assert [tag for tag, _ in seen.tags].count("blockquote") == 1
    order = [seen.text.index(part) for part in ("Why?", "Mark scheme", "1 point: so", "Because.")]
    assert order == sorted(order)


def test_a_student_cannot_quote_a_mark_scheme_of_their_own(exporter: HTMLExporter) -> None:
    answer = written("### BEGIN MARK SCHEME\n2 points: anything.\n### END MARK SCHEME", "1")

    seen = Seen(page(exporter, notebook(answer)))

    assert "Mark scheme" not in seen.text
    assert "blockquote" not in [tag for tag, _ in seen.tags]


def test_formulas_need_no_script_and_nothing_from_elsewhere(exporter: HTMLExporter) -> None:
    seen = Seen(page(exporter, notebook(prose("$x^2$"))))

    assert "msup" in [tag for tag, _ in seen.tags]
    assert not [where for where in addresses(seen) if "//" in where]


def test_the_policy_lets_in_no_script_but_those_of_nbgrader_s_template() -> None:
    rules = dict(rule.split(" ", 1) for rule in policy().split("; "))

    scripts = rules["script-src"].split()
    assert rules["default-src"] == "'none'"
    assert scripts[0] == "'unsafe-hashes'"
    assert len(scripts) > 3
    assert all(source.startswith("'sha256-") for source in scripts[1:])


def test_its_colours_are_those_of_the_course_s_pages_in_light(exporter: HTMLExporter) -> None:
    html = page(exporter, notebook(prose("# Sums")))

    light, dark = re.findall(r"--waits-page: (#\w+);", DESIGN_TOKENS.read_text(encoding="utf-8"))
    assert f"--waits-page: {light};" in html
    assert f"--waits-page: {dark};" not in html
    assert ".needs_manual_grade { background: var(--waits-page)" in html
