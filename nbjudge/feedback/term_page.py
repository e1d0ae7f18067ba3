"""A student's page over all assignments: marks, penalties, comments, and links to feedback.

It shows only assignments whose feedback was given back to the student, so that no mark is shown too
early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from nbjudge.basics.sentences import duration
from nbjudge.course.cells import exercise_label, exercise_number
from nbjudge.course.course import Course
from nbjudge.course.folders import write_whole
from nbjudge.course.gradebook import open_gradebook, read_grades, released_titles
from nbjudge.course.marks import (
    AssignmentMarks,
    GradeTable,
    NotebookMarks,
    Person,
    SubmissionMarks,
    exercise_order,
    kind_of_mark,
)
from nbjudge.feedback.mark_entries import anchor_of
from nbjudge.feedback.notebook_pages import OVERVIEW
from nbjudge.pages.frame import count_of, pages_of, percent, points
from nbjudge.pages.safe_html import Cleaner
from nbjudge.term.totals import Part, Total, Weighing, read_weighing, term_totals

__all__ = ["Comment", "TermRow", "remarks_on", "term_page", "write_term_pages"]

#: Returns the titles of a notebook's exercises by number, given assignment and notebook.
TitlesOf = Callable[[str, str], Mapping[str, str]]


@dataclass(frozen=True)
class TermRow:
    """A row of the table: one assignment.

    Parameters
    ----------
    part : Part
    state : str
        One of "full", "part", "none" and "waits".
    page : str
        The link to its first page of feedback; empty if there is none.
    counts : str
        Its share of the total, as text.
    told : str
        Remarks.
    """

    part: Part
    state: str
    page: str
    counts: str
    told: str


@dataclass(frozen=True)
class Comment:
    """A person's comment on an answer, as safe HTML."""

    label: str
    page: str
    body: Markup


def write_term_pages(course: Course, students: Iterable[str] | None = None) -> dict[str, Path]:
    """Write `feedback/<student>/index.html` for everybody who has any feedback.

    Parameters
    ----------
    course : Course
    students : iterable of str, optional
        The students to write pages for; by default all.

    Returns
    -------
    dict of str to Path
        The pages, by student.

    Raises
    ------
    CourseError
        If the gradebook cannot be read, or the weights of assignments are not valid.
    """
    weighing = read_weighing(course.config())
    given = _given_back(course.root / "feedback")
    with open_gradebook(course) as gradebook:
        table = read_grades(gradebook)
    wanted = given.keys() if students is None else given.keys() & set(students)
    anybody = {assignment for own in given.values() for assignment in own}

    def titles(assignment: str, notebook: str) -> Mapping[str, str]:
        return released_titles(course, assignment, notebook)

    written = {}
    for person in table.people:
        if person.id in wanted:
            own = given[person.id]
            page = term_page(_own_table(table, person, own, anybody), weighing, own, titles)
            path = course.root / "feedback" / person.id / OVERVIEW
            write_whole(path, page)
            written[person.id] = path
    return written


def _given_back(folder: Path) -> dict[str, dict[str, str]]:
    """Return the first page of each assignment that was given back, by student."""
    found: dict[str, dict[str, str]] = {}
    # Sorted, so that an assignment's overview page comes before those of its notebooks.
    for path in sorted(folder.glob("*/*/*.html"), key=lambda p: (p.name != OVERVIEW, p.name)):
        student, assignment = path.parts[-3:-1]
        if not student.startswith("."):
            pages = found.setdefault(student, {})
            pages.setdefault(assignment, "/".join(map(_quote, (assignment, path.name))))
    return found


def _quote(name: str) -> str:
    return quote(name, errors="replace")


def _own_table(
    table: GradeTable, person: Person, own: Mapping[str, str], anybody: Iterable[str]
) -> GradeTable:
    """Return a student's marks of the assignments that were given back.

    If the student handed in nothing, an assignment counts once anybody has got feedback on it.
    """
    assignments = []
    for each in table.assignments:
        mine = each.graded.get(person.id)
        is_back = each.name in own if mine else each.name in anybody and each.graded
        submissions = dict(each.submissions) if is_back else {}
        assignments.append(replace(each, submissions=submissions))
    return GradeTable((person,), tuple(assignments))


