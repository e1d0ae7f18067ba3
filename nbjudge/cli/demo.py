"""Grade a made-up class in a new folder, with feedback and a report, for `course demo`.

The submissions are made from the course's own assignments and known mistakes.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_solution
from rich.console import Console

from nbjudge.cli.terminal import print_class, progress_bar, show_progress, took
from nbjudge.course.course import CONFIG_NAME, Course, require_fit
from nbjudge.exceptions import CourseError
from nbjudge.feedback.term_page import write_term_pages
from nbjudge.feedback.write import write_feedback
from nbjudge.grading.batch import grade_assignment, lend_workers
from nbjudge.grading.rows import Row
from nbjudge.judge.knowledge import KnownAnswer, knowledge
from nbjudge.release import source
from nbjudge.release.release import make_release
from nbjudge.report import NothingGraded, write_report

__all__ = ["DemoStudent", "fresh_course", "made_up_class", "run", "write_answers"]

MARKER = ".made-by-course-demo"


def _cut_off(folder: Path) -> None:
    for path in folder.glob("*.ipynb"):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])


def _in_old_format(folder: Path) -> None:
    for path in folder.glob("*.ipynb"):
        old = nbformat.convert(nbformat.read(path, as_version=4), 3)  # type: ignore[no-untyped-call]
        path.write_text(nbformat.v3.writes_json(old), encoding="utf-8")  # type: ignore[no-untyped-call]


def _without_one(folder: Path) -> None:
    sorted(folder.glob("*.ipynb"))[0].unlink()


def _with_an_empty_file(folder: Path) -> None:
    sorted(folder.glob("*.ipynb"))[0].write_bytes(b"")


@dataclass(frozen=True)
class DemoStudent:
    """A made-up student and their submission of one assignment.

    Parameters
    ----------
    name : str
        The student's id.
    assignment : str
    story : str
        A description of the submission, for the table.
    answered : float
        The part of each notebook's exercises that is answered, from the top: 0 to 1.
    wrong : mapping of str to str
        Wrong answers that replace right ones, by `grade_id`.
    mishap : callable, optional
        Damages the folder before it is handed in.
    """

    name: str
    assignment: str
    story: str
    answered: float = 1.0
    wrong: Mapping[str, str] = field(default_factory=dict)
    mishap: Callable[[Path], None] | None = None


def made_up_class(course: Course) -> tuple[DemoStudent, ...]:
    """Return about a dozen students of two assignments, with various kinds of submission."""
    first, *others = sorted(course.assignments, key=lambda name: _count_notebooks(course, name))
    few = (student for name in others[:1] for student in _few_students(course, name))
    return (*_many(course, first), *few)


def _many(course: Course, assignment: str) -> Iterator[DemoStudent]:
    mistakes = _spread_mistakes(course, assignment, 4)
    yield DemoStudent("ada", assignment, "all answers right")
    yield DemoStudent("bruno", assignment, "the first half of the answers", answered=0.5)
    yield DemoStudent("chidi", assignment, "the release, untouched", answered=0)
    yield _student_with("dmitri", assignment, mistakes[:2])
    yield _student_with("elif", assignment, mistakes[2:3])
    yield DemoStudent("frida", assignment, "an upload that broke off", mishap=_cut_off)
    yield DemoStudent("hugo", assignment, "a notebook of format 3", mishap=_in_old_format)
    yield _student_with("Zoë Brontë", assignment, mistakes[3:])


def _few_students(course: Course, assignment: str) -> Iterator[DemoStudent]:
    notebooks = _count_notebooks(course, assignment)
    yield DemoStudent("ada", assignment, "all answers right")
    if notebooks > 1:
        told = f"{notebooks - 1} of the {notebooks} notebooks"
        yield DemoStudent("bruno", assignment, told, mishap=_without_one)
    yield _student_with("dmitri", assignment, _spread_mistakes(course, assignment, 2))
    yield DemoStudent(
        "frida", assignment, "an empty file for one notebook", mishap=_with_an_empty_file
    )


def _count_notebooks(course: Course, assignment: str) -> int:
    return len(list(course.root.glob(f"source/{assignment}/*.ipynb")))


Mistakes = list[tuple[str, KnownAnswer]]


def _spread_mistakes(course: Course, assignment: str, count: int) -> Mistakes:
    """Return known mistakes, spread over the exercises of an assignment, with their `grade_id`."""
    known = knowledge(course.plug)
    found = [
        (grade_id, mistakes[0])
        for path in sorted(course.root.glob(f"source/{assignment}/*.ipynb"))
        for grade_id in source.by_grade_id(source.read_source(path))
        if (mistakes := known.mistakes(grade_id))
    ]
    return [found[i * len(found) // count] for i in range(count)] if len(found) >= count else found


def _student_with(name: str, assignment: str, mistakes: Mistakes) -> DemoStudent:
    number = {0: "no known mistake", 1: "one mistake"}.get(
        len(mistakes), f"{len(mistakes)} mistakes"
    )
    story = ": ".join([number, *filter(None, ["; ".join(known.name for _, known in mistakes)])])
    wrong = {grade_id: known.source for grade_id, known in mistakes}
    return DemoStudent(name, assignment, story, wrong=wrong)


def run(
    course: Course, folder: Path, console: Console, students: Sequence[DemoStudent] | None = None
) -> dict[str, list[Row]]:
    """Make a course in a new folder, write the students' submissions, grade them, and show it all.

    Parameters
    ----------
    course : Course
        Its notebooks are used; it is not changed.
    folder : Path
        The new folder. If an earlier demonstration made it, it is deleted first.
    console : Console
        Gets the output.
    students : sequence of DemoStudent, optional
        By default, those of `made_up_class`.

    Returns
    -------
    dict of str to list of Row
        The class's rows, by assignment.

    Raises
    ------
    CourseError
        If the course has no assignment, or the folder was not made by a demonstration.
    """
    if not course.assignments:
        message = (
            f"There is nothing to hand in: {course.root / 'source'} holds no assignment. "
            "Make one with `course new`."
        )
        raise CourseError(message)
    start = time.monotonic()
    demo = fresh_course(course, folder)
    students = made_up_class(course) if students is None else students
    assignments = list(dict.fromkeys(student.assignment for student in students))
    console.print(f"[bold]A class in miniature[/bold], in {folder}", highlight=False)

    _headline(console, "Release", "the student versions, made from source/")
    for assignment in assignments:
        begun = time.monotonic()
        make_release(demo, assignment)
        _print_step(console, f"release/{assignment}/", took(begun))

    _headline(console, "Hand in", "a folder for each student, in submitted/")
    begun = time.monotonic()
    for student in students:
        write_answers(demo, student, demo.root / "submitted" / student.name / student.assignment)
    _print_step(console, f"{len(students)} submissions", took(begun))

    _headline(console, "Grade", "whatever is in submitted/, into gradebook.db")
    rows = {}
    taken = []
    with lend_workers(demo) as get_pool:
        for assignment in assignments:
            begun = time.monotonic()
            names = {student.name for student in students if student.assignment == assignment}
            with show_progress(f"   {assignment}") as watcher:
                rows[assignment] = grade_assignment(
                    demo, assignment, students=names, get_pool=get_pool, watcher=watcher
                )
            taken.append((f"{assignment}: {len(names)} submissions", took(begun)))
    for told, time_taken in taken:
        _print_step(console, told, time_taken)

    _headline(console, "Feedback", "a page for each graded notebook, in feedback/")
    pages: list[Path] = []
    for assignment in assignments:
        begun = time.monotonic()
        with progress_bar(f"   {assignment}") as progress:
            written = write_feedback(demo, assignment, progress=progress)
        pages.extend(page for row in written for page in row.pages)
        _print_step(
            console, f"{assignment}: {sum(len(row.pages) for row in written)} pages", took(begun)
        )
    begun = time.monotonic()
    overviews = write_term_pages(demo)
    _print_step(console, f"all assignments together: {len(overviews)} pages", took(begun))

    _headline(console, "Report", "a page on the class for each assignment, in reports/")
    reports: list[Path] = []
    for assignment in assignments:
        begun = time.monotonic()
        try:
            reports.append(write_report(demo, assignment).page)
        except NothingGraded as error:
            console.print(f"   {error}", markup=False, highlight=False, soft_wrap=True)
        else:
            _print_step(console, f"reports/{reports[-1].name}", took(begun))

    for assignment in assignments:
        console.print(f"\n[bold]{assignment}[/bold]", highlight=False)
        described = {s.name: s.story for s in students if s.assignment == assignment}
        print_class(console, rows[assignment], described=described)
    _where_to_look(console, folder, pages, reports, start)
    return rows


def fresh_course(course: Course, folder: Path) -> Course:
    """Make a course for a demonstration in a folder, deleting that of an earlier one.

    Raises
    ------
    CourseError
        If the folder exists and was not made by a demonstration.
    """
    require_fit(folder.resolve())
    if folder.is_symlink() or (folder.exists() and not (folder / MARKER).is_file()):
        message = (
            f"{folder} exists, and no demonstration made it, so it is left alone. "
            "Delete it yourself, or name another folder with --folder."
        )
        raise CourseError(message)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).write_text("`course demo` may delete this folder.\n", encoding="utf-8")
    shutil.copy(course.root / CONFIG_NAME, folder)
    ignored = shutil.ignore_patterns(".*", "__pycache__")
    shutil.copytree(course.root / "source", folder / "source", ignore=ignored)
    return Course(folder.resolve())


def write_answers(course: Course, student: DemoStudent, folder: Path) -> None:
    """Write a made-up student's submission to a new folder.

    Parameters
    ----------
    course : Course
        It has released the student's assignment.
    student : DemoStudent
    folder : Path
    """
    folder.mkdir(parents=True)
    for original in sorted((course.root / "source" / student.assignment).glob("*.ipynb")):
        released = source.read_source(course.root / "release" / student.assignment / original.name)
        notebook = _answer(released, source.read_source(original), student.answered)
        for grade_id, cell in source.by_grade_id(notebook).items():
            cell.source = student.wrong.get(grade_id, cell.source).strip()
        (folder / original.name).write_text(source.notebook_text(notebook), encoding="utf-8")
    if student.mishap:
        student.mishap(folder)


def _answer(released: NotebookNode, original: NotebookNode, part: float) -> NotebookNode:
    cells = source.by_grade_id(original).items()
    answers = [grade_id for grade_id, cell in cells if is_solution(cell)]
    return source.answer(released, original, answers[: round(part * len(answers))])


def _headline(console: Console, stage: str, told: str) -> None:
    console.print(f"\n[bold]{stage}[/bold]: {told}", highlight=False)


def _print_step(console: Console, told: str, time_taken: str) -> None:
    console.print(f"   {told} ({time_taken})", markup=False, highlight=False, soft_wrap=True)


def _where_to_look(
    console: Console, folder: Path, pages: Iterable[Path], reports: Iterable[Path], start: float
) -> None:
    _headline(console, "Where to look", f"all of it took {took(start)}")
    example = next((page for page in pages if "dmitri" in page.parts), None)
    if example:
        _print_page(console, "feedback", folder / example.relative_to(folder.resolve()))
    for page in reports:
        _print_page(console, "the class", folder / page.relative_to(folder.resolve()))
    for told in (
        f"notebooks    {folder / 'autograded'}, as they were run",
        f"marks        course --course {folder} autograde",
        f"formgrader   cd {folder}, then course formgrader",
    ):
        console.print(f"   {told}", markup=False, highlight=False, soft_wrap=True)


def _print_page(console: Console, what: str, page: Path) -> None:
    told = f"   {what:<12} open {page} in a browser"
    console.print(told, markup=False, highlight=False, soft_wrap=True)
