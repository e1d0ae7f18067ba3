"""Explain why a name is not defined: the cell that should define it failed, or did not run.

The explanation is read from the cells' outputs, which a student can forge. It is shown to the
student, and no mark depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from nbformat import NotebookNode

from nbjudge.course.cell_text import bound_names

__all__ = ["NOT_RUN", "STOPPED", "Failure", "Failures", "failure_of"]

#: The name of the error that the grader itself puts into a cell that did not end.
STOPPED = "Stopped"
#: The output of a cell that is not run because no test needs it.
NOT_RUN = "This cell only shows something. It was not run when this notebook was graded."
#: Characters of a line, and of an exception's message, that are shown.
MAX_LINE, MAX_ERROR_TEXT = 120, 300
#: Length of a chain of cells, each of which failed because the next one did, that is shown.
MAX_CAUSES = 3

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PLACE = re.compile(r"^[ \t]*Cell In\[\d+\], line (\d+)", re.MULTILINE)
_CHAIN = re.compile(r"^(?:During handling of|The above exception was)", re.MULTILINE)
_UNDEFINED = re.compile(r"name '(\w+)' is not defined")
_USAGE = re.compile(r"^UsageError: .+", re.MULTILINE)

#: Advice for the student, each with a part of the failure's text; the first that matches is given.
HINTS = (
    (
        "ModuleNotFoundError",
        "Where notebooks are graded that module is not installed: do without it.",
    ),
    ("CUDA", "Where notebooks are graded there is no GPU: leave it out, or ask for one first."),
    ("NVIDIA", "Where notebooks are graded there is no GPU: leave it out, or ask for one first."),
    (
        "StdinNotImplementedError",
        "Where notebooks are graded nobody is there to type: give the value in the code.",
    ),
    ("non-printable character U+00A0", "Delete that space, which is a special one, and type it."),
    ("non-printable character", "Delete that character, which cannot be seen."),
)


@dataclass(frozen=True)
class Failure:
    """A cell that did not run to its end.

    Parameters
    ----------
    grade_id : str
        The cell's; empty if it has none.
    names : frozenset of str
        The names that it should define.
    told : str
        How it failed, as the predicate of a sentence: "stopped at line 1, …".
    wanted : str
        The undefined name because of which it stopped; empty if it had another reason.
    is_stub : bool
        Whether it raised a bare NotImplementedError, as a released answer cell does.
    """

    grade_id: str
    names: frozenset[str]
    told: str
    wanted: str = ""
    is_stub: bool = False

    @property
    def hint(self) -> str:
        """A sentence of advice; empty if there is none."""
        return next((hint for part, hint in HINTS if part in self.told), "")


def failure_of(cell: NotebookNode) -> Failure | None:
    """Return how a cell failed, by its outputs; None if it did not."""
    grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
    names = bound_names(cell.source)
    for output in reversed(cell.outputs):
        if output.output_type == "error":
            return _of_error(output, cell.source, grade_id, names)
        if output.output_type == "display_data" and output.data.get("text/plain") == NOT_RUN:
            return Failure(grade_id, names, "only shows something, and was not run")
        if usage := output.get("name") == "stderr" and _USAGE.search(output.text):
            # A magic stops its cell without an error output.
            return Failure(grade_id, names, f"stopped with {_shorten(usage[0], MAX_ERROR_TEXT)}")
    return None


def _of_error(output: NotebookNode, source: str, grade_id: str, names: frozenset[str]) -> Failure:
    name, said = (str(output.get(part) or "") for part in ("ename", "evalue"))
    if name == STOPPED and said.startswith("This cell "):
        return Failure(grade_id, names, _shorten(said.removeprefix("This cell "), MAX_ERROR_TEXT))
    # The file that a syntax error names is a temporary one of the kernel's.
    said = re.sub(r" \(\d+\.py, line \d+\)\Z", "", said)
    error = _shorten(f"{name}: {said}" if said else name, MAX_ERROR_TEXT)
    wanted = _UNDEFINED.search(said) if name == "NameError" else None
    return Failure(
        grade_id=grade_id,
        names=names,
        told=f"stopped{_line_of_error(output, source)} with {error}",
        wanted=wanted[1] if wanted else "",
        is_stub=name == "NotImplementedError" and not said,
    )


def _line_of_error(output: NotebookNode, source: str) -> str:
    """Return where in a cell an error was raised, as a phrase; empty if its traceback lacks it."""
    lines = output.get("traceback")
    trace = "\n".join(line for line in lines if isinstance(line, str)) if lines else ""
    last = _CHAIN.split(_COLOUR.sub("", trace))[-1]
    if (found := _PLACE.search(last)) is None:
        return ""
    text = source.splitlines()
    number = int(found[1][:9])
    if not 0 < number <= len(text):
        return ""
    line = _shorten(text[number - 1].strip(), MAX_LINE)
    return f" at line {number}, `{line}`," if line else f" at line {number}"


def _shorten(text: str, most: int) -> str:
    text = " ".join(text.split()).removesuffix(".")
    return text if len(text) <= most else f"{text[: most - 1]}…"


class Failures:
    """The failed cells before a test, and explanations from them.

    Parameters
    ----------
    cells : iterable of NotebookNode
        The cells before the test, with their outputs.
    """

    def __init__(self, cells: Iterable[NotebookNode]) -> None:
        self._cells = cells

    @cached_property
    def _all(self) -> list[Failure]:
        code = (cell for cell in self._cells if cell.cell_type == "code")
        return [failure for cell in code if (failure := failure_of(cell))]

    def explain(self, exercise: str, names: Sequence[str]) -> str:
        """Return why names that an exercise's test needs are not defined; empty if not known.

        Parameters
        ----------
        exercise : str
            Its number.
        names : sequence of str
            The undefined names.
        """
        cause = self._definer(names) or self._of_answer(exercise)
        if cause is None:
            return ""
        is_own = cause.grade_id == _answer_id(exercise)
        if is_own and cause.is_stub:
            return f"✗ Exercise {exercise} has no answer yet."
        missing = [name for name in names if name in cause.names] or list(names)
        undefined = f"{_list_of_names(missing)} {'is' if len(missing) == 1 else 'are'} not defined"
        reason = (
            f"your answer's cell {cause.told}, so {undefined}."
            if is_own
            else f"{undefined}, since an earlier cell {cause.told}."
        )
        return f"✗ Exercise {exercise}: {reason}{self._more(cause)}"

    def mention(self, exercise: str, reason: str) -> str:
        """Return a further explanation of lost marks, to follow the reason; often empty."""
        own = self._of_answer(exercise)
        if own is not None and not own.is_stub:
            said = f"Your answer's cell {own.told}: what follows there was not run."
            return f"\n  {said}{self._more(own)}"
        wanted = _UNDEFINED.search(reason)
        return self._want(wanted[1], len(self._all)) if wanted else ""

    def _more(self, cause: Failure, depth: int = 1) -> str:
        """Return the cause of a failure, or advice for it, as a line to follow it."""
        if cause.wanted and depth < MAX_CAUSES:
            place = next(index for index, failure in enumerate(self._all) if failure is cause)
            return self._want(cause.wanted, place, depth)
        return f"\n  {cause.hint}" if cause.hint else ""

    def _want(self, name: str, place: int, depth: int = 1) -> str:
        """Return why a name was not defined, by the first `place` failures; empty if unknown."""
        cause = self._definer([name], place)
        if cause is None:
            return ""
        said = f"`{name}` is not defined, since an earlier cell {cause.told}."
        return f"\n  {said}{self._more(cause, depth + 1)}"

    def _definer(self, names: Sequence[str], place: int | None = None) -> Failure | None:
        """Return the last of the first `place` failures whose cell should define such a name."""
        fits = (f for f in reversed(self._all[:place]) if not f.names.isdisjoint(names))
        return next(fits, None)

    def _of_answer(self, exercise: str) -> Failure | None:
        fits = (f for f in reversed(self._all) if f.grade_id == _answer_id(exercise))
        return next(fits, None)


def _answer_id(exercise: str) -> str:
    return f"ex_{exercise.replace('.', '_')}"


def _list_of_names(names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