def term_page(
    table: GradeTable, weighing: Weighing, pages: Mapping[str, str], titles: TitlesOf
) -> str:
    """Return a student's page.

    Parameters
    ----------
    table : GradeTable
        It has one person, and only marks that were given back.
    weighing : Weighing
    pages : mapping of str to str
        The link to the first page of feedback, by assignment.
    titles : callable
        Returns the titles of a notebook's exercises, given assignment and notebook.
    """
    (person,) = table.people
    graded = [each for each in table.assignments if each.graded]
    total = _total(table, graded, weighing)
    comments = [comment for each in graded for comment in _comments(each, person.id, pages, titles)]
    later = [each.name for each in table.assignments if each not in graded]
    return pages_of(__file__).render(
        "term.html.j2",
        person=person,
        total=total,
        pass_percent=weighing.pass_percent,
        rows=list(_rows_of_term(graded, total, person.id, pages)),
        comments=comments,
        later=later,
        is_final=not later and (total is None or total.is_final),
        percent=percent,
    )


def _total(
    table: GradeTable, graded: Sequence[AssignmentMarks], weighing: Weighing
) -> Total | None:
    """Return a student's total; None while no assignment counts."""
    weights = (weighing.weights.get(each.name, 1.0) for each in graded if each.max_points)
    if not any(weight > 0 for weight in weights):
        return None
    return term_totals(table, weighing).totals[0]


def _rows_of_term(
    graded: Iterable[AssignmentMarks],
    total: Total | None,
    student: str,
    pages: Mapping[str, str],
) -> Iterator[TermRow]:
    counted = {part.assignment: part for part in total.parts} if total else {}
    whole = sum(part.weight for part in counted.values() if not part.is_dropped)
    for each in graded:
        own = each.graded.get(student)
        part = counted.get(each.name) or Part(
            each.name,
            own.points if own else 0.0,
            each.max_points,
            0.0,
            is_missing=own is None,
            waiting=len(own.waiting) if own else 0,
            seconds_late=own.seconds_late if own else 0.0,
            penalty=own.penalty if own else 0.0,
        )
        does_count = each.name in counted and not part.is_dropped
        counts = percent(100 * part.weight / whole) if does_count else "–"
        state = _state_of_assignment(part, own)
        told = "; ".join(remarks_on(part)) or ("all right" if state == "full" else "")
        yield TermRow(part, state, pages.get(each.name, ""), counts, told)


def _state_of_assignment(part: Part, own: SubmissionMarks | None) -> str:
    return "waits" if own and own.unread else kind_of_mark(part.points, part.max_points)


def remarks_on(part: Part) -> list[str]:
    """Return remarks on a student's assignment, each of a few words."""
    told = [
        "nothing graded, which counts as 0" if part.is_missing else "",
        "not counted, as one of the lowest" if part.is_dropped else "",
        f"{duration(part.seconds_late)} late" if part.seconds_late else "",
        f"{points(part.penalty)} taken off" if part.penalty else "",
        count_of(part.waiting, "answer waits", "answers wait") if part.waiting else "",
    ]
    return list(filter(None, told))


def _comments(
    assignment: AssignmentMarks, student: str, pages: Mapping[str, str], titles: TitlesOf
) -> Iterator[Comment]:
    own = assignment.graded.get(student)
    for notebook in own.notebooks if own else ():
        called = titles(assignment.name, notebook.name)
        for name in sorted(
            notebook.comments, key=lambda name: exercise_order(exercise_number(name))
        ):
            if said := notebook.comments[name]:
                number = exercise_number(name)
                # Headings in a comment must rank below those of the page.
                body = Cleaner(level=3, top=4).markdown(said, what="Comment")
                label = exercise_label(number, called.get(number, ""))
                page = _page_of(assignment.name, notebook, name) if assignment.name in pages else ""
                yield Comment(f"{assignment.name}, {label}", page, body)


def _page_of(assignment: str, notebook: NotebookMarks, grade_id: str) -> str:
    page = "/".join(map(_quote, (assignment, f"{notebook.name}.html")))
    return f"{page}#{anchor_of(grade_id)}"
