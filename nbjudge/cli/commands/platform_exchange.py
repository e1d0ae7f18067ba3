"""The commands `collect` and `export`, which exchange files with learning platforms."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from nbjudge.basics.exit_codes import ExitCode
from nbjudge.cli.commands.shared import (
    Students,
    error_console,
    find_course,
    ids_of_students,
    update_all_penalties,
)
from nbjudge.export import Format


class PlatformChoice(StrEnum):
    """The learning platforms from which submissions can be collected."""

    MOODLE = "moodle"
    CANVAS = "canvas"


class Identity(StrEnum):
    """How Moodle identifies students: by e-mail address, or by ID number."""

    EMAIL = "email"
    ID = "id"


class Missing(StrEnum):
    """What is exported for students without a submission."""

    EMPTY = "empty"
    ZERO = "zero"


def collect(
    context: typer.Context,
    assignment: Annotated[str, typer.Argument(help="Whose submissions they are.")],
    archives: Annotated[
        list[Path], typer.Argument(help="ZIP files as they were downloaded, or unpacked folders.")
    ],
    platform: Annotated[PlatformChoice, typer.Option("--from", help="Where they were handed in.")],
    roster: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Who is who, as the platform exports it.")
    ] = None,
    id_column: Annotated[
        str, typer.Option(metavar="NAME", help="The roster's column of the ids in this course.")
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Replace what was collected before.")
    ] = False,
) -> None:
    """Put submissions from Moodle or Canvas in submitted/."""
    course = find_course(context)
    from nbjudge.intake.collect import collect_archives
    from nbjudge.intake.submission import printable

    with error_console().status(f"Collecting {assignment} …"):
        found = collect_archives(
            course,
            assignment,
            archives,
            platform=platform.value,
            roster=roster,
            id_column=id_column,
            force=force,
        )
    for student, notebooks in found.notebooks.items():
        typer.echo(f"{printable(student)}: {', '.join(map(printable, notebooks))}")
    for sentence in (*found.left_out, *found.remarks):
        typer.secho(sentence, err=True, fg=typer.colors.YELLOW)
    students = "1 student" if len(found.notebooks) == 1 else f"{len(found.notebooks)} students"
    typer.echo(f"Collected from {students}. To grade them: course autograde {assignment}")
    if found.left_out:
        raise typer.Exit(ExitCode.PARTLY_DONE if found.notebooks else ExitCode.NOT_DONE)


def export(
    context: typer.Context,
    assignments: Annotated[
        list[str] | None, typer.Argument(help="By default all of the gradebook's.")
    ] = None,
    to: Annotated[Format, typer.Option(help="For which program.")] = Format.TIDY,
    roster: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Who is who, as the platform exports it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="By default canvas, moodle or marks.csv.")
    ] = None,
    students: Students = None,
    identify_by: Annotated[
        Identity | None, typer.Option(help="What Moodle knows students by; by default email.")
    ] = None,
    only_final: Annotated[
        bool, typer.Option("--only-final", help="Leave empty what a person has yet to read.")
    ] = False,
    missing: Annotated[
        Missing | None, typer.Option(help="What who handed in nothing gets; by default empty.")
    ] = None,
) -> None:
    """Write marks for Canvas, for Moodle, or for pandas and R."""
    course = find_course(context)
    from nbjudge.export.marks_files import export_marks

    update_all_penalties(course)
    # Pass only the options that were given, as others may be set in the course's configuration.
    settings: dict[str, Any] = {"only_final": True} if only_final else {}
    if missing is not None:
        settings["missing"] = missing.value
    if to is Format.MOODLE and identify_by is not None:
        settings["identify_by"] = identify_by.value
    written = export_marks(
        course,
        to.value,
        assignments=assignments or (),
        students=ids_of_students(course, students) or (),
        roster=roster,
        out=out,
        **settings,
    )
    for remark in written.remarks:
        typer.secho(remark, err=True, fg=typer.colors.YELLOW)
    typer.echo(f"{written.path}: {written.rows} rows")
