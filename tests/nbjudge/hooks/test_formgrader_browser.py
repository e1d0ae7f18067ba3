"""nbgrader's formgrader in a real browser, as who marks a class uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import COURSE, Server, fill_in, looking, serving
from classroom import AtOnce, answered, hand_in, marked_unseen, released_course
from feedback_notebooks import HOSTILE_HTML, HOSTILE_MARKDOWN, TRACE
from nbgrader.api import Gradebook
from playwright.sync_api import expect

from nbjudge.course.course import Course
from nbjudge.feedback.write import write_feedback
from nbjudge.grading import batch
from nbjudge.grading.jobs import work
from nbjudge.release import source
from nbjudge.release.release import generate, scratch

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
WRITTEN = {
    ("optimisers", "optimisers"): ["1.1.5", "1.2.2", "1.3.2", "1.4.4"],
    ("loss_functions", "generalised_dice"): ["1.5.3"],
    ("loss_functions", "contrastive_loss"): ["2.7"],
}
READABLE = "The mean is moved by **outliers**, far from $m$."
#: An answer that shows what only a browser would run.
HARMFUL_CODE = f"""
from IPython.display import HTML, Javascript, display

display(HTML({HOSTILE_HTML["script"]!r} + {HOSTILE_HTML["onerror"]!r}))
display(Javascript({TRACE!r}))
display({{"image/svg+xml": {HOSTILE_HTML["onload of a drawing"]!r}}}, raw=True)


