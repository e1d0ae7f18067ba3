import base64
import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from classroom import AtOnce, answered, hand_in, marked_unseen, released_course
from feedback_notebooks import (
    ELSEWHERE,
    HOSTILE_HTML,
    HOSTILE_MARKDOWN,
    HOSTILE_OUTPUTS,
    TRACE,
    Seen,
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
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.utils import compute_checksum

from nbjudge.basics import text
from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook, submission_marks
from nbjudge.course.marks import Mark, NotebookMarks, SubmissionMarks
from nbjudge.feedback.graded_cells import without_hidden
from nbjudge.feedback.mark_entries import entries
from nbjudge.feedback.notebook_pages import notebook_page, overview_page
from nbjudge.feedback.write import write_feedback
from nbjudge.grading.batch import grade_assignment
from nbjudge.pages import mathematics, rich_outputs, safe_html
from nbjudge.pages.mathematics import formula
from nbjudge.pages.safe_html import Cleaner, picture
from nbjudge.release import source

ROOT = Path(__file__).resolve().parents[3]
REGIONS = (
    ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"),
    ("### BEGIN MARK SCHEME", "### END MARK SCHEME"),
)
FULL = Mark("test_ex_1_1_1", 2, 2)
LOST = Mark("test_ex_1_1_1", 0, 2)
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "nav", "footer"),
    *("section", "div", "p", "span", "a", "bdi", "strong", "em", "b", "i", "u", "s", "del", "ins"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre"),
    *("code", "kbd", "samp", "var", "sub", "sup", "small", "mark", "abbr", "cite", "q", "br", "hr"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "img", "figure"),
    *("figcaption", "svg", "rect", "details", "summary", "math", *mathematics.ELEMENTS),
}


def page_of(book: NotebookNode, of: SubmissionMarks) -> str:
    return notebook_page(book, of.notebooks[0].name, of, regions=REGIONS)


def assert_harmless(page: str) -> None:
    """Assert that a page holds nothing that runs, styles or fetches, but its own style sheet."""
    for tag, attributes in Seen(page).tags:
        assert tag in ALLOWED, tag
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in ("style", "srcset", "action", "formaction", "background", "ping")
            if name == "href":
                assert re.fullmatch(r"#[\w-]+|[\w.%/-]+\.html(#[\w-]+)?", value), value
            if name == "src":
                assert re.match(r"data:image/(png|jpeg|gif);base64,[\w+/=]+$", value), value[:80]
    assert page.count("<style") == 1


# ---- Nothing that students must not see ----------------------------------------------------------


def hidden_lines(cells: list[NotebookNode]) -> Iterator[str]:
    for cell in cells:
        inside = False
        for line in cell.source.split("\n"):
            begins, ends = (
                any(mark in line for mark in marks_) for marks_ in zip(*REGIONS, strict=True)
            )
            inside = (inside or begins) and not ends
            if inside and not begins and len(line.strip()) > 12:
                yield line.strip()


