"""The commands `doctor`, `data`, `desk` and `demo`, which concern this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from nbjudge.basics.exit_codes import ExitCode
from nbjudge.cli.commands.shared import console, error_console, find_course
from nbjudge.exceptions import CourseError


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows for a program.")] = False,
) -> None:
    """Try what this machine keeps a submission from, and what else grading needs."""
    from nbjudge.course.course import Course
    from nbjudge.proof.doctor import examine_machine
    from nbjudge.proof.protections import protections_table
    from nbjudge.sandbox import bubblewrap

    try:
        course = Course.find(context.obj)
    except CourseError:
        if context.obj is not None:
            raise
        course = None  # a machine that only runs workers has no course
    with error_console().status("Trying to do what a submission must not …"):
        found = examine_machine(course)
    if as_json:
        typer.echo(json.dumps({**asdict(found), "ok": found.ok}, indent=2))
    else:
        if found.problem:
            told = f"Without a sandbox: {found.problem} {bubblewrap.UNPROTECTED}"
            console().print(Text(told, style="yellow"), soft_wrap=True)
        console().print(protections_table(found))
    if not found.ok:
        raise typer.Exit(ExitCode.NOT_DONE)


def data(context: typer.Context) -> None:
    """Fetch the data sets ahead, for a room without a network."""
    from rich.table import Table

    datasets = find_course(context).plug.module("data")
    if datasets is None:
        typer.echo("This course names no data sets: `c.Plug.data` in nbgrader_config.py would.")
        return
    with error_console().status("Fetching the data sets …"):
        fetched = datasets.fetch_all()
    table = Table("Data set", "From", "File", box=None, pad_edge=False)
    for found in fetched:
        where = found.path or f"generated, since {found.reason}"
        table.add_row(found.name, found.origin, Text(str(where), overflow="fold"))
    console().print(table)


def desk(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="Which of this machine's addresses to listen at.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="By default that of c.Desk.url.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Grading processes; by default one per processor.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler whose workers grade.")
    ] = None,
    links: Annotated[
        bool, typer.Option("--links", help="Write everybody's personal link to desk_links.csv.")
    ] = False,
    roster: Annotated[
        bool,
        typer.Option(
            "--roster", help="Read who is in the class from the learning platform or the hub."
        ),
    ] = False,
    forget: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Delete what the desk has of this student."),
    ] = None,
    show_demo: Annotated[
        bool, typer.Option("--demo", help="Open a desk for a made-up class, in demo/.")
    ] = False,
    without_sandbox: Annotated[
        bool,
        typer.Option("--without-sandbox", help="Open it also where nothing confines answers."),
    ] = False,
) -> None:
    """Let students hand in over the web, and give them their marks in seconds."""
    course = find_course(context)
    try:
        from nbjudge.cli import open_desk
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "nbjudge":
            raise
        message = f'The desk needs {error.name}, which is missing: pip install "nbjudge[desk]"'
        raise CourseError(message) from error

    if links:
        for line in open_desk.write_links(course):
            typer.echo(line)
        return
    if roster:
        told, problems = open_desk.read_class(course)
        for line in told:
            typer.echo(line)
        for problem in problems:
            typer.secho(problem, err=True, fg=typer.colors.YELLOW)
        if problems:
            raise typer.Exit(ExitCode.PARTLY_DONE if told else ExitCode.NOT_DONE)
        return
    if forget:
        for line in open_desk.forget(course, forget):
            typer.echo(line)
        return
    grading = {"workers": workers, "scheduler": scheduler}
    open_desk.require_sandbox(without_sandbox=without_sandbox or scheduler is not None)
    if show_demo:
        open_desk.serve_demo(course, host, port, grading, typer.echo)
    else:
        open_desk.serve_desk(course, host, port, grading, typer.echo)


def demo(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(help="Where to make it; by default demo/ in the course.")
    ] = None,
) -> None:
    """Grade a dozen made-up submissions, in a folder of their own."""
    course = find_course(context)
    from nbjudge.cli.demo import run

    run(course, folder or course.root / "demo", console())
