"""A class in miniature: made-up students are graded, get feedback and a report, in a new folder.

The students and their mistakes are data, in `STUDENTS` and `MISTAKES`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_solution
from rich.console import Console

from nbjudge.cli.terminal import print_class, progress_bar, took, watched
from nbjudge.course.course import CONFIG_NAME, Course, require_fit
from nbjudge.exceptions import CourseError
from nbjudge.feedback.write import feedback
from nbjudge.grading.batch import autograde, staff
from nbjudge.grading.rows import Row
from nbjudge.release import source
from nbjudge.release.release import release
from nbjudge.report import NothingGraded, report

__all__ = ["MISTAKES", "STUDENTS", "Student", "run"]

MARKER = ".made-by-course-demo"


def _cut_off(folder: Path) -> None:
    for path in folder.glob("*.ipynb"):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])


def _in_old_format(folder: Path) -> None:
    for path in folder.glob("*.ipynb"):
        old = nbformat.convert(nbformat.read(path, as_version=4), 3)  # type: ignore[no-untyped-call]
        path.write_text(nbformat.v3.writes_json(old), encoding="utf-8")  # type: ignore[no-untyped-call]


def _without_contrastive_loss(folder: Path) -> None:
    (folder / "contrastive_loss.ipynb").unlink()


def _with_empty_contrastive_loss(folder: Path) -> None:
    (folder / "contrastive_loss.ipynb").write_bytes(b"")


@dataclass(frozen=True)
class Student:
    """Somebody who hands in one assignment.

    Parameters
    ----------
    name : str
        The id.
    assignment : str
    story : str
        What was handed in, for the table.
    answered : float
        Which part of each notebook's exercises has the right answer, from the top: 0 to 1.
    mistakes : tuple of str
        Keys of `MISTAKES`: right answers that are replaced by wrong ones.
    mishap : callable, optional
        What happened to the folder before it came in.
    """

    name: str
    assignment: str
    story: str
    answered: float = 1.0
    mistakes: tuple[str, ...] = ()
    mishap: Callable[[Path], None] | None = None


#: Wrong answers: the `grade_id` of the cell, and what stands in it.
MISTAKES: dict[str, tuple[str, str]] = {
    "the sign of a term in the loss": (
        "ex_1_1_1",
        """\
def loss(w1, w2):
    return 40 * w1**2 + 10 * w2**2 - 40 * w2
""",
    ),
    "momentum kept in the class, not the instance": (
        "ex_1_2_1",
        """\
class Momentum:
    z = [0.0, 0.0]

    def __init__(self, learning_rate, beta):
        self.learning_rate = learning_rate
        self.beta = beta

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.z[0] = self.beta * self.z[0] + self.learning_rate * w1_grad
        self.z[1] = self.beta * self.z[1] + self.learning_rate * w2_grad
        return w1 - self.z[0], w2 - self.z[1]
""",
    ),
    "epsilon outside the root": (
        "ex_1_3_1",
        """\
class RMSProp:
    def __init__(self, learning_rate, beta, epsilon=1e-5):
        self.learning_rate = learning_rate
        self.beta = beta
        self.epsilon = epsilon
        self.v1 = 0.0
        self.v2 = 0.0

    def __call__(self, w1, w2, w1_grad, w2_grad):
        self.v1 = self.beta * self.v1 + (1 - self.beta) * w1_grad**2
        self.v2 = self.beta * self.v2 + (1 - self.beta) * w2_grad**2
        w1 = w1 - self.learning_rate * w1_grad / (self.v1**0.5 + self.epsilon)
        w2 = w2 - self.learning_rate * w2_grad / (self.v2**0.5 + self.epsilon)
        return w1, w2
""",
    ),
    "batches that are never shuffled": (
        "ex_1_4_2",
        """\
from torch.utils.data import DataLoader

batch_size = len(dataset)
dataloader = DataLoader(dataset, batch_size=batch_size)
""",
    ),
    "class weights that are not squared": (
        "ex_1_5_2",
        """\
import numpy as np