@pytest.mark.parametrize("path", sorted(ROOT.glob("source/*/*.ipynb")), ids=lambda path: path.stem)
def test_no_hidden_test_and_no_mark_scheme_is_on_the_page(path: Path) -> None:
    graded = source.read_source(path)  # as a right answer, with all that a grader's copy has
    cells = [cell for cell in graded.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    own = {
        cell.metadata.nbgrader.grade_id: Mark(cell.metadata.nbgrader.grade_id, 1, 2)
        for cell in cells
    }

    page = page_of(graded, SubmissionMarks("a", "ada", "", (NotebookMarks(path.stem, own),)))

    visible = "\n".join(
        line for cell in graded.cells for line in without_hidden(cell.source, REGIONS).split("\n")
    )
    hidden = [line for line in hidden_lines(graded.cells) if line not in visible]
    text = Seen(page).text
    assert len(hidden) > 5
    assert [line for line in hidden if line in text] == []
    assert "HIDDEN TESTS" not in text
    assert "MARK SCHEME" not in text
    assert "# Check " in text


def test_a_hidden_region_without_an_end_hides_all_that_follows() -> None:
    test = test_cell("seen = 1\nif seen:\n    ### BEGIN HIDDEN TESTS\n    secret = 2", "1_1_1")

    text = Seen(page_of(notebook(test), marks(FULL))).text

    assert "seen = 1" in text
    assert "secret" not in text


def test_several_hidden_regions_of_a_cell_go_and_what_stands_between_stays() -> None:
    region = "### BEGIN HIDDEN TESTS\nsecret\n### END HIDDEN TESTS"
    test = test_cell(f"{region}\nfirst = 1\n{region}\nlast = 2\n{region}", "1_1_1")

    text = Seen(page_of(notebook(test), marks(FULL))).text

    assert "secret" not in text
    assert "first = 1" in text
    assert "last = 2" in text


def test_a_region_that_a_student_forged_is_their_own_text() -> None:
    cells = (
        answer("a = 1\n### BEGIN HIDDEN TESTS\nmine = 2", "1_1_1"),
        test_cell("visible = 3\n### BEGIN HIDDEN TESTS\nsecret = 4\n### END HIDDEN TESTS", "1_1_1"),
        code("### END HIDDEN TESTS\nlater = 5"),
    )

    text = Seen(page_of(notebook(*cells), marks(FULL))).text

    assert all(part in text for part in ("mine = 2", "visible = 3", "later = 5"))
    assert "secret" not in text


def test_outputs_of_a_test_are_never_shown() -> None:
    test = test_cell("check()", "1_1_1")
    test.outputs = [{**HOSTILE_OUTPUTS["error"], "traceback": ["assert secret == 42"]}]

    assert "secret" not in page_of(notebook(test), marks(LOST))


def test_what_is_for_the_grader_stays_with_the_grader() -> None:
    book = notebook(
        test_cell("check()", "1_1_1"),
        test_ex_1_1_1={"mark": 0, "fault": "NameError: secret", "reason": ""},
    )
    book.metadata.course["remarks"] = ["The course's test of 1.1.1 is at fault: secret."]

    page = page_of(book, marks(replace(LOST, waiting=True)))

    assert "secret" not in page
    assert "not your fault" in page


# ---- What the page says --------------------------------------------------------------------------


def test_a_known_mistake_is_set_apart_and_is_the_line_in_the_table() -> None:
    book = notebook(
        answer("...", "1_1_1"),
        test_cell("check()", "1_1_1"),
        test_ex_1_1_1={
            "mark": 0,
            "printed": "✓ one step\n",
            "reason": "✗ two steps: w1 is 1, and 2 was expected.\n  Think.",
            "mistake": "no memory",
            "sentence": "z starts anew.",
        },
    )

    page = page_of(book, marks(LOST))

    (row,) = entries(book, marks(LOST).notebooks[0])
    assert (row.state, row.told, row.anchor) == ("none", "z starts anew.", "mark-1-1-1")
    assert "<strong>What probably happened:</strong> <bdi>z starts anew.</bdi>" in page
    assert "✗</span><bdi>two steps: w1 is 1, and 2 was expected.\n  Think.</bdi>" in page
    assert "✓</span><bdi>one step</bdi>" in page
    assert 'href="#mark-1-1-1"' in page
    assert 'id="mark-1-1-1"' in page
    assert "0 of 2 points, no points" in page


def test_part_of_the_points_tells_every_check_that_failed() -> None:
    book = notebook(
        test_cell("check()", "1_1_1"),
        test_ex_1_1_1={"mark": 1, "reason": "✗ one: no.\n✗ two: no.", "printed": "✓ three"},
    )

    page = page_of(book, marks(replace(LOST, points=1.0)))

    assert "1 of 2 points, in part" in page
    assert page.count('class="reason"') == 2


@pytest.mark.parametrize(
    ("mark", "found", "told"),
    [
        (FULL, {}, "All right."),
        (replace(LOST, waiting=True), {"reason": "✗ x"}, "Waits for a person."),
        (replace(LOST, manual=0.0), {"reason": "✗ x"}, "A person marked it."),
        (replace(FULL, manual=2.0, waiting=True), {}, "All right, says who marked it."),
        (LOST, {"reason": "✗ it is 1.\n  Think."}, "it is 1."),
        (LOST, {}, "Not all checks held."),
        (LOST, {"reason": 3, "sentence": ["x"]}, "Not all checks held."),
        (LOST, {"reason": "✗ " + "long " * 100}, ("long " * 27).strip() + " …"),
    ],
)
def test_the_table_says_in_one_line_why(mark: Mark, found: object, told: str) -> None:
    book = notebook(test_cell("check()", "1_1_1"), test_ex_1_1_1=found)

    (row,) = entries(book, marks(mark).notebooks[0])

    assert row.told == told


def test_the_heading_counts_what_is_won_what_waits_and_what_was_late() -> None:
    own = marks(
        replace(FULL, points=3.5, extra=1.5),
        Mark("ex_1_1_2", 0, 2, waiting=True),
        Mark("ex_1_1_3", 0, 3, waiting=True),
        penalty=1.0,
    )
    book = notebook(test_cell("check()", "1_1_1"), written("a", "1_1_2"), written("b", "1_1_3"))

    text = " ".join(Seen(page_of(book, own)).text.split())

    assert "2.5 of 7 points so far" in text
    assert "2.5 points won ■ 1 lost ■ 5 not read yet" in text
    assert "2 answers still wait for a person to read, worth 5 points altogether." in text
    assert "Handed in late: 1 point was taken off." in text
    assert "Handed in late−1" in text
    assert "1.5 of these points are extra credit." in text
    assert "Mark for 1.1.2: none yet of 2 points, waits for a person" in text


def test_a_mark_that_a_person_gave_waits_for_nobody_and_a_changed_answer_is_told() -> None:
    own = marks(
        replace(FULL, manual=2.0, waiting=True), Mark("ex_1_1_2", 0, 2, manual=0.0, waiting=False)
    )
    book = notebook(test_cell("check()", "1_1_1"), written("a", "1_1_2"))

    text = " ".join(Seen(page_of(book, own)).text.split())

    assert "2 of 4 points" in text
    assert "so far" not in text
    assert "waits for a person" not in text
    assert "2 points won ■ 2 lost" in text
    assert "Your answer has changed since a person marked it" in text
    assert "Mark for 1.1.2: 0 of 2 points, no points A person marked it." in text


def test_what_stands_between_backticks_is_code_and_still_safe() -> None:
    found = {"reason": "✗ `a < b` is <b>no</b>.", "sentence": "Use `np.mean`."}
    page = page_of(notebook(test_cell("check()", "1_1_1"), test_ex_1_1_1=found), marks(LOST))

    assert "<code>a &lt; b</code> is &lt;b&gt;no&lt;/b&gt;." in page
    assert "Use <code>np.mean</code>." in page


def test_a_penalty_takes_no_more_than_there_is() -> None:
    assert marks(FULL, penalty=5.0).points == 0


def test_comments_stand_with_the_mark_of_their_exercise() -> None:
    own = marks(LOST, comments={"ex_1_1_1": "See **page 3**: $x^2$."})
    book = notebook(answer("pass", "1_1_1"), test_cell("check()", "1_1_1"))

    page = page_of(book, own)

    comment = page.index("See <strong>page 3</strong>: <math>")
    assert page.index('id="mark-1-1-1"') < comment
    assert page.count("page 3") == 1


def test_an_answer_that_was_not_given_is_said_to_be_missing() -> None:
    cell = written("YOUR ANSWER HERE", "1_1_1")
    cell.metadata.nbgrader.checksum = compute_checksum(cell)
    own = marks(Mark("ex_1_1_1", 0, 2))

    page = page_of(notebook(cell), own)

    assert entries(notebook(cell), own.notebooks[0])[0].told == "Not answered."
    assert "Nothing was written here." in page
    assert "YOUR ANSWER HERE" not in page


def test_exercises_without_a_cell_follow_by_number() -> None:
    names = ("test_ex_1_10", "ex_1_2", "test_ex_1_9")
    own = marks(*(Mark(name, 0, 1) for name in names)).notebooks[0]

    rows = entries(None, own)

    assert [row.exercise for row in rows] == ["1.2", "1.9", "1.10"]
    assert {row.told for row in rows} == {"There was no notebook to mark."}


@pytest.mark.parametrize("record", [None, [], {"verdicts": None}, {"verdicts": {"x": 1}}])
def test_a_record_that_is_missing_or_broken_costs_no_page(record: object) -> None:
    book = notebook(test_cell("check()", "1_1_1"))
    book.metadata.course = record

    assert "0 of 2 points" in page_of(book, marks(LOST))


def test_two_ids_never_share_a_place_on_the_page() -> None:
    own = marks(Mark("test_ex_1_1", 0, 1), Mark("test_ex_1-1", 0, 1)).notebooks[0]

    anchors = [row.anchor for row in entries(None, own)]

    assert len(set(anchors)) == 2


def test_headings_never_skip_a_level() -> None:
    book = notebook(
        prose("#### Deep\n\n# Top\n\n###### Deeper"),
        test_cell("check()", "1_1_1"),
        prose("<h6>a</h6><h1>b</h1>"),
    )

    levels = [
        int(tag[1]) for tag, _ in Seen(page_of(book, marks(FULL))).tags if re.fullmatch(r"h\d", tag)
    ]

    assert levels[:3] == [1, 2, 2]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_overview_tells_of_all_notebooks_also_of_one_that_is_missing() -> None:
    books = tuple(
        NotebookMarks(name, {cell.grade_id: cell}, penalty=0.5)
        for name, cell in (("first one", FULL), ("second", Mark("test_ex_2_1", 0, 4)))
    )
    graded = {"first one": notebook(test_cell("check()", "1_1_1")), "second": None}

    page = overview_page(graded, SubmissionMarks("sums", "ada", "Ada Lovelace", books))

    text = " ".join(Seen(page).text.split())
    assert "1 of 6 points" in text
    assert "Ada Lovelace (ada)" in text
    assert 'href="first%20one.html#mark-1-1-1"' in page
    assert 'href="second.html' not in page
    assert "This notebook was not handed in, or it could not be read." in text
    assert_harmless(page)


# ---- Submissions that mean harm ------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE_HTML)
def test_hostile_html_is_harmless_in_text_and_in_outputs(name: str) -> None:
    html = HOSTILE_HTML[name]
    output = {"output_type": "display_data", "data": {"text/html": html}, "metadata": {}}
    book = notebook(
        prose(html),
        prose(f"*a*\n\n{html}\n\n*b*"),
        code("f()", output),
        test_cell("check()", "1_1_1"),
        prose("the end"),
    )

    page = page_of(book, marks(FULL))

    assert_harmless(page)
    assert page.count('class="cell') == 4
    assert page.count('class="result') == 1
    assert "\u202e" not in page
    assert not re.search("[\ue000\ue001]", page)


@pytest.mark.parametrize("name", HOSTILE_MARKDOWN)
def test_hostile_markdown_is_harmless(name: str) -> None:
    page = page_of(notebook(prose(HOSTILE_MARKDOWN[name]), prose("the end")), marks(FULL))

    assert_harmless(page)
    assert "the end" in page


@pytest.mark.parametrize("name", HOSTILE_OUTPUTS)
def test_hostile_outputs_are_harmless(name: str) -> None:
    page = page_of(notebook(code("f()", HOSTILE_OUTPUTS[name])), marks(FULL))

    assert_harmless(page)
    assert '<div class="output">' in page
    assert len(page) < 150_000


def test_a_page_of_all_that_is_hostile_keeps_its_shape() -> None:
    book, own = hostile_notebook()

    page = page_of(book, own)

    assert_harmless(page)
    assert page.count('class="cell') + page.count('class="result') == len(book.cells) + 1
    assert "2</strong> <span>of 6 points so far" in page


@pytest.mark.parametrize(
    "said",
    ["<script>", "\u202eevil", "a\x00b", "\ue0001\ue001", "'\"><b>", "\ud800"],
)
def test_ids_names_and_reasons_are_text(said: str) -> None:
    own = marks(LOST, student=said, name=said, comments={"test_ex_1_1_1": said})
    own = replace(own, assignment=said, name=said)
    verdict = {"reason": f"✗ {said}\n  {said}", "printed": f"✓ {said}\n{said}", "sentence": said}
    book = notebook(test_cell(said, "1_1_1"), test_ex_1_1_1=verdict)

    for page in (page_of(book, own), overview_page({said: book}, own)):
        assert_harmless(page)
        assert "<script>" not in page
        assert not re.search("[\x00\u202e\ue000\ud800]", page)


def test_the_page_lets_nothing_in_but_its_own_style() -> None:
    page = page_of(*hostile_notebook())

    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert page.index("Content-Security-Policy") < page.index("<title>")
    assert ELSEWHERE not in "".join(
        value for _, attributes in Seen(page).tags for value in attributes.values()
    )


def test_pictures_are_what_they_say_or_are_not_shown() -> None:
    good, drawing = png(), HOSTILE_OUTPUTS["image/svg+xml"]["data"]["image/svg+xml"]
    attachments = {"good.png": {"image/png": good}, "bad.png": {"image/svg+xml": drawing}}

    page = Cleaner().markdown(
        "![one](attachment:good.png) ![two](attachment:bad.png) "
        f"![three](data:image/png;base64,{good})",
        attachments,
    )

    assert page.count(f'<img src="data:image/png;base64,{good}"') == 2
    assert "Picture not shown here: two" in page


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\nrest", "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89arest", "image/gif"),
        (b"<script>", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell_what_a_picture_is(content: bytes, kind: str | None) -> None:
    shown = picture(base64.b64encode(content).decode(), 'a "word"')

    if kind is None:
        assert shown is None
    else:
        assert shown.startswith(f'<img src="data:{kind};base64,')
        assert shown.endswith('" alt="a &#34;word&#34;">')


@pytest.mark.parametrize("encoded", ["' onerror='x", "iVBOR", "é", "A" * 9_000_000])
def test_what_is_no_base64_or_too_long_is_no_picture(encoded: str) -> None:
    assert picture(encoded, "x") is None


def test_pictures_of_an_output_have_words() -> None:
    own = {"image/png": {"alt": "A falling curve"}}
    shown = [
        {"output_type": "display_data", "data": {"image/png": png()}, "metadata": own},
        {"output_type": "execute_result", "data": {"image/png": png()}, "metadata": {}},
    ]
    shown[1]["execution_count"] = 1

    page = page_of(notebook(code("plot()", *shown)), marks(FULL))

    assert 'alt="A falling curve"' in page
    assert 'alt="Figure drawn by code cell 1"' in page


def test_a_page_holds_only_so_many_pictures_and_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_html, "MOST_OF_PICTURES", 2 * len(png()) + 1)
    monkeypatch.setattr(safe_html, "MOST_TAGS", 10)
    cleaner = Cleaner()

    pictures = [cleaner.picture(png(), "x") is not None for _ in range(3)]
    pieces = [cleaner.html("<b>a</b>" * 6) is not None for _ in range(2)]

    assert pictures == [True, True, False]
    assert pieces == [True, False]


def test_a_page_has_room_for_so_much_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_html, "MOST_TEXT_IN_PAGE", 100)
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 60}

    page = page_of(notebook(code("#" * 60, output), code("#" * 60)), marks(FULL))

    assert page.count("x" * 40) == 1
    assert page.count("more characters)") == 2


