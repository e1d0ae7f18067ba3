"""The `course` command. Each sub-command is a thin door to a module that does the work."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

import course_utils
from course_utils.autograde import quick  # noqa: F401 (before anything else of ours)
from course_utils.exceptions import CourseError

if TYPE_CHECKING:
    from course_utils.autograde.course import Course
    from course_utils.instructor.release import Release

# Everything else is imported by the command that needs it: `course --help` answers at once.


class _Commands(TyperGroup):
    """Turns what a user can meet into one sentence, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            _errors().print(Text(str(error), style="red"), soft_wrap=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            told = "Stopped. Nothing is left half done: run the same command again to go on."
            _errors().print(f"\n{told}", soft_wrap=True)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    help="Prepare, release and grade the course.",
)

Assignment = Annotated[str | None, typer.Argument(help="By default all of the course's.")]
Students = Annotated[
    list[str] | None,
    typer.Option("--student", metavar="ID", help="Only this student; may be given again."),
]


def _output() -> Console:
    return Console()


def _errors() -> Console:
    return Console(stderr=True, highlight=False)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"course {course_utils.__version__}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--course",
            metavar="PATH",
            help="The course's folder; by default it is searched upwards.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Keep where to look for the course until a command needs it."""
    context.obj = folder


def _course(context: typer.Context) -> Course:
    from course_utils.autograde.course import Course

    return Course.find(context.obj)


def _chosen(course: Course, assignment: str | None) -> tuple[str, ...]:
    if assignment is not None:
        return (course.require(assignment),)
    if not course.assignments:
        message = (
            f"There is no assignment in {course.root / 'source'}. "
            "An assignment is a folder there that holds notebooks."
        )
        raise CourseError(message)
    return course.assignments


@app.command()
def release(context: typer.Context, assignment: Assignment = None) -> None:
    """Make the student version, and prove that it gives nothing away."""
    course = _course(context)
    from course_utils.instructor.release import release as make_release

    for name in _chosen(course, assignment):
        with _errors().status(f"Releasing {name} …"):
            made = make_release(course, name)
        for line in _describe_release(made, course.root):
            _output().print(line, markup=False, highlight=False, soft_wrap=True)


def _describe_release(made: Release, root: Path) -> Iterator[str]:
    groups: dict[str, list[str]] = {"notebooks": [], "course_utils": [], "beside them": []}
    for file in made.files:
        path = Path(file)
        if path.suffix == ".ipynb":
            groups["notebooks"].append(file)
        elif path.parts[0] == "course_utils":
            groups["course_utils"].append(path.name)
        else:
            groups["beside them"].append(file)
    yield f"{made.assignment}: {made.folder.relative_to(root).as_posix()}/, {len(made.files)} files"
    for group, names in groups.items():
        if names:
            yield f"  {group + ':':<14}{', '.join(names)}"
    yield "  nothing given away: no solution, hidden test, mark scheme, or module of the graders"


@app.command()
def check(
    context: typer.Context,
    assignment: Assignment = None,
    with_fairness: Annotated[
        bool,
        typer.Option("--fairness/--no-fairness", help="Test known mistakes and right answers too."),
    ] = True,
    details: Annotated[
        bool, typer.Option("--details", help="Name the mistakes that only hidden tests find.")
    ] = False,
) -> None:
    """Prove that solutions get all marks and stubs none, and that marks are fair."""
    course = _course(context)
    from course_utils.instructor import fairness, selfcheck

    names = _chosen(course, assignment)
    with _errors().status(f"Marking {', '.join(names)} twice: solved, and untouched …"):
        marked = selfcheck.selfcheck(course, names)
    _output().print(selfcheck.render(marked))
    ok = marked.ok
    if with_fairness:
        with _errors().status("Testing known answers …") as status:
            found = fairness.measure(
                course,
                names,
                lambda done, total: status.update(f"Testing known answers: {done} of {total} …"),
            )
        for part in fairness.described(found, details=details):
            _output().print()
            _output().print(part)
        ok = ok and found.ok
    if not ok:
        raise typer.Exit(1)


@app.command()
def tidy(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Notebooks; by default all in source/.")
    ] = None,
    only_check: Annotated[
        bool, typer.Option("--check", help="Change nothing; say what is not as it should be.")
    ] = False,
) -> None:
    """Put source notebooks in the form in which they are committed."""
    from course_utils.instructor.tidy import tidy as make_tidy
    from course_utils.instructor.tidy import untidy

    found = 0
    for path in paths or sorted(_course(context).root.glob("source/*/*.ipynb")):
        if not only_check and make_tidy(path):
            typer.echo(f"{path}: tidied")
        for finding in untidy(path):
            found += 1
            typer.echo(f"{path}: {finding}", err=True)
    if found:
        remedy = "`course tidy` mends form; mend the rest by hand." if only_check else ""
        typer.echo(f"{found} things are not as they should be. {remedy}".strip(), err=True)
        raise typer.Exit(1)


