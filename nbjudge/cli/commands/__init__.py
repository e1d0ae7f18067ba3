"""The `course` command. Each subcommand is a thin wrapper around a module that does the work.

The wrappers import those modules only when they run, so that `course --help` answers at once.
"""

from collections.abc import Callable

from nbjudge.cli.commands import class_grading as grading
from nbjudge.cli.commands import class_results as results
from nbjudge.cli.commands import course_making as making
from nbjudge.cli.commands import machine, term_facts
from nbjudge.cli.commands import platform_exchange as platforms
from nbjudge.cli.commands.command_line import app

__all__ = ["app"]

#: The subcommands, in the order of `course --help`.
COMMANDS: tuple[Callable[..., None], ...] = (
    *(making.init, making.release, making.check, making.new, making.tidy),
    *(term_facts.roster, term_facts.deadline, term_facts.extend),
    *(grading.autograde, grading.feedback, grading.formgrader),
    *(results.report, results.totals, platforms.collect, platforms.export),
    *(results.mistakes, results.similar),
    *(machine.data, machine.doctor, machine.desk, machine.demo),
)
#: Settings for the formgrader, which passes unknown options on to JupyterLab.
ANY_OPTION = {"allow_extra_args": True, "ignore_unknown_options": True}

for command in COMMANDS:
    settings = ANY_OPTION if command is grading.formgrader else None
    app.command(context_settings=settings)(command)