def total(numbers):
    return sum(numbers)
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Return a graded class of three, of whom two mean harm."""
    made = released_course(tmp_path_factory.mktemp("formgrader") / "course")
    hand_in(made, "ada", answered(made, ex_1_1_3=READABLE))
    # A tower of tags would be shown as text, and all that stands in the same answer.
    html = [text for name, text in HOSTILE_HTML.items() if not name.startswith("tower")]
    harmful = "\n\n".join([READABLE, *html, *HOSTILE_MARKDOWN.values()])
    hand_in(made, "mallory", answered(made, ex_1_1_1=HARMFUL_CODE, ex_1_1_3=harmful[:25_000]))
    name = f"<img src=x onerror='{TRACE}'>"
    hand_in(made, name, answered(made, ex_1_1_3=READABLE + HOSTILE_HTML["script"]))
    # Only what does harm has to run; the others can be looked at without.
    graders = {"mallory": work}
    crew = AtOnce(lambda job: graders.get(job.student, marked_unseen)(job))
    batch.grade_assignment(made, "sums", get_pool=crew)
    return made


@pytest.fixture(scope="module")
def server(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("desk") / "home"
    with serving(course.root, home, [*COURSE, "formgrader"]) as running:
        yield running


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    with looking(browser) as found:
        yield found


def submission(course: Course, student: str) -> str:
    """Return the formgrader's own number of a student's notebook."""
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as gradebook:
        return str(gradebook.find_submission_notebook("sums", "sums", student).id)


def panel(page: Any, grade_id: str) -> Any:
    """Return the box of a cell that carries marks, or a comment."""
    return page.locator(".nbgrader_cell", has=page.locator(f"#{grade_id}, #{grade_id}-comment"))


def test_a_grader_marks_by_hand_and_it_survives_a_regrade(
    course: Course, server: Server, page: Any, record_property: Any
) -> None:
    student = "ada"
    record_property("student", student)
    # The queue, from the login on.
    server.open(page, "")
    page.wait_for_url("**/formgrader/gradebook?")
    page.locator("#main-table a").click()
    page.wait_for_url("**/formgrader/gradebook/sums")
    page.locator("#main-table a").click()
    page.wait_for_url("**/formgrader/gradebook/sums/sums")
    row = row_of(page, student)
    assert row.locator(".written-score").inner_text() == "0 / 2"
    row.locator("a.name-shown").click()
    shown(page)
    ours = page.url.partition("?")[0]

    # Question, mark scheme and answer stand one below the other.
    task = page.locator(".text_cell", has_text="When does the mean say little")
    scheme = task.locator("blockquote")
    assert "a few extreme numbers move the mean" in scheme.inner_text()
    box = panel(page, "ex_1_1_3")
    assert box.locator("strong", has_text="outliers").count() == 1
    assert box.locator("math").first.text_content() == "m"
    places = [one.bounding_box()["y"] for one in (scheme, box)]
    assert places == sorted(places)

    # A mark and a comment; and a mark that overrules the test's.
    fill_in(page, "grade", box.locator(".score"), "1.5")
    comment = box.locator(".comment")
    fill_in(page, "comment", comment, "An **example** is missing.")
    overruled = panel(page, "test_ex_1_1_2")
    fill_in(page, "grade", overruled.locator(".score"), "2.5")

    # From the first to the next one, by the keys that nbgrader's help names. Which of them is
    # whose depends on the gradebook's random numbers, and does not matter here.
    page.goto(f"{server.url}/formgrader/gradebook/sums/sums")
    links = listed(page).locator("a.name-shown")
    first, second = links.nth(0), links.nth(1)
    after = str(second.get_attribute("href")).rpartition("/")[2]
    first.click()
    shown(page)
    page.locator(".score").first.focus()
    with page.expect_navigation():
        page.keyboard.press("Control+.")
    shown(page)
    assert after in page.url

    page.goto(f"{server.url}/formgrader/gradebook/sums/sums")
    row = row_of(page, student)
    assert row.locator(".written-score").inner_text() == "1.5 / 2"
    assert row.locator(".score").first.inner_text() == "6 / 7"

    # Everything is graded again, while the formgrader runs.
    rows = batch.grade_assignment(course, "sums", force=True, get_pool=AtOnce(marked_unseen))
    assert {row.student: row.score for row in rows}[student] == 6.0
    page.goto(ours)
    shown(page)
    assert panel(page, "ex_1_1_3").locator(".score").input_value() == "1.5"
    assert panel(page, "ex_1_1_3").locator(".comment").input_value() == (
        "An **example** is missing."
    )
    assert panel(page, "test_ex_1_1_2").locator(".score").input_value() == "2.5"
    # Nothing waits to be confirmed: the answer is the one that was marked.
    assert panel(page, "ex_1_1_3").get_by_role("button", name="Resolve").count() == 0

    # And the student reads it.
    written = {row.student: row.pages for row in write_feedback(course, "sums", students=[student])}
    page.goto(written[student][0].as_uri())
    result = page.locator("#mark-1-1-3")
    assert "1.5" in result.inner_text()
    assert result.locator("strong", has_text="example").count() == 1
    assert "2.5" in page.locator("#mark-1-1-2").inner_text()


def shown(page: Any) -> None:
    """Wait until a submission is there, and nbgrader's script has filled in marks and comments."""
    page.wait_for_url("**/formgrader/submissions/**")
    page.wait_for_load_state("load")
    for field in ("extra-credit", "comment"):
        page.locator(f".{field}[placeholder]").last.wait_for()
        expect(page.locator(f".{field}:not([placeholder])")).to_have_count(0)


def listed(page: Any) -> Any:
    """Wait until the list of submissions is there, with names, and return its rows."""
    page.locator("#main-table a.name-hidden").first.wait_for()
    page.locator("#toggle_names").click()
    page.locator("#main-table a.name-shown").first.wait_for()
    return page.locator("#main-table tr")


def row_of(page: Any, student: str) -> Any:
    """Return a student's row of the list of submissions."""
    exactly = re.compile(f"^{re.escape(student)}$")
    return listed(page).filter(has=page.locator("a.name-shown", has_text=exactly))


