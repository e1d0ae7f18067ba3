"""The command line itself: global options, and the handling of errors."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import nbjudge
from nbjudge.basics.exit_codes import ExitCode, code_of_signal
from nbjudge.basics.machine_errors import explain
from nbjudge.basics.stop_signals import stop_signals
from nbjudge.cli.commands.shared import error_console, print_problem
from nbjudge.exceptions import CourseError


class _Commands(TyperGroup):
    """The group of commands; it reports expected errors as one sentence, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        with stop_signals() as stop:
            try:
                return super().invoke(ctx)
            except CourseError as error:
                print_problem(str(error))
                raise typer.Exit(ExitCode.NOT_DONE) from None
            except KeyboardInterrupt:
                told = "Stopped. Nothing is left half done: run the same command again to go on."
                with suppress(OSError):  # the terminal may be closed
                    error_console().print(f"\n{told}", soft_wrap=True)
                raise typer.Exit(code_of_signal(stop.signum)) from None
            except BrokenPipeError:  # the reader of the output, such as `head`, has ended
                raise
            except Exception as error:
                why = explain(error)
                if why is None:
                    raise
                print_problem(why)
                raise typer.Exit(ExitCode.NOT_DONE) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    help="Prepare, release and grade the course.",
)


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
