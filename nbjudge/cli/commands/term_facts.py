"""The commands `roster`, `deadline` and `extend`, for the people and deadlines of a term."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from nbjudge.basics.exit_codes import ExitCode
from nbjudge.cli.commands.shared import Assignment, chosen_assignments, find_course
from nbjudge.exceptions import CourseError


def roster(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="A CSV file: id, first, last, email; or what Moodle or Canvas exports.",
        ),
    ] = None,
    id_column: Annotated[
        str, typer.Option(metavar="NAME", help="The column of the ids in this course.")
    ] = "",
) -> None:
    """Take the names of a class into the gradebook; without a file, list whom it knows."""
    course = find_course(context)
    from nbjudge.basics import csv_files
    from nbjudge.cli.show_term import describe_import, describe_people
    from nbjudge.course.gradebook import open_gradebook, people_of
    from nbjudge.term.roster import import_roster, read_roster

    if file is None:
        with open_gradebook(course) as gradebook:
            people = people_of(gradebook)
        for line in describe_people(people):
            typer.echo(line)
        return
    listed = read_roster(csv_files.read_csv(file), id_column)
    with open_gradebook(course) as gradebook:
        found = import_roster(gradebook, listed)
    for line in describe_import(found):
        typer.echo(line)
    for problem in found.problems:
        typer.secho(problem, err=True, fg=typer.colors.YELLOW)
    if found.problems:
        taken = found.added or found.changed or found.same
        raise typer.Exit(ExitCode.PARTLY_DONE if taken else ExitCode.NOT_DONE)


def deadline(
    context: typer.Context,
    assignment: Assignment = None,
    time: Annotated[
        str | None,
        typer.Argument(
            metavar="[TIME]",
            help="Such as '2027-03-02 18:00 Europe/Zurich'; without it, what is set is shown.",
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Let it be due at no time.")] = False,
) -> None:
    """Set when an assignment is due, or show it."""
    course = find_course(context)
    if assignment is None and remove:
        raise CourseError(
            "Name the assignment whose deadline is to be removed: "
            "course deadline ASSIGNMENT --remove"
        )
    if time is not None and remove:
        raise CourseError("Give a time or --remove, not both.")
    names = chosen_assignments(course, assignment)
    from nbjudge.cli.show_term import describe_deadline, describe_extension
    from nbjudge.course.gradebook import open_gradebook, people_of
    from nbjudge.term.deadlines import deadline_of, read_moment, read_term, zone_of
    from nbjudge.term.extensions import extensions_of
    from nbjudge.term.late_policy import move_deadline

    term = read_term(course.config())
    zone = zone_of(term.timezone) if term.timezone else None
    moment = read_moment(time, zone) if time is not None else None
    with open_gradebook(course) as gradebook:
        if moment is not None or remove:
            moved = move_deadline(gradebook, course, names[0], moment)
            for extension in moved.ended:
                told = describe_extension(extension, people_of(gradebook), zone)
                typer.echo(f"No longer an extension, as the deadline is as late: {told}")
            _tell_penalties(moved.penalties, names[0])
        for name in names:
            due = deadline_of(gradebook, name)
            count = len(extensions_of(gradebook, course.root, name))
            typer.echo(describe_deadline(name, due, zone, count))


def extend(
    context: typer.Context,
    student: Annotated[
        str | None, typer.Argument(help="The student's id, or the name as the roster has it.")
    ] = None,
    assignment: Annotated[str | None, typer.Argument(help="For which assignment.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Such as '2027-03-05 18:00 Europe/Zurich'.")
    ] = None,
    reason: Annotated[
        str, typer.Option(metavar="WORDS", help="Why; it is kept in extensions.csv.")
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take the extension back.")] = False,
) -> None:
    """Give one student more time, or list who has more."""
    course = find_course(context)
    from nbjudge.cli.show_term import describe_extension
    from nbjudge.course.gradebook import open_gradebook, people_of, versions
    from nbjudge.term.deadlines import read_moment, read_term, zone_of
    from nbjudge.term.extensions import Extension, extensions_of, grant, withdraw
    from nbjudge.term.find_students import find_student
    from nbjudge.term.late_policy import update_penalties

    term = read_term(course.config())
    zone = zone_of(term.timezone) if term.timezone else None
    if until is None and not remove:
        if reason:
            raise CourseError("Say until when: course extend STUDENT ASSIGNMENT --until TIME")
        name = None if assignment is None else course.require(assignment)
        with open_gradebook(course) as gradebook:
            listed = extensions_of(gradebook, course.root, name)
            people = people_of(gradebook)
        if student is not None:
            own = find_student(people, student).id
            listed = tuple(extension for extension in listed if extension.student == own)
        for extension in listed:
            typer.echo(describe_extension(extension, people, zone))
        if not listed:
            typer.echo("There is no extension.")
        return
    if student is None or assignment is None:
        raise CourseError(
            "Name the student and the assignment: course extend STUDENT ASSIGNMENT --until TIME"
        )
    if until is not None and remove:
        raise CourseError("Give --until or --remove, not both.")
    name = course.require(assignment)
    versions(course, name)  # refuses unreleased assignments, whose submissions have no notebooks
    moment = read_moment(until, zone) if until is not None else None
    with open_gradebook(course) as gradebook:
        student = find_student(people_of(gradebook), student).id
        if moment is None:
            gone = withdraw(gradebook, course.root, student, name)
            told = describe_extension(gone, people_of(gradebook), zone)
            typer.echo(f"Taken back: {told}")
        else:
            extension = Extension(student, name, moment, " ".join(reason.split()))
            grant(gradebook, course.root, extension)
            typer.echo(describe_extension(extension, people_of(gradebook), zone))
        _tell_penalties(update_penalties(gradebook, course.config(), name), name)


def _tell_penalties(students: Collection[str], assignment: str) -> None:
    if students:
        from nbjudge.intake.submission import name_list

        typer.echo(
            f"{assignment}: what lateness costs has changed for {name_list(students)}. "
            f"Give back new feedback: course feedback {assignment}"
        )
