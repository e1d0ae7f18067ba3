"""The `course` command. Each sub-command is a thin door to a module that does the work."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

import nbjudge
from nbjudge.basics.exit_codes import ExitCode, code_of_signal
from nbjudge.basics.machine_errors import explain
from nbjudge.basics.stop_signals import stop_signals
from nbjudge.cli.row_choice import Only
from nbjudge.exceptions import CourseError
from nbjudge.export import Format

if TYPE_CHECKING:
    from nbjudge.course.course import Course
    from nbjudge.grading.rows import Row
    from nbjudge.release.release import Release

# Everything else is imported by the command that needs it: `course --help` answers at once.


class _Commands(TyperGroup):
    """Turns what a user can meet into one sentence, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        with stop_signals() as stop:
            try:
                return super().invoke(ctx)
            except CourseError as error:
                _print_problem(str(error))
                raise typer.Exit(ExitCode.NOT_DONE) from None
            except KeyboardInterrupt:
                told = "Stopped. Nothing is left half done: run the same command again to go on."
                with suppress(OSError):  # the terminal may be gone
                    _errors().print(f"\n{told}", soft_wrap=True)
                raise typer.Exit(code_of_signal(stop.signum)) from None
            except BrokenPipeError:  # who reads has enough
                raise
            except Exception as error:
                why = explain(error)
                if why is None:
                    raise
                _print_problem(why)
                raise typer.Exit(ExitCode.NOT_DONE) from None


def _print_problem(problem: str) -> None:
    with suppress(OSError):  # nobody hears it, and the exit code remains
        _errors().print(Text(problem, style="red"), soft_wrap=True)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    help="Prepare, release and grade the course.",
)


class PlatformChoice(StrEnum):
    """Where students hand in."""

    MOODLE = "moodle"
    CANVAS = "canvas"


class ExerciseKind(StrEnum):
    """What an exercise asks for."""

    CODE = "code"
    PARTS = "parts"
    REPAIR = "repair"
    WRITTEN = "written"


class Identity(StrEnum):
    """What Moodle knows students by: their address, or their ID number."""

    EMAIL = "email"
    ID = "id"


class Missing(StrEnum):
    """What is exported of who handed in nothing."""

    EMPTY = "empty"
    ZERO = "zero"


Assignment = Annotated[str | None, typer.Argument(help="By default all of the course's.")]
Students = Annotated[
    list[str] | None,
    typer.Option(
        "--student", metavar="WHO", help="Only this student, by id or name; may be given again."
    ),
]


def _console() -> Console:
    return Console()


def _errors() -> Console:
    return Console(stderr=True, highlight=False)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"course {nbjudge.__version__}")
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


def _find_course(context: typer.Context) -> Course:
    from nbjudge.course.course import Course

    return Course.find(context.obj)


def _chosen_assignments(course: Course, assignment: str | None) -> tuple[str, ...]:
    if assignment is not None:
        return (course.require(assignment),)
    if not course.assignments:
        message = (
            f"There is no assignment in {course.root / 'source'}. "
            "An assignment is a folder there that holds notebooks."
        )
        raise CourseError(message)
    return tuple(map(course.require, course.assignments))


@app.command()
def init(
    folder: Annotated[
        Path, typer.Argument(help="Where; it is made if need be. By default here.")
    ] = Path(),
) -> None:
    """Make a small course to begin with: one assignment, an exercise of each kind."""
    from nbjudge.cli.first_course import make_course

    for name in make_course(folder):
        typer.echo((folder / name).as_posix())
    readme = (folder / "README.md").as_posix()
    typer.echo(f"Go on as {readme} says: `course release warm_up` comes first.")


