"""Make the pictures of the documentation anew: `make pictures`.

Everything shown is real: a made-up class of thirty hands in, is graded by the course's own
commands, and what they write is photographed in Chromium. The names and abilities of the class come
from a fixed seed; which wrong answers they gave is drawn from the mistakes that the course knows.
Students' and graders' own work is done by hand of the browser. It takes some minutes.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.utils import is_solution
from PIL import Image
from playwright.sync_api import sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from course_utils.reference.known_answers import mistakes
from nbjudge.cli.terminal import print_class
from nbjudge.course.course import CONFIG_NAME, Course
from nbjudge.desk.desk_policy import read_policy
from nbjudge.desk.web.desk_keys import Visitor
from nbjudge.desk.web.desk_service import Desk
from nbjudge.feedback.write import write_feedback
from nbjudge.grading.batch import grade_assignment, lend_workers
from nbjudge.release import source
from nbjudge.release.release import make_release
from nbjudge.report import write_report

PICTURES = Path(__file__).resolve().parent
ROOT = PICTURES.parents[1]
# What looks at pages with a browser; the course comes first, for the tests have a folder of its
# name.
sys.path += [str(ROOT), str(ROOT / "tests")]
from browsing import COURSE, Lab, fill_in, in_lab, looking, serving  # noqa: E402

ASSIGNMENT = "optimisers"
NAMES = (
    *("amara", "anselm", "beatriz", "chidi", "clara", "dmitri", "eilidh", "elif", "emeka", "farah"),
    *("felix", "giulia", "hana", "hugo", "ines", "ivan", "jonas", "kavya", "kwame", "lars"),
    *("leila", "lucia", "mai", "marek", "mei", "nadia", "noah", "olena", "omar", "priya"),
)
#: Whose page of feedback is shown, and what this student got wrong.
SHOWN = "elif"
THEIRS = {"ex_1_3_1": "epsilon outside the root"}
#: When it was due, who was late by how many hours, and whose file arrived cut off.
DUE = datetime(2026, 3, 6, 17, tzinfo=UTC)
LATE = {"hugo": 2, "marek": 26, "omar": 5}
CUT_OFF = "mei"
#: What that student wrote, and what a grader thinks of it.
WRITTEN = """\
Very. With a rate that is too small the walk takes hundreds of updates; with one that is too large \
$w_1$ jumps from side to side, and from 0.025 on it no longer comes to rest. The limit comes from \
$w_1$ because the landscape is steepest there: its **curvature** is 80, and $2/80 = 0.025$.

