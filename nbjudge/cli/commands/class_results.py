"""The commands `report`, `totals`, `mistakes` and `similar`, which show a class's results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nbjudge.cli.commands.shared import (
    Assignment,
    Students,
    chosen_assignments,
    console,
    error_console,
    find_course,
    ids_of_students,
    student_folders,
    update_all_penalties,
)
from nbjudge.exceptions import CourseError


def report(
    context: typer.Context,
    assignment: Assignment = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Write pages that name nobody.")
    ] = False,
) -> None:
    """Write a page on the class for each graded assignment: marks, exercises, mistakes."""
    course = find_course(context)
    from nbjudge.report import NothingGraded, write_report

    written = 0
    names = chosen_assignments(course, assignment)
    for name in names:
        with error_console().status(f"Reporting on {name} …"):
            try:
                made = write_report(course, name, anonymous=anonymous)
            except NothingGraded as error:
                if assignment is not None or (name == names[-1] and not written):
                    raise
                typer.echo(str(error), err=True)
                continue
        written += 1
        files = (made.page, made.exercises, made.mistakes)
        typer.echo(f"{name}: {', '.join(str(path.relative_to(course.root)) for path in files)}")
        for told in made.findings:
            console().print(f"  {told}", markup=False, highlight=False, soft_wrap=True)


def totals(
    context: typer.Context,
    student: Annotated[
        str | None,
        typer.Option(metavar="WHO", help="Show this student's marks of all assignments."),
    ] = None,
) -> None:
    """Put the marks of all assignments together, weighed: a page, a CSV file, and a line each."""
    course = find_course(context)
    from nbjudge.course.folders import save_file
    from nbjudge.course.gradebook import open_gradebook, read_grades
    from nbjudge.intake.submission import name_list
    from nbjudge.report.totals_page import describe_student, describe_term, totals_csv, totals_page
    from nbjudge.term.find_students import find_student
    from nbjudge.term.totals import read_weighing, term_totals

    update_all_penalties(course)
    with open_gradebook(course) as gradebook:
        table = read_grades(gradebook)
    term = term_totals(table, read_weighing(course.config()))
    known = {person.id for person in table.people}
    if strangers := sorted(student_folders(course) - known):
        told = f"Not in the gradebook, so not in these totals: {name_list(strangers)}."
        typer.secho(told, err=True, fg=typer.colors.YELLOW)
    if student is not None:
        meant = find_student(table.people, student)
        own = next(total for total in term.totals if total.person.id == meant.id)
        for line in describe_student(own):
            typer.echo(line)
        return
    folder = course.root / "reports"
    folder.mkdir(exist_ok=True)
    save_file(folder / "totals.html", totals_page(term).encode())
    save_file(folder / "totals.csv", totals_csv(term).encode("utf-8-sig"))
    for line in describe_term(term):
        typer.echo(line)
    typer.echo("reports/totals.html, reports/totals.csv")


def mistakes(
    context: typer.Context,
    assignment: Assignment = None,
    sentence: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="SENTENCE", help="What everybody who made the mistake is to read."
        ),
    ] = None,
    number: Annotated[
        int, typer.Option("--group", min=1, help="The group whose mistake is named.")
    ] = 1,
    show_all: Annotated[bool, typer.Option("--all", help="Show small groups, too.")] = False,
) -> None:
    """Show wrong answers that behave alike and have no name yet; name one group."""
    course = find_course(context)
    names = chosen_assignments(course, assignment)
    if sentence is not None and len(names) > 1:
        raise CourseError(f"Say in which assignment the mistake was made: {', '.join(names)}.")
    from nbjudge.cli.show_mistakes import show_groups
    from nbjudge.mistakes.known_behaviours import Examiner, named_mistakes
    from nbjudge.mistakes.naming import name_group
    from nbjudge.mistakes.wrong_answers import class_answers, group

    for name in names:
        with error_console().status(f"Running known mistakes of {name} …"):
            named = named_mistakes(course, name)
        examiner = Examiner(course, name)
        answers = list(class_answers(course, name, examiner.versions, named))
        groups = group(answers)
        if sentence is None:
            show_groups(console(), name, groups, answers, show_all=show_all)
            continue
        if number > len(groups):
            message = (
                f"There is no group {number}: {len(groups)} of '{name}' are not named yet. "
                f"`course mistakes {name}` shows them."
            )
            raise CourseError(message)
        with error_console().status("Proving that it is this mistake …"):
            path, known = name_group(course, name, examiner, groups[number - 1], sentence)
        students = groups[number - 1].students
        who = "1 student reads" if students == 1 else f"{students} students read"
        typer.echo(f"{path.relative_to(course.root).as_posix()}: {known.name}")
        typer.echo(
            f"{who} it in new feedback pages: course feedback {name}. Nobody is graded again."
        )


def similar(
    context: typer.Context,
    assignment: Assignment = None,
    students: Students = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="An earlier class's course, to compare with as well."),
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Call students by numbers.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the pairs for a program.")] = False,
) -> None:
    """Write a page of the answers that read alike, side by side."""
    course = find_course(context)
    names = chosen_assignments(course, assignment)
    ids = ids_of_students(course, students)
    from nbjudge.cli.terminal import progress_bar
    from nbjudge.similar import find as comparing
    from nbjudge.similar import similar_page

    data = []
    for name in names:
        with progress_bar(f"Reading {name}") as progress:
            found = comparing.compare_class(
                course, name, students=ids, against=against, progress=progress
            )
        written = similar_page.write(course, found, anonymous=anonymous)
        if as_json:
            data.append(similar_page.as_data(found, anonymous=anonymous))
            continue
        for line in similar_page.describe_groups(found, written, anonymous=anonymous):
            typer.echo(line)
    if as_json:
        typer.echo(json.dumps(data, indent=2))