@app.command()
def release(context: typer.Context, assignment: Assignment = None) -> None:
    """Make the student version, and prove that it gives nothing away."""
    course = _find_course(context)
    from nbjudge.cli.terminal import print_trial
    from nbjudge.release.release import make_release as make_release

    for name in _chosen_assignments(course, assignment):
        with _errors().status(f"Releasing {name} …"):
            made = make_release(course, name)
        for line in _describe_release(made, course.root):
            _console().print(line, markup=False, highlight=False, soft_wrap=True)
        print_trial(_console(), made.proof)
        for advice in made.advice:
            _console().print(f"  Advice: {advice}", markup=False, highlight=False, soft_wrap=True)


def _row_data(row: Row) -> dict[str, Any]:
    """Return a row for a program."""
    told = ("exercise", "title", "notebook", "points", "max_points", "waiting", "again")
    exercises = [{name: getattr(mark, name) for name in told} for mark in row.exercises]
    return {**asdict(row), "exercises": exercises}


def _describe_release(made: Release, root: Path) -> Iterator[str]:
    groups: dict[str, list[str]] = {"notebooks": []}
    beside = []
    for file in made.files:
        path = Path(file)
        if path.suffix == ".ipynb":
            groups["notebooks"].append(file)
        elif len(path.parts) > 1:
            groups.setdefault(path.parts[0], []).append(path.name)
        else:
            beside.append(file)
    groups["beside them"] = beside
    yield f"{made.assignment}: {made.folder.relative_to(root).as_posix()}/, {len(made.files)} files"
    for group, names in groups.items():
        if names:
            yield f"  {group + ':':<14}{', '.join(names)}"
    whole = ": no solution, hidden test, mark scheme, or module of the graders"
    shown = " but what the source itself shows"
    yield f"  nothing given away{shown if made.shows_secrets else whole}"


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
    course = _find_course(context)
    from nbjudge.proof import fairness, self_check

    names = _chosen_assignments(course, assignment)
    with _errors().status(f"Marking {', '.join(names)} twice: solved, and untouched …"):
        marked = self_check.selfcheck(course, names)
    _console().print(self_check.marks_table(marked))
    ok = marked.ok
    if with_fairness:
        with _errors().status("Testing known answers …") as status:
            found = fairness.measure(
                course,
                names,
                lambda done, total: status.update(f"Testing known answers: {done} of {total} …"),
            )
        for part in fairness.fairness_tables(found, details=details):
            _console().print()
            _console().print(part)
        ok = ok and found.ok
    if not ok:
        raise typer.Exit(ExitCode.NOT_DONE)


@app.command()
def new(
    context: typer.Context,
    notebook: Annotated[
        str, typer.Argument(help="assignment/notebook, in source/; it is made if need be.")
    ],
    number: Annotated[str, typer.Argument(help="The one that students read, such as 1.2.1.")],
    symbol: Annotated[
        str,
        typer.Argument(help="What the answer defines: a function, a class. Words define nothing."),
    ] = "",
    points: Annotated[
        int | None, typer.Option(min=1, help="What a right answer is worth.  [default: 1]")
    ] = None,
    kind: Annotated[
        ExerciseKind,
        typer.Option(help="Write code, code for parts of the points, or words; or repair code."),
    ] = ExerciseKind.CODE,
) -> None:
    """Put the cells of a new exercise into a source notebook, for you to fill in."""
    course = _find_course(context)
    from nbjudge.release.new_exercise import NewExercise, add_exercise

    worth = points or (2 if kind is ExerciseKind.PARTS else 1)
    exercise = NewExercise(number, symbol, worth, course.plug.examinations, kind.value)
    path = add_exercise(course, notebook, exercise).relative_to(course.root).as_posix()
    typer.echo(f"{path}: {number} in the cells {', '.join(c.id for c in exercise.cells())}")


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
    from nbjudge.release.tidy import tidy_notebook as make_tidy
    from nbjudge.release.tidy import untidy

    found = 0
    for path in paths or sorted(_find_course(context).root.glob("source/*/*.ipynb")):
        if not only_check and make_tidy(path):
            typer.echo(f"{path}: tidied")
        for finding in untidy(path):
            found += 1
            typer.echo(f"{path}: {finding}", err=True)
    if found:
        remedy = "`course tidy` mends form; mend the rest by hand." if only_check else ""
        typer.echo(f"{found} things are not as they should be. {remedy}".strip(), err=True)
        raise typer.Exit(ExitCode.NOT_DONE)


