"""A term's totals as an HTML page, as a CSV file, and as lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from nbjudge.basics.csv_files import as_csv, guard, number_text
from nbjudge.basics.sentences import duration
from nbjudge.feedback.term_page import remarks_on
from nbjudge.intake.submission import printable
from nbjudge.pages.frame import count_of, pages_of, percent, points
from nbjudge.term.find_students import label
from nbjudge.term.totals import Part, TermTotals, Total

__all__ = ["describe_student", "describe_term", "totals_csv", "totals_page"]


def totals_page(term: TermTotals) -> str:
    """Return the HTML page of a term's totals."""
    return pages_of(__file__).render(
        "totals.html.j2",
        term=term,
        weights=_weights_in_percent(term),
        median=median(total.percent for total in term.totals) if term.totals else None,
        unfinished=sum(not total.is_final for total in term.totals),
        passed=sum(bool(total.passes) for total in term.totals),
        percent=percent,
        duration=duration,
    )


def _weights_in_percent(term: TermTotals) -> dict[str, str]:
    whole = sum(part.weight for part in term.assignments)
    return {part.assignment: percent(100 * part.weight / whole) for part in term.assignments}


def totals_csv(term: TermTotals) -> str:
    """Return a CSV file with a row for each student: marks, total, and whether it is final."""
    names = [part.assignment for part in term.assignments]
    header = ("student", "name", "email", *map(guard, names), "percent", "passed", "is_final")
    rows = [
        (
            *map(guard, (total.person.id, total.person.name, total.person.email)),
            *("" if part.is_missing else number_text(part.points) for part in total.parts),
            number_text(total.percent),
            "" if total.passes is None else str(total.passes).lower(),
            str(total.is_final).lower(),
        )
        for total in term.totals
    ]
    return as_csv(header, rows)


def describe_term(term: TermTotals) -> Iterator[str]:
    """Yield lines about a term: a summary, a line for each student, and the summary again."""
    summary = _summary_of_term(term)
    yield summary
    names = [label(total.person) for total in term.totals]
    width = max(map(len, ("Student", *names)))
    heads = [_head(part.assignment) for part in term.assignments]
    widths = [max(9, len(head)) for head in heads]
    heading = "  ".join(f"{head:>{wide}}" for head, wide in zip(heads, widths, strict=True))
    yield f"{'Student':<{width}}  {heading}  together"
    for total, name in zip(term.totals, names, strict=True):
        parts = zip(total.parts, widths, strict=True)
        marks = "  ".join(f"{_mark_of_part(part):>{wide}}" for part, wide in parts)
        state = _state_of_total(total)
        yield f"{name:<{width}}  {marks}  {percent(total.percent):>8}{state}".rstrip()
    yield summary
    if term.ungraded:
        names = [printable(name) for name in term.ungraded]
        yield f"Nobody is graded yet, so these do not count: {', '.join(names)}."


def _head(name: str, most: int = 14) -> str:
    """Return an assignment's name, shortened for the head of a column."""
    head = printable(name)
    return head if len(head) <= most else f"{head[: most - 1]}…"


def _summary_of_term(term: TermTotals) -> str:
    told = [count_of(len(term.totals), "student", "students")]
    if term.totals:
        told.append(f"median {percent(median(total.percent for total in term.totals))}")
    if term.weighing.pass_percent:
        passed = sum(bool(total.passes) for total in term.totals)
        told.append(f"{passed} with {points(term.weighing.pass_percent)} % or more")
    if unfinished := sum(not total.is_final for total in term.totals):
        told.append(f"{unfinished} not final")
    counted = (f"{printable(name)} {share}" for name, share in _weights_in_percent(term).items())
    return f"{', '.join(told)}. Counted: {', '.join(counted)}."


def _mark_of_part(part: Part) -> str:
    mark = "–" if part.is_missing else points(part.points)
    text = f"{mark}/{points(part.max_points)}"
    return f"({text})" if part.is_dropped else text


def _state_of_total(total: Total) -> str:
    passed = {True: "  passed", False: "  not passed", None: ""}[total.passes]
    return passed if total.is_final else f"{passed}  so far"


def describe_student(total: Total) -> Iterator[str]:
    """Yield lines about one student's term: one for each assignment, and the total."""
    yield label(total.person)
    width = max(len(printable(part.assignment)) for part in total.parts)
    for part in total.parts:
        line = f"  {printable(part.assignment):<{width}}  {_mark_of_part(part):>9}"
        yield f"{line}  {percent(100 * part.share):>7}  {', '.join(remarks_on(part))}".rstrip()
    yield f"  together {percent(total.percent)}{_state_of_total(total)}"