At $\\eta = 0.003$ it takes about 150 updates.
"""
COMMENT = "Very clear on the limit. Which direction makes it slow at 0.003?"
#: A student's first attempt, which forgets a part of the cost.
ATTEMPT = '''\
def loss(w1, w2):
    """Return the cost J at (w1, w2): numbers in, a number out; arrays in, an array out."""
    return 40 * w1**2 + 10 * w2**2'''
#: Bytes that a picture may have.
LARGEST = 200_000


def main() -> None:
    """Make the class, then the pictures that were asked for."""
    parser = argparse.ArgumentParser(description="Make the pictures of the documentation anew.")
    parser.add_argument("--only", nargs="+", choices=sorted(MAKERS), default=sorted(MAKERS))
    parser.add_argument("--class", dest="kept", type=Path, help="a folder to keep the class in")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        course = graded(options.kept or Path(temporary))
        with browser() as started:
            for name in options.only:
                MAKERS[name](course, started)
                print(f"docs/pictures: {name}")


def graded(root: Path) -> Course:
    """Return a course whose class has handed in, and is graded; it is made in an empty folder."""
    if (root / CONFIG_NAME).is_file():
        return Course(root.resolve())
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / CONFIG_NAME, root)
    shutil.copytree(ROOT / "source", root / "source")
    course = Course(root.resolve())
    make_release(course, ASSIGNMENT)
    with Gradebook(address(course)) as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate=DUE.replace(tzinfo=None))
    hand_in(course)
    with lend_workers(course) as get_pool:
        grade_assignment(course, ASSIGNMENT, get_pool=get_pool)
    write_feedback(course, ASSIGNMENT)
    return course


def address(course: Course) -> str:
    """Return where nbgrader keeps the marks."""
    return f"sqlite:///{course.root / 'gradebook.db'}"


def hand_in(course: Course) -> None:
    """Let the class hand in: each exercise right, or wrong in a way that the course knows."""
    draw = random.Random(7)
    name = f"{ASSIGNMENT}.ipynb"
    released = source.read_source(course.root / "release" / ASSIGNMENT / name)
    original = source.read_source(course.root / "source" / ASSIGNMENT / name)
    exercises = [
        grade_id
        for grade_id, cell in source.by_grade_id(original).items()
        if is_solution(cell) and mistakes(grade_id)
    ]
    hard = {grade_id: draw.uniform(-1.6, 1.0) for grade_id in exercises}
    for student in NAMES:
        notebook = source.answer(released, original)
        able = draw.gauss(0.3, 1.0)
        cells = source.by_grade_id(notebook)
        for grade_id in exercises:
            # The first mistakes of a file are those that are made most.
            known = mistakes(grade_id)
            wrong = draw.choices(known, [0.7**n for n in range(len(known))])
            if student == SHOWN:
                wrong = [m for m in known if m.name == THEIRS.get(grade_id)]
            if wrong and (student == SHOWN or draw.gauss(0, 1) < hard[grade_id] - able):
                cells[grade_id].source = wrong[0].source.strip()
        if student == SHOWN:
            cells["ex_1_1_5"].source = WRITTEN
        folder = course.root / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        text = source.notebook_text(notebook)
        text = text[: len(text) // 2] if student == CUT_OFF else text
        (folder / name).write_text(text, encoding="utf-8")
        when = DUE + timedelta(hours=LATE.get(student) or draw.uniform(-70, -1))
        (folder / "timestamp.txt").write_text(f"{when:%Y-%m-%d %H:%M:%S} UTC\n", encoding="utf-8")


@contextmanager
def browser() -> Iterator[Any]:
    """Lend Debian's Chromium."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("There is no chromium to take pictures with: make browser")
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as run:
        started = run.chromium.launch(executable_path=program, args=options)
        yield started
        started.close()


def photographed(page: Any, name: str, **how: Any) -> None:
    """Take a picture of a page, with as few colours as it needs."""
    picture = Image.open(io.BytesIO(page.screenshot(**how))).convert("RGB")
    for colours in (256, 128, 64, 32):
        small = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
        if len(small.getvalue()) <= LARGEST:
            break
    (PICTURES / name).write_bytes(small.getvalue())


def page_of(
    started: Any, path: Path, scheme: str = "light", *, width: int = 800, height: int = 760
) -> Any:
    """Open a page that the course wrote."""
    context = started.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1.5
    )
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="networkidle")
    return page


def the_class(course: Course, _: Any) -> None:
    """Draw what `course autograde` shows in a terminal."""
    with lend_workers(course) as get_pool:
        rows = grade_assignment(course, ASSIGNMENT, students=set(NAMES[:12]), get_pool=get_pool)
    console = Console(record=True, width=92, force_terminal=True, file=io.StringIO())
    print_class(console, rows)
    # Without the address of a font: a picture asks nobody.
    frame = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    drawn = console.export_svg(title=f"course autograde {ASSIGNMENT}", code_format=frame)
    text = "".join(f"{line.rstrip()}\n" for line in drawn.splitlines())
    (PICTURES / "class.svg").write_text(text, encoding="utf-8")


def feedback_pages(course: Course, started: Any) -> None:
    """Photograph the top of a student's page, in light and dark."""
    path = course.root / "feedback" / SHOWN / ASSIGNMENT / f"{ASSIGNMENT}.html"
    photographed(page_of(started, path), "feedback.png")
    photographed(page_of(started, path, "dark"), "feedback-dark.png")
    page = page_of(started, path)
    page.locator(".result", has_text="What probably happened").first.scroll_into_view_if_needed()
    box = page.locator(".result", has_text="What probably happened").first
    photographed(box, "mistake.png")