@app.command()
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
    course = _find_course(context)
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


@app.command()
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
    course = _find_course(context)
    if assignment is None and remove:
        raise CourseError("Say whose deadline is to go: course deadline ASSIGNMENT --remove")
    if time is not None and remove:
        raise CourseError("Give a time or --remove, not both.")
    names = _chosen_assignments(course, assignment)
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


@app.command()
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
    course = _find_course(context)
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
        raise CourseError("Say whose: course extend STUDENT ASSIGNMENT --until TIME")
    if until is not None and remove:
        raise CourseError("Give --until or --remove, not both.")
    name = course.require(assignment)
    versions(course, name)  # an entry of one that is not released would have no notebooks
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


def _update_all_penalties(course: Course, assignments: Collection[str] | None = None) -> None:
    """Have penalties agree with what people marked since the last grading; by default all."""
    from nbjudge.course.gradebook import open_gradebook
    from nbjudge.term.late_policy import update_penalties

    config = course.config()
    with open_gradebook(course) as gradebook:
        known = [each.name for each in gradebook.assignments]
        for name in known if assignments is None else assignments:
            update_penalties(gradebook, config, name)


def _student_folders(course: Course) -> set[str]:
    """Return the names of the folders of students in submitted/."""
    return {path.name for path in course.root.glob("submitted/*/") if path.name[0] != "."}


def _ids_of_students(course: Course, given: Collection[str] | None) -> list[str] | None:
    """Return the ids of students who are given by id or name; None for everybody."""
    if not given:
        return None
    from nbjudge.course.gradebook import open_gradebook, people_of
    from nbjudge.term.find_students import student_ids

    folders = _student_folders(course)
    if folders.issuperset(given):
        return list(given)
    with open_gradebook(course) as gradebook:
        return student_ids(people_of(gradebook), given, known=folders)


def _tell_penalties(students: Collection[str], assignment: str) -> None:
    if students:
        from nbjudge.intake.submission import name_list

        typer.echo(
            f"{assignment}: what lateness costs has changed for {name_list(students)}. "
            f"Give back new feedback: course feedback {assignment}"
        )


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
    only: Annotated[
        Only | None, typer.Option(help="Show these students' rows alone; everybody is graded.")
    ] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Show all remarks, in as many lines as they take.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows for a program.")] = False,
) -> None:
    """Grade what is in submitted/, and show the class's marks."""
    course = _find_course(context)
    chosen = _chosen_assignments(course, assignment)
    ids = _ids_of_students(course, students)
    if scheduler is None:
        from nbjudge.grading import graded
        from nbjudge.grading.workers import preload

        if force or any(graded.is_behind(course, name) for name in chosen):
            preload.start(course.plug)  # most of what follows is imports, too
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
    # Nothing can be printed meanwhile: see `lend_workers`.
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
            except NotReleased as error:  # of all, the others are graded nevertheless
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
        console = _console()
        for name, (rows, time_taken) in classes.items():
            fresh = sum(row.graded_now for row in rows)
            console.print(Text(f"{name}: {fresh} graded now, in {time_taken}", style="bold"))
            print_class(console, rows, only=only, wide=wide)
            console.print()
    if not is_done or any(row.is_unfinished for row in everybody):
        raise typer.Exit(ExitCode.PARTLY_DONE)