def test_what_no_parser_can_read_is_shown_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(html: str) -> str:
        raise RecursionError

    monkeypatch.setattr(safe_html.BLEACH, "clean", fail)
    page = page_of(notebook(prose("<b>a</b>")), marks(FULL))

    assert "&lt;b&gt;a&lt;/b&gt;</pre>" in page


def test_more_markdown_than_anybody_writes_is_shown_as_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(safe_html, "MOST_IN_PAGE", 10)

    page = page_of(notebook(prose("*one*"), prose("*three*")), marks(FULL))

    assert "<em>one</em>" in page
    assert "*three*</pre>" in page


def test_a_table_of_pandas_can_be_scrolled_and_read_aloud() -> None:
    html = (
        "<style scoped>.dataframe {x: y}</style><table border='1' class='dataframe'><thead><tr>"
        "<th></th><th>a</th></tr></thead><tbody><tr><th>0</th><td>1</td></tr></tbody></table>"
    )

    shown = Cleaner().html(html)

    assert shown == (
        '<div class="wide" role="group" tabindex="0" aria-label="Table"><table><thead><tr>'
        '<td></td><th scope="col">a</th></tr></thead><tbody><tr><th scope="row">0</th><td>1</td>'
        "</tr></tbody></table></div>"
    )


def test_a_link_tells_its_address_and_leads_nowhere() -> None:
    shown = Cleaner().markdown("[here](https://example.org/a?b=1&c=2)")

    assert "<a" not in shown
    assert "here</span>" in shown
    assert "(https://example.org/a?b=1&amp;c=2)" in shown