def generalised_dice_loss(truth, prediction, epsilon=1e-5):
    sizes = truth.sum(axis=(1, 2))
    weights = np.where(sizes > 0, 1 / np.maximum(sizes, 1), epsilon)
    overlap = (truth * prediction).sum(axis=(1, 2))
    total = (truth + prediction).sum(axis=(1, 2))
    return 1 - 2 * (weights * overlap).sum() / (weights * total).sum()
""",
    ),
    "labels taken the wrong way round": (
        "ex_2_1",
        """\
import torch

class ContrastiveLoss(torch.nn.Module):
    def __init__(self, margin=6.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        squared = ((output1 - output2) ** 2).sum(dim=1, keepdim=True)
        gap = torch.clamp(self.margin - torch.sqrt(squared + 1e-4), min=0, max=self.margin)
        return 0.5 * (label * squared + (1 - label) * gap**2)
""",
    ),
}

STUDENTS: tuple[Student, ...] = (
    Student("ada", "optimisers", "all answers right"),
    Student("bruno", "optimisers", "the first half of the answers", answered=0.5),
    Student("chidi", "optimisers", "the release, untouched", answered=0),
    Student(
        "dmitri",
        "optimisers",
        "two mistakes: the sign of a term in the loss; momentum kept in the class",
        mistakes=(
            "the sign of a term in the loss",
            "momentum kept in the class, not the instance",
        ),
    ),
    Student(
        "elif",
        "optimisers",
        "one mistake: epsilon outside the root",
        mistakes=("epsilon outside the root",),
    ),
    Student("frida", "optimisers", "an upload that broke off", mishap=_cut_off),
    Student("hugo", "optimisers", "a notebook of format 3", mishap=_in_old_format),
    Student(
        "Zoë Brontë",
        "optimisers",
        "one mistake: batches that are never shuffled",
        mistakes=("batches that are never shuffled",),
    ),
    Student("ada", "loss_functions", "all answers right"),
    Student(
        "bruno",
        "loss_functions",
        "one notebook of the two",
        mishap=_without_contrastive_loss,
    ),
    Student(
        "dmitri",
        "loss_functions",
        "two mistakes: class weights that are not squared; labels the wrong way round",
        mistakes=("class weights that are not squared", "labels taken the wrong way round"),
    ),
    Student(
        "frida",
        "loss_functions",
        "an empty file for one notebook",
        mishap=_with_empty_contrastive_loss,
    ),
)


def run(
    course: Course, folder: Path, console: Console, students: Sequence[Student] = STUDENTS
) -> dict[str, list[Row]]:
    """Make a course folder of its own, let students hand in there, grade them, and show it all.

    Parameters
    ----------
    course : Course
        Whose notebooks are used; nothing in it is changed.
    folder : Path
        Where to work. If an earlier demonstration made it, it is deleted first.
    console : Console
        Where to tell about it.
    students : sequence of Student
        Who hands in.

    Returns
    -------
    dict of str to list of Row
        The class's rows, by assignment.

    Raises
    ------
    CourseError
        If the course has none of the students' assignments, or the folder holds something else.
    """
    wanted = list(dict.fromkeys(student.assignment for student in students))
    assignments = [name for name in wanted if name in course.assignments]
    if not assignments:
        message = (
            f"The demonstration's students hand in {' and '.join(wanted)}, and "
            f"{course.root / 'source'} has neither. Run it in the course that has."
        )
        raise CourseError(message)
    start = time.monotonic()
    demo = _fresh_course(course, folder)
    console.print(f"[bold]A class in miniature[/bold], in {folder}", highlight=False)

    _headline(console, "Release", "the student versions, made from source/")
    for assignment in assignments:
        begun = time.monotonic()
        release(demo, assignment)
        _line(console, f"release/{assignment}/", took(begun))

    _headline(console, "Hand in", "a folder for each student, in submitted/")
    begun = time.monotonic()
    present = [student for student in students if student.assignment in assignments]
    for student in present:
        _hand_in(demo, student)
    _line(console, f"{len(present)} submissions", took(begun))

    _headline(console, "Grade", "whatever is in submitted/, into gradebook.db")
    rows = {}
    taken = []
    with staff(demo) as call_in:
        for assignment in assignments:
            begun = time.monotonic()
            names = {student.name for student in present if student.assignment == assignment}
            with watched(f"   {assignment}") as watcher:
                rows[assignment] = autograde(
                    demo, assignment, students=names, call_in=call_in, watcher=watcher
                )
            taken.append((f"{assignment}: {len(names)} submissions", took(begun)))
    for told, time_taken in taken:
        _line(console, told, time_taken)

    _headline(console, "Feedback", "a page for each graded notebook, in feedback/")
    pages: list[Path] = []
    for assignment in assignments:
        begun = time.monotonic()
        with progress_bar(f"   {assignment}") as progress:
            written = feedback(demo, assignment, progress=progress)
        pages.extend(page for row in written for page in row.pages)
        _line(console, f"{assignment}: {sum(len(row.pages) for row in written)} pages", took(begun))

    _headline(console, "Report", "a page on the class for each assignment, in reports/")
    reports: list[Path] = []
    for assignment in assignments:
        begun = time.monotonic()
        try:
            reports.append(report(demo, assignment).page)
        except NothingGraded as error:
            console.print(f"   {error}", markup=False, highlight=False, soft_wrap=True)
        else:
            _line(console, f"reports/{reports[-1].name}", took(begun))

    for assignment in assignments:
        console.print(f"\n[bold]{assignment}[/bold]", highlight=False)
        described = {s.name: s.story for s in present if s.assignment == assignment}
        print_class(console, rows[assignment], described=described)
    _where_to_look(console, folder, pages, reports, start)
    return rows


def _fresh_course(course: Course, folder: Path) -> Course:
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


def _hand_in(course: Course, student: Student) -> None:
    folder = course.root / "submitted" / student.name / student.assignment
    folder.mkdir(parents=True)
    mistakes = dict(MISTAKES[told] for told in student.mistakes)
    for original in sorted((course.root / "source" / student.assignment).glob("*.ipynb")):
        released = source.read(course.root / "release" / student.assignment / original.name)
        notebook = _answered(released, source.read(original), student.answered)
        cells = source.by_grade_id(notebook)
        for grade_id in mistakes.keys() & cells.keys():
            cells[grade_id].source = mistakes.pop(grade_id).strip()
        (folder / original.name).write_text(source.written(notebook), encoding="utf-8")
    if mistakes:
        message = (
            f"{student.name} of the demonstration answers {', '.join(sorted(mistakes))}, "
            f"and '{student.assignment}' has no such cells. Change MISTAKES in {__file__}."
        )
        raise CourseError(message)
    if student.mishap:
        student.mishap(folder)


def _answered(released: NotebookNode, original: NotebookNode, part: float) -> NotebookNode:
    cells = source.by_grade_id(original).items()
    answers = [grade_id for grade_id, cell in cells if is_solution(cell)]
    return source.answer(released, original, answers[: round(part * len(answers))])


def _headline(console: Console, stage: str, told: str) -> None:
    console.print(f"\n[bold]{stage}[/bold]: {told}", highlight=False)


def _line(console: Console, told: str, time_taken: str) -> None:
    console.print(f"   {told} ({time_taken})", markup=False, highlight=False, soft_wrap=True)


def _where_to_look(
    console: Console, folder: Path, pages: Iterable[Path], reports: Iterable[Path], start: float
) -> None:
    _headline(console, "Where to look", f"all of it took {took(start)}")
    example = next((page for page in pages if "dmitri" in page.parts), None)
    if example:
        _open(console, "feedback", folder / example.relative_to(folder.resolve()))
    for page in reports:
        _open(console, "the class", folder / page.relative_to(folder.resolve()))
    for told in (
        f"notebooks    {folder / 'autograded'}, as they were run",
        f"marks        course --course {folder} autograde",
        f"formgrader   cd {folder}, then jupyter lab; Formgrader is in its Nbgrader menu",
    ):
        console.print(f"   {told}", markup=False, highlight=False, soft_wrap=True)


def _open(console: Console, what: str, page: Path) -> None:
    told = f"   {what:<12} open {page} in a browser"
    console.print(told, markup=False, highlight=False, soft_wrap=True)