@app.command()
def feedback(
    context: typer.Context, assignment: Assignment = None, students: Students = None
) -> None:
    """Write a page of feedback for each graded notebook, and one on all assignments."""
    course = _find_course(context)
    from nbjudge.cli.terminal import progress_bar
    from nbjudge.feedback.term_page import write_term_pages
    from nbjudge.feedback.write import write_feedback as write_feedback
    from nbjudge.intake.submission import printable
    from nbjudge.mistakes.known_behaviours import named_mistakes

    is_done = True
    names = _chosen_assignments(course, assignment)
    ids = _ids_of_students(course, students)
    _update_all_penalties(course, names)
    for name in names:
        with _errors().status("Running known mistakes …"):
            named_mistakes(course, name)  # what is wrong in the catalogue is said once
        with progress_bar(f"Feedback on {name}") as progress:
            written = write_feedback(course, name, students=ids, progress=progress)
        for row in written:
            pages = (printable(str(page.relative_to(course.root))) for page in row.pages)
            who = f"{row.name} ({row.student})" if row.name else row.student
            typer.echo(f"{printable(who)}: {row.remark or ', '.join(pages)}")
        is_done = is_done and all(row.pages for row in written)
    try:
        overviews = write_term_pages(course, ids)
    except CourseError as error:  # the pages of assignments are there all the same
        _print_problem(str(error))
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


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def formgrader(context: typer.Context) -> None:
    """Open nbgrader's formgrader, to mark by hand; further options go to `jupyter lab`."""
    course = _find_course(context)
    from nbjudge.cli.open_formgrader import FOR_OTHERS, serve_formgrader

    typer.echo(FOR_OTHERS, err=True)
    serve_formgrader(course, context.args)


@app.command()
def report(
    context: typer.Context,
    assignment: Assignment = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Write pages that name nobody.")
    ] = False,
) -> None:
    """Write a page on the class for each graded assignment: marks, exercises, mistakes."""
    course = _find_course(context)
    from nbjudge.report import NothingGraded
    from nbjudge.report import write_report as write_report

    written = 0
    names = _chosen_assignments(course, assignment)
    for name in names:
        with _errors().status(f"Reporting on {name} …"):
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
            _console().print(f"  {told}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def totals(
    context: typer.Context,
    student: Annotated[
        str | None,
        typer.Option(metavar="WHO", help="Show this student's marks of all assignments."),
    ] = None,
) -> None:
    """Put the marks of all assignments together, weighed: a page, a CSV file, and a line each."""
    course = _find_course(context)
    from nbjudge.course.folders import save_file
    from nbjudge.course.gradebook import open_gradebook, read_grades
    from nbjudge.intake.submission import name_list
    from nbjudge.report.totals_page import (
        describe_student,
        describe_term,
        totals_csv,
        totals_page,
    )
    from nbjudge.term.find_students import find_student
    from nbjudge.term.totals import read_weighing, term_totals

    _update_all_penalties(course)
    with open_gradebook(course) as gradebook:
        table = read_grades(gradebook)
    term = term_totals(table, read_weighing(course.config()))
    known = {person.id for person in table.people}
    if strangers := sorted(_student_folders(course) - known):
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


