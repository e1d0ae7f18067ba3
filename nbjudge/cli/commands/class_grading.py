"""The commands `autograde`, `feedback` and `formgrader`, which grade a class."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from nbjudge.basics.exit_codes import ExitCode
from nbjudge.cli.commands.shared import (
    Assignment,
    Students,
    chosen_assignments,
    console,
    error_console,
    find_course,
    ids_of_students,
    print_problem,
    update_all_penalties,
)
from nbjudge.cli.row_choice import Only
from nbjudge.exceptions import CourseError

if TYPE_CHECKING:
    from nbjudge.grading.rows import Row


def autograde(
    context: typer.Context,
    assignment: Assignment = None,
    students: Students = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that grade; by default one for each processor."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Of a Dask scheduler whose workers grade instead."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Grade again what is graded.")] = False,
    run_all: Annotated[
        bool, typer.Option("--run-all", help="Run also cells that only show something.")
    ] = False,
    require_sandbox: Annotated[
        bool, typer.Option("--require-sandbox", help="Refuse to grade where there is no sandbox.")
    ] = False,
    only: Annotated[
        Only | None, typer.Option(help="Show these students' rows alone; everybody is graded.")
    ] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Show all remarks, in as many lines as they take.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows for a program.")] = False,
) -> None:
    """Grade what is in submitted/, and show the class's marks."""
    course = find_course(context)
    chosen = chosen_assignments(course, assignment)
    ids = ids_of_students(course, students)
    if scheduler is None:
        from nbjudge.grading import graded
        from nbjudge.grading.workers import preload

        if force or any(graded.is_behind(course, name) for name in chosen):
            preload.start(course.plug)  # runs while the imports below take their time
    from nbjudge.cli.terminal import print_class, show_progress, took
    from nbjudge.course.gradebook import NotReleased
    from nbjudge.grading import batch
    from nbjudge.grading.conditions import unused_steps
    from nbjudge.sandbox import bubblewrap

    if scheduler is None and (problem := bubblewrap.problem()):
        if require_sandbox:
            message = f"Nothing was graded, because there is no sandbox here. {problem}"
            raise CourseError(message)
        warning = f"Without a sandbox: {problem} {bubblewrap.UNPROTECTED}"
        typer.secho(warning, err=True, fg=typer.colors.YELLOW)
    if own := unused_steps(course.config()):
        warning = (
            f"Only `nbgrader autograde` runs what nbgrader_config.py adds to it: {', '.join(own)}. "
            "If a mark depends on that, grade by nbgrader's command."
        )
        typer.secho(warning, err=True, fg=typer.colors.YELLOW)
    classes = {}
    passed_over: list[str] = []
    is_done = True
    # In this block standard output is redirected: see `lend_workers`.
    with batch.lend_workers(course, workers=workers, scheduler=scheduler) as get_pool:
        for name in chosen:
            start = time.monotonic()
            try:
                with show_progress(f"Grading {name}") as watcher:
                    rows = batch.grade_assignment(
                        course,
                        name,
                        students=ids,
                        force=force,
                        run_all=run_all,
                        require_sandbox=require_sandbox,
                        get_pool=get_pool,
                        watcher=watcher,
                    )
            except NotReleased as error:  # with several assignments, go on with the others
                if assignment is not None or len(chosen) == 1:
                    raise
                passed_over.append(str(error))
                is_done = is_done and not any((course.root / "submitted").glob(f"*/{name}"))
                continue
            classes[name] = rows, took(start)
    for told in passed_over:
        typer.echo(told, err=True)
    everybody = [row for rows, _ in classes.values() for row in rows]
    if as_json:
        typer.echo(json.dumps([_row_data(row) for row in everybody], indent=2))
    else:
        screen = console()
        for name, (rows, time_taken) in classes.items():
            fresh = sum(row.graded_now for row in rows)
            screen.print(Text(f"{name}: {fresh} graded now, in {time_taken}", style="bold"))
            print_class(screen, rows, only=only, wide=wide)
            screen.print()
    if not is_done or any(row.is_unfinished for row in everybody):
        raise typer.Exit(ExitCode.PARTLY_DONE)


def _row_data(row: Row) -> dict[str, Any]:
    """Return a row as JSON data."""
    told = ("exercise", "title", "notebook", "points", "max_points", "waiting", "again")
    exercises = [{name: getattr(mark, name) for name in told} for mark in row.exercises]
    return {**asdict(row), "exercises": exercises}


def feedback(
    context: typer.Context, assignment: Assignment = None, students: Students = None
) -> None:
    """Write a page of feedback for each graded notebook, and one on all assignments."""
    course = find_course(context)
    from nbjudge.cli.terminal import progress_bar
    from nbjudge.feedback.term_page import write_term_pages
    from nbjudge.feedback.write import write_feedback
    from nbjudge.intake.submission import printable
    from nbjudge.mistakes.known_behaviours import named_mistakes

    is_done = True
    names = chosen_assignments(course, assignment)
    ids = ids_of_students(course, students)
    update_all_penalties(course, names)
    for name in names:
        with error_console().status("Running known mistakes …"):
            named_mistakes(course, name)  # report errors in `known/` once, not for each student
        with progress_bar(f"Feedback on {name}") as progress:
            written = write_feedback(course, name, students=ids, progress=progress)
        for row in written:
            pages = (printable(str(page.relative_to(course.root))) for page in row.pages)
            who = f"{row.name} ({row.student})" if row.name else row.student
            typer.echo(f"{printable(who)}: {row.remark or ', '.join(pages)}")
        is_done = is_done and all(row.pages for row in written)
    try:
        overviews = write_term_pages(course, ids)
    except CourseError as error:  # the pages of the assignments have been written
        print_problem(str(error))
        is_done = False
    else:
        if len(overviews) == 1:
            (page,) = overviews.values()
            typer.echo(f"All assignments: {printable(str(page.relative_to(course.root)))}")
        elif overviews:
            who = f"each of {len(overviews)} students"
            typer.echo(f"All assignments, for {who}: feedback/STUDENT/index.html")
    if not is_done:
        raise typer.Exit(ExitCode.PARTLY_DONE)


def formgrader(context: typer.Context) -> None:
    """Open nbgrader's formgrader, to mark by hand; further options go to `jupyter lab`."""
    course = find_course(context)
    from nbjudge.cli.open_formgrader import FOR_OTHERS, serve_formgrader

    typer.echo(FOR_OTHERS, err=True)
    serve_formgrader(course, context.args)