@app.command()
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
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows for a program.")] = False,
) -> None:
    """Grade what is in submitted/, and show the class's marks."""
    if scheduler is None:
        from course_utils.autograde import forge

        forge.start()  # most of what follows is imports, too
    course = _course(context)
    from course_utils.autograde import batch, sandbox
    from course_utils.instructor.terminal import print_class, took, watched

    if scheduler is None and (problem := sandbox.problem()):
        if require_sandbox:
            message = f"Nothing was graded, because there is no sandbox here. {problem}"
            raise CourseError(message)
        warning = f"Without a sandbox: {problem} {sandbox.UNPROTECTED}"
        typer.secho(warning, err=True, fg=typer.colors.YELLOW)
    classes = {}
    # Nothing can be printed meanwhile: see `staff`.
    with batch.staff(course, workers=workers, scheduler=scheduler) as call_in:
        for name in _chosen(course, assignment):
            start = time.monotonic()
            with watched(f"Grading {name}") as watcher:
                rows = batch.autograde(
                    course,
                    name,
                    students=students,
                    force=force,
                    run_all=run_all,
                    require_sandbox=require_sandbox,
                    call_in=call_in,
                    watcher=watcher,
                )
            classes[name] = rows, took(start)
    if as_json:
        everybody = [asdict(row) for rows, _ in classes.values() for row in rows]
        typer.echo(json.dumps(everybody, indent=2))
        return
    console = _output()
    for name, (rows, time_taken) in classes.items():
        fresh = sum(row.graded_now for row in rows)
        console.print(Text(f"{name}: {fresh} graded now, in {time_taken}", style="bold"))
        print_class(console, rows)
        console.print()


@app.command()
def feedback(
    context: typer.Context, assignment: Assignment = None, students: Students = None
) -> None:
    """Write a page of feedback for each graded notebook."""
    course = _course(context)
    from course_utils.autograde.feedback import feedback as write_feedback
    from course_utils.autograde.submission import shown
    from course_utils.instructor.terminal import progress_bar

    for name in _chosen(course, assignment):
        with progress_bar(f"Feedback on {name}") as progress:
            written = write_feedback(course, name, students=students, progress=progress)
        for row in written:
            pages = (shown(str(page.relative_to(course.root))) for page in row.pages)
            typer.echo(f"{shown(row.student)}: {row.remark or ', '.join(pages)}")


@app.command()
def data() -> None:
    """Fetch the data sets ahead, for a room without a network."""
    from rich.table import Table

    from course_utils.data import fetch_all

    with _errors().status("Fetching the data sets …"):
        fetched = fetch_all()
    table = Table("Data set", "From", "File", box=None, pad_edge=False)
    for found in fetched:
        where = found.path or f"generated, since {found.reason}"
        table.add_row(found.name, found.origin, Text(str(where), overflow="fold"))
    _output().print(table)


@app.command()
def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows for a program.")] = False,
) -> None:
    """Try what this machine keeps a submission from, and what else grading needs."""
    from course_utils.autograde import sandbox
    from course_utils.autograde.course import Course
    from course_utils.instructor.doctor import diagnose, render

    try:
        course = Course.find(context.obj)
    except CourseError:
        if context.obj is not None:
            raise
        course = None  # a machine that only lends its processors has none
    with _errors().status("Trying to do what a submission must not …"):
        found = diagnose(course)
    if as_json:
        typer.echo(json.dumps({**asdict(found), "ok": found.ok}, indent=2))
    else:
        if found.problem:
            told = f"Without a sandbox: {found.problem} {sandbox.UNPROTECTED}"
            _output().print(Text(told, style="yellow"), soft_wrap=True)
        _output().print(render(found))
    if not found.ok:
        raise typer.Exit(1)


@app.command()
def demo(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(help="Where to make it; by default demo/ in the course.")
    ] = None,
) -> None:
    """Grade a dozen made-up submissions, in a folder of their own."""
    course = _course(context)
    from course_utils.instructor.demo import run

    run(course, folder or course.root / "demo", _output())


if __name__ == "__main__":
    app()