def test_a_progress_bar_leaves_its_last_line() -> None:
    shown = text.as_terminal_shows("\x1b[32m 1/3\r 2/3\r 3/3\x1b[0m\r\ndone")

    assert shown == " 3/3\ndone"


def test_a_long_traceback_is_shortened_to_its_end() -> None:
    lines = [f"line {number}" for number in range(100)]
    error = {"output_type": "error", "ename": "E", "evalue": "said", "traceback": lines}

    page = page_of(notebook(code("f()", error)), marks(FULL))

    assert "line 99" in page
    assert "line 50" not in page


def test_output_without_end_is_cut() -> None:
    many = [
        {"output_type": "stream", "name": "stdout", "text": "x" * 50_000},
        *[HOSTILE_OUTPUTS["text/plain"]] * 100,
    ]

    page = page_of(notebook(code("f()", *many)), marks(FULL))

    assert "(30000 more characters)" in page
    assert "Its other outputs are left out." in page


# ---- Formulas ------------------------------------------------------------------------------------


def test_a_text_is_the_same_each_time_it_is_shown() -> None:
    text = "# Title\n\nA formula $x^2$, a picture ![p](data:image/png;base64,AAAA) and `code`."

    assert Cleaner().markdown(text) == Cleaner().markdown(text)
    assert "<math" in Cleaner().markdown(text)


