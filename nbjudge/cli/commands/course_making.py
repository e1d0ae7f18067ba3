"""The commands `init`, `release`, `check`, `new` and `tidy`, which make a course."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nbjudge.basics.exit_codes import ExitCode
from nbjudge.cli.commands.shared import (
    Assignment,
    chosen_assignments,
    console,
    error_console,
    find_course,
)

if TYPE_CHECKING:
    from nbjudge.release.release import Release


class ExerciseKind(StrEnum):
    """The kinds of exercise."""

    CODE = "code"
    PARTS = "parts"
    REPAIR = "repair"
    WRITTEN = "written"


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


def release(context: typer.Context, assignment: Assignment = None) -> None:
    """Make the student version, and prove that it gives nothing away."""
    course = find_course(context)
    from nbjudge.cli.terminal import print_trial
    from nbjudge.release.release import make_release

    for name in chosen_assignments(course, assignment):
        with error_console().status(f"Releasing {name} …"):
            made = make_release(course, name)
        for line in _describe_release(made, course.root):
            console().print(line, markup=False, highlight=False, soft_wrap=True)
        print_trial(console(), made.proof)
        for advice in made.advice:
            console().print(f"  Advice: {advice}", markup=False, highlight=False, soft_wrap=True)


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
    course = find_course(context)
    from nbjudge.proof import fairness, self_check

    names = chosen_assignments(course, assignment)
    with error_console().status(f"Marking {', '.join(names)} twice: solved, and untouched …"):
        marked = self_check.selfcheck(course, names)
    console().print(self_check.marks_table(marked))
    ok = marked.ok
    if with_fairness:
        with error_console().status("Testing known answers …") as status:
            found = fairness.measure(
                course,
                names,
                lambda done, total: status.update(f"Testing known answers: {done} of {total} …"),
            )
        for part in fairness.fairness_tables(found, details=details):
            console().print()
            console().print(part)
        ok = ok and found.ok
    if not ok:
        raise typer.Exit(ExitCode.NOT_DONE)


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
    course = find_course(context)
    from nbjudge.release.new_exercise import NewExercise, add_exercise

    worth = points or (2 if kind is ExerciseKind.PARTS else 1)
    exercise = NewExercise(number, symbol, worth, course.plug.examinations, kind.value)
    path = add_exercise(course, notebook, exercise).relative_to(course.root).as_posix()
    typer.echo(f"{path}: {number} in the cells {', '.join(c.id for c in exercise.cells())}")


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
    from nbjudge.release.tidy import tidy_notebook, untidy

    found = 0
    for path in paths or sorted(find_course(context).root.glob("source/*/*.ipynb")):
        if not only_check and tidy_notebook(path):
            typer.echo(f"{path}: tidied")
        for finding in untidy(path):
            found += 1
            typer.echo(f"{path}: {finding}", err=True)
    if found:
        remedy = "`course tidy` mends form; mend the rest by hand." if only_check else ""
        typer.echo(f"{found} things are not as they should be. {remedy}".strip(), err=True)
        raise typer.Exit(ExitCode.NOT_DONE)