def test_nothing_in_a_submission_acts_in_the_graders_session(
    course: Course, server: Server, page: Any
) -> None:
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(dialog.message))

    for number in range(3):
        server.open(page, "/formgrader/gradebook/sums/sums")
        listed(page).nth(number).locator("a.name-shown").click()
        shown(page)
        page.locator(".glyphicon-eye-open").click()  # nbgrader's own buttons still work
        page.locator(".glyphicon-eye-close").wait_for()
        assert page.evaluate("window.harmed") is None

    theirs = [url for url in asked if not url.startswith((server.url, "data:"))]
    assert theirs == []
    assert errors == []

    server.open(page, f"/formgrader/submissions/{submission(course, 'mallory')}/")
    shown(page)
    assert "The mean is moved by outliers" in panel(page, "ex_1_1_3").inner_text()
    # Nothing of the answer lies outside its box, or over the marks.
    assert page.locator(".nbgrader_cell").count() == 5
    assert panel(page, "ex_1_1_3").locator(".score").is_editable()
    on_top = (
        panel(page, "test_ex_1_1_1")
        .locator(".score")
        .evaluate(
            """field => {
            field.scrollIntoView({block: 'center'});
            const box = field.getBoundingClientRect();
            const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
            return document.elementFromPoint(x, y) === field;
        }"""
        )
    )
    assert on_top


def test_the_policy_of_the_page_alone_stops_what_would_slip_through(
    course: Course, server: Server, page: Any
) -> None:
    server.open(page, f"/formgrader/submissions/{submission(course, 'ada')}/")
    shown(page)

    page.evaluate(
        """trace => {
            const late = document.createElement('div');
            late.innerHTML = `<img src=x onerror="${trace}"><svg onload="${trace}"></svg>
                <a id=late href="javascript:${trace}">x</a>`;
            document.body.append(late);
            const script = document.createElement('script');
            script.textContent = trace;
            document.body.append(script);
            document.querySelector('#late').click();
        }""",
        TRACE,
    )
    page.wait_for_load_state("networkidle")

    assert page.evaluate("window.harmed") is None


@pytest.fixture(scope="module")
def real() -> Iterator[Course]:
    """Yield the course itself, each assignment handed in once, with the right answers."""
    with scratch(Course(ROOT)) as made:
        for assignment in made.assignments:
            generate(made, assignment)
            folder = made.root / "submitted" / "ada" / assignment
            folder.mkdir(parents=True)
            for path in made.root.glob(f"release/{assignment}/*.ipynb"):
                original = made.root / "source" / assignment / path.name
                solved = source.answer(source.read_source(path), source.read_source(original))
                (folder / path.name).write_text(source.notebook_text(solved), encoding="utf-8")
            batch.grade_assignment(made, assignment, get_pool=AtOnce(marked_unseen))
        yield made


@pytest.mark.thorough
def test_every_written_exercise_of_the_course_stands_with_its_mark_scheme(
    real: Course, browser: Any, tmp_path: Path
) -> None:
    with (
        serving(real.root, tmp_path / "home", [*COURSE, "formgrader"]) as running,
        looking(browser) as page,
    ):
        for (assignment, notebook), exercises in WRITTEN.items():
            running.open(page, f"/formgrader/gradebook/{assignment}/{notebook}")
            needs = page.locator("#main-table tr").first.locator(".needs-manual-grade")
            needs.locator(".glyphicon-ok").wait_for()
            page.locator("#main-table a.name-hidden").click()
            shown(page)
            found = page.evaluate(
                """() => [...document.querySelectorAll('.nbgrader_cell')]
                    .filter(box => box.closest('.text_cell')).map(box => {
                        const before = box.closest('.cell').previousElementSibling;
                        return {
                            id: box.querySelector('.score').id,
                            waits: box.querySelector('.needs_manual_grade') !== null,
                            title: before.querySelector('h1,h2,h3,h4').textContent,
                            scheme: before.querySelector('blockquote').innerText,
                            answer: box.querySelector('.rendered_html').innerText,
                        };
                    })"""
            )
            assert [one["id"] for one in found] == [
                f"ex_{exercise.replace('.', '_')}" for exercise in exercises
            ]
            for one, exercise in zip(found, exercises, strict=True):
                assert one["title"].startswith(exercise)
                assert one["waits"]
                assert "1 point" in one["scheme"]
                assert len(one["answer"]) > 100