def test_all_formulas_of_the_course_become_mathml() -> None:
    found = 0
    for path in ROOT.glob("source/*/*.ipynb"):
        for cell in source.read_source(path).cells:
            if cell.cell_type == "markdown":
                shown = Cleaner().markdown(without_hidden(cell.source, REGIONS))
                found += shown.count("<math")
                assert 'class="line"' not in shown
                assert not re.search(r"\\[a-z]", re.sub(r"<code>.*?</code>", "", shown))

    assert found > 100


@pytest.mark.parametrize(
    ("latex", "part"),
    [
        (r"\frac{1}{2}", "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>"),
        (r"(-4, 4)", '<mo form="prefix">−</mo><mn>4</mn>'),
        (r"a - b", "<mi>a</mi><mo>−</mo><mi>b</mi>"),
        (r"a < b & c", "&lt;"),
        (r"\frac{", r"<code>\frac{</code>"),
        (r"\nosuchthing x", "<code>"),
        (r"\boxed{x}", r"<code>\boxed{x}</code>"),  # browsers draw no box
        ("{" * 5000, "<code>"),
    ],
)
def test_a_formula_becomes_mathml_or_stays_its_source(latex: str, part: str) -> None:
    assert part in formula(latex)


@pytest.mark.parametrize(
    ("latex", "formulas"),
    [
        (r"a = 1 \qquad b = 2 \qquad c", 3),
        (r"a = 1 \quad b = 2", 1),
        (r"\text{a \qquad b}", 1),
        (r"\left( a \qquad b \right)", 1),
        (r"\begin{cases} a \qquad b \end{cases}", 1),
        (r"\qquad b", 1),
    ],
)
def test_formulas_side_by_side_are_parted(latex: str, formulas: int) -> None:
    assert formula(latex, display=True).count("<math ") == formulas
    assert formula(latex).count("<math>") == 1