@app.command()
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
    course = _find_course(context)
    from nbjudge.intake.collect import collect_archives as collect_all
    from nbjudge.intake.submission import printable

    with _errors().status(f"Collecting {assignment} …"):
        found = collect_all(
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


@app.command()
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
    course = _find_course(context)
    from nbjudge.export.marks_files import export_marks as write_export

    _update_all_penalties(course)
    # What is not given here may be set in the course's configuration.
    settings: dict[str, Any] = {"only_final": True} if only_final else {}
    if missing is not None:
        settings["missing"] = missing.value
    if to is Format.MOODLE and identify_by is not None:
        settings["identify_by"] = identify_by.value
    written = write_export(
        course,
        to.value,
        assignments=assignments or (),
        students=_ids_of_students(course, students) or (),
        roster=roster,
        out=out,
        **settings,
    )
    for remark in written.remarks:
        typer.secho(remark, err=True, fg=typer.colors.YELLOW)
    typer.echo(f"{written.path}: {written.rows} rows")


@app.command()
def mistakes(
    context: typer.Context,
    assignment: Assignment = None,
    sentence: Annotated[
        str | None,
        typer.Option("--name", metavar="SENTENCE", help="What who made the mistake is to read."),
    ] = None,
    number: Annotated[
        int, typer.Option("--group", min=1, help="Which group's mistake it is that is named.")
    ] = 1,
    show_all: Annotated[bool, typer.Option("--all", help="Show small groups, too.")] = False,
) -> None:
    """Show the wrong answers that behave alike and nothing names yet; name one."""
    course = _find_course(context)
    names = _chosen_assignments(course, assignment)
    if sentence is not None and len(names) > 1:
        raise CourseError(f"Say whose mistake it is that is named: {', '.join(names)}.")
    from nbjudge.cli.show_mistakes import show_groups
    from nbjudge.mistakes.known_behaviours import Examiner, named_mistakes
    from nbjudge.mistakes.naming import name_group
    from nbjudge.mistakes.wrong_answers import class_answers, group

    for name in names:
        with _errors().status(f"Running known mistakes of {name} …"):
            named = named_mistakes(course, name)
        examiner = Examiner(course, name)
        answers = list(class_answers(course, name, examiner.versions, named))
        groups = group(answers)
        if sentence is None:
            show_groups(_console(), name, groups, answers, show_all=show_all)
            continue
        if number > len(groups):
            message = (
                f"There is no group {number}: {len(groups)} of '{name}' are not named yet. "
                f"`course mistakes {name}` shows them."
            )
            raise CourseError(message)
        with _errors().status("Proving that it is this mistake …"):
            path, known = name_group(course, name, examiner, groups[number - 1], sentence)
        students = groups[number - 1].students
        who = "1 student reads" if students == 1 else f"{students} students read"
        typer.echo(f"{path.relative_to(course.root).as_posix()}: {known.name}")
        typer.echo(
            f"{who} it in new feedback pages: course feedback {name}. Nobody is graded again."
        )


@app.command()
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
    course = _find_course(context)
    names = _chosen_assignments(course, assignment)
    ids = _ids_of_students(course, students)
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


@app.command()
def data(context: typer.Context) -> None:
    """Fetch the data sets ahead, for a room without a network."""
    from rich.table import Table

    datasets = _find_course(context).plug.module("data")
    if datasets is None:
        typer.echo("This course names no data sets: `c.Plug.data` in nbgrader_config.py would.")
        return
    with _errors().status("Fetching the data sets …"):
        fetched = datasets.fetch_all()
    table = Table("Data set", "From", "File", box=None, pad_edge=False)
    for found in fetched:
        where = found.path or f"generated, since {found.reason}"
        table.add_row(found.name, found.origin, Text(str(where), overflow="fold"))
    _console().print(table)


@app.command()
def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows for a program.")] = False,
) -> None:
    """Try what this machine keeps a submission from, and what else grading needs."""
    from nbjudge.course.course import Course
    from nbjudge.proof.doctor import examine_machine, protections_table
    from nbjudge.sandbox import bubblewrap

    try:
        course = Course.find(context.obj)
    except CourseError:
        if context.obj is not None:
            raise
        course = None  # a machine that only lends its processors has none
    with _errors().status("Trying to do what a submission must not …"):
        found = examine_machine(course)
    if as_json:
        typer.echo(json.dumps({**asdict(found), "ok": found.ok}, indent=2))
    else:
        if found.problem:
            told = f"Without a sandbox: {found.problem} {bubblewrap.UNPROTECTED}"
            _console().print(Text(told, style="yellow"), soft_wrap=True)
        _console().print(protections_table(found))
    if not found.ok:
        raise typer.Exit(ExitCode.NOT_DONE)


@app.command()
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
    course = _find_course(context)
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


@app.command()
def demo(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option(help="Where to make it; by default demo/ in the course.")
    ] = None,
) -> None:
    """Grade a dozen made-up submissions, in a folder of their own."""
    course = _find_course(context)
    from nbjudge.cli.demo import run

    run(course, folder or course.root / "demo", _console())


if __name__ == "__main__":
    app()