def the_report(course: Course, started: Any) -> None:
    """Photograph the top of the report on the class."""
    write_report(course, ASSIGNMENT)
    path = course.root / "reports" / f"{ASSIGNMENT}.html"
    photographed(page_of(started, path, width=980, height=1340), "report.png")


def the_notebook(course: Course, started: Any) -> None:
    """Photograph an answer and its check in JupyterLab, as a student sees them."""
    name = f"{ASSIGNMENT}.ipynb"
    with TemporaryDirectory() as temporary:
        folder = Path(temporary, ASSIGNMENT)
        shutil.copytree(course.root / "release" / ASSIGNMENT, folder)
        with in_lab(started, folder / name, Path(temporary, "home")) as page:
            lab = Lab(page, source.read_source(folder / name))
            page.keyboard.press("Control+b")  # no list of files
            for cell in ("set_up", "imports"):
                lab.run(cell)
            lab.write("ex_1_1_1", ATTEMPT)
            lab.run("ex_1_1_1")
            lab.run("test_ex_1_1_1")
            lab.cell("test_ex_1_1_1").locator(".jp-OutputArea").evaluate(
                "output => output.scrollIntoView({block: 'end'})"
            )
            photographed(page, "notebook.png")


def the_formgrader(course: Course, started: Any) -> None:
    """Photograph a written answer that is being marked."""
    with Gradebook(address(course)) as gradebook:
        number = gradebook.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, SHOWN).id
    with (
        TemporaryDirectory() as home,
        serving(course.root, Path(home), [*COURSE, "formgrader"]) as server,
        looking(started) as page,
    ):
        server.open(page, f"/formgrader/submissions/{number}")
        page.locator(".comment[placeholder]").last.wait_for()
        box = page.locator(".nbgrader_cell", has=page.locator("#ex_1_1_5"))
        fill_in(page, "grade", box.locator(".score"), "1.5")
        fill_in(page, "comment", box.locator(".comment"), COMMENT)
        page.wait_for_timeout(1500)  # until nothing says that it was saved, or scrolls
        page.get_by_role("heading", name="1.1.5").evaluate(
            "heading => window.scrollBy(0, heading.getBoundingClientRect().top - 70)"
        )
        photographed(page, "formgrader.png")


def the_desk(course: Course, started: Any) -> None:
    """Photograph what a student sees who has handed in at the desk, in time."""
    from serving_desks import free_port, serve

    url = f"http://127.0.0.1:{free_port()}"
    policy = replace(read_policy(course.config()), url=url, shows_before="mistakes")
    name = f"{ASSIGNMENT}.ipynb"
    sent = (course.root / "submitted" / SHOWN / ASSIGNMENT / name).read_bytes()
    when = DUE.replace(tzinfo=None) - timedelta(minutes=50)
    desk = Desk(course, policy, clock=lambda: when)
    try:
        number = desk.take_in(SHOWN, ASSIGNMENT, [(name, io.BytesIO(sent))]).id
        desk.start()
        with serve(desk):
            context = started.new_context(
                viewport={"width": 800, "height": 1045},
                device_scale_factor=1.5,
                timezone_id="UTC",
            )
            page = context.new_page()
            page.goto(desk.links.link_of(Visitor(SHOWN)))
            page.get_by_role("button", name="Go on").click()
            page.goto(f"{url}/hand-ins/{number}")
            page.locator(".score").wait_for(timeout=600_000)
            photographed(page, "desk.png")
    finally:
        desk.close()


MAKERS = {
    "class": the_class,
    "desk": the_desk,
    "feedback": feedback_pages,
    "formgrader": the_formgrader,
    "notebook": the_notebook,
    "report": the_report,
}

if __name__ == "__main__":
    main()