@pytest.mark.parametrize(
    "latex",
    [
        rf"\href{{javascript:{TRACE}}}{{x}}",
        r"\style{position:fixed}{x}",
        r"\class{result}{x}",
        r"\text{<img src=x onerror=alert(1)>}",
        r"\text{</math><script>}",
        r"\hspace{9999em}x",
    ],
)
def test_a_formula_lays_out_symbols_and_nothing_else(latex: str) -> None:
    for tag, attributes in Seen(formula(latex)).tags:
        assert tag in {"math", "code", *mathematics.ELEMENTS}
        assert not attributes.keys() & {"href", "style", "class", "id", "onerror"}
        assert "9999em" not in attributes.values()


@pytest.mark.parametrize("module", [mathematics, text, rich_outputs])
def test_examples_in_the_documentation(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


# ---- Whole classes -------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """Return a course with an assignment of two notebooks, which two students have handed in."""
    made = released_course(tmp_path / "course", notebooks=("first", "sums"))
    content = answered(made)
    for student in ("ada", "bob"):
        for name in ("first.ipynb", "sums.ipynb"):
            folder = hand_in(made, student, content, name)
        (folder / "timestamp.txt").write_text("2026-11-01 10:00:00 UTC\n")
        (folder / "submission_secret.txt").write_text(f"secret of {student}")
    grade_assignment(made, "sums", get_pool=AtOnce(marked_unseen))
    return made


def pages(course: Course) -> dict[str, str]:
    folder = course.root / "feedback"
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.html"))
    }


def nbgrader(course: Course, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course.root,
        env={**os.environ, "NBGRADER_LOG_LEVEL": "INFO"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.slow
def test_nbgraders_own_command_writes_the_same_pages(course: Course) -> None:
    rows = write_feedback(course, "sums")
    ours = pages(course)

    nbgrader(course, "generate_feedback", "sums", "--force")

    assert [page.name for page in rows[0].pages] == ["index.html", "first.html", "sums.html"]
    assert len(ours) == 6
    assert pages(course) == ours


@pytest.mark.slow
def test_a_page_holds_nobody_elses_data(course: Course) -> None:
    with open_gradebook(course) as gradebook:
        for student, said in (("ada", "Well seen, Ada."), ("bob", "Think again, Bob.")):
            gradebook.find_student(student).last_name = f"Family-{student}"
            comment = gradebook.find_comment("ex_1_1_3", "sums", "sums", student)
            comment.manual_comment = said
            grade = gradebook.find_grade("ex_1_1_3", "sums", "sums", student)
            grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 1.25, 0.5, False
        gradebook.db.commit()

    write_feedback(course, "sums")

    for name, page in pages(course).items():
        own, other = ("ada", "bob") if name.startswith("ada") else ("bob", "ada")
        assert f"Family-{own}" in page
        assert not re.search(other, page, re.IGNORECASE)
    assert "Well seen, Ada." in pages(course)["ada/sums/sums.html"]
    assert "1.75 of 2 points" in pages(course)["ada/sums/sums.html"]
    assert "secret of" not in "".join(pages(course).values())


def test_marks_are_those_of_the_gradebook(tmp_path: Path) -> None:
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        gradebook.add_assignment("sums")
        gradebook.add_notebook("sums", "sums")
        for name in ("test_ex_1", "ex_2"):
            gradebook.add_grade_cell(name, "sums", "sums", max_score=4, cell_type="code")
        gradebook.add_solution_cell("ex_2", "sums", "sums")
        for student in ("ada", "bob"):
            gradebook.add_student(student)
            gradebook.add_submission("sums", student)
        grade = gradebook.find_grade("test_ex_1", "sums", "sums", "ada")
        grade.auto_score, grade.extra_credit, grade.needs_manual_grade = 3, 0.5, False
        gradebook.find_comment("ex_2", "sums", "sums", "ada").auto_comment = "No response."
        gradebook.find_submission_notebook("sums", "sums", "ada").late_submission_penalty = 1
        gradebook.db.commit()

        found = submission_marks(gradebook, "sums", "ada")

    (own,) = found.notebooks
    assert own.cells["test_ex_1"] == Mark("test_ex_1", 3.5, 4, "sums", auto=3, extra=0.5)
    assert own.cells["ex_2"] == Mark("ex_2", 0, 4, "sums", waiting=True)
    assert (own.comments, own.penalty, own.points, own.max_points) == ({}, 1, 2.5, 8)
    assert [cell.exercise for cell in found.waiting] == ["2"]


def test_an_assignment_with_one_notebook_has_no_overview(tmp_path: Path) -> None:
    course = released_course(tmp_path / "course")
    hand_in(course, "ada", answered(course))
    grade_assignment(course, "sums", get_pool=AtOnce(marked_unseen))

    (row,) = write_feedback(course, "sums")

    assert [page.name for page in row.pages] == ["sums.html"]


def test_a_notebook_called_index_keeps_its_page(tmp_path: Path) -> None:
    course = released_course(tmp_path / "course", notebooks=("index", "sums"))
    for name in ("index.ipynb", "sums.ipynb"):
        hand_in(course, "ada", answered(course), name)
    grade_assignment(course, "sums", get_pool=AtOnce(marked_unseen))

    write_feedback(course, "sums")

    assert "<h1><bdi>index</bdi></h1>" in pages(course)["ada/sums/index.html"]


@pytest.mark.slow
def test_nbgrader_releases_the_pages_and_a_student_fetches_them(
    course: Course, tmp_path: Path
) -> None:
    exchange, cache, home = (tmp_path / name for name in ("exchange", "cache", "home"))
    for folder in (exchange, home):
        folder.mkdir()
    exchange.chmod(0o777)
    copy = cache / "tiny" / "ada+sums+2026-11-01 10:00:00 UTC"
    copy.mkdir(parents=True)
    for path in (course.root / "submitted" / "ada" / "sums").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    write_feedback(course, "sums")
    where = (f"--Exchange.root={exchange}", f"--Exchange.cache={cache}")

    nbgrader(course, "release_feedback", "sums", *where)
    nbgrader(
        course, "fetch_feedback", "sums", *where, f"--Exchange.assignment_dir={home}",
        "--CourseDirectory.student_id=ada",
    )  # fmt: skip

    fetched = {path.name: path.read_text(encoding="utf-8") for path in home.rglob("*.html")}
    own = pages(course)
    assert fetched == {name: own[f"ada/sums/{name}"] for name in ("first.html", "sums.html")}


def test_links_beside_a_submission_are_not_followed(course: Course, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not for students")
    slip = course.root / "submitted" / "ada" / "sums" / "submission_secret.txt"
    slip.unlink()
    slip.symlink_to(secret)
    # The copy that was kept when it was graded would serve.
    (course.root / "autograded" / "ada" / "sums" / slip.name).unlink()

    write_feedback(course, "sums", students=["ada"])

    names = {path.name for path in (course.root / "feedback" / "ada" / "sums").iterdir()}
    assert names == {"first.html", "sums.html", "index.html", "timestamp.txt"}
