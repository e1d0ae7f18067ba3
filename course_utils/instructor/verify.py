"""Proving that a student version gives nothing away, and that a student can start with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.utils import is_solution

import course_utils
from course_utils.autograde.course import Course
from course_utils.autograde.grading import is_test
from course_utils.autograde.judge import free_names
from course_utils.autograde.version import exercise_number
from course_utils.exceptions import ReleaseError
from course_utils.instructor import source
from course_utils.instructor.giveaways import giveaways
from course_utils.instructor.parts import misweighed
from course_utils.instructor.rehearsal import rehearse
from course_utils.instructor.source import Region

__all__ = ["verify_release"]

Notebooks = dict[str, NotebookNode]

ADDED = ("README.md", "requirements.txt", "course_utils/__init__.py")
SECRET = {
    Region.SOLUTION: "the solution",
    Region.HIDDEN_TESTS: "a hidden test",
    Region.MARK_SCHEME: "the mark scheme",
}
# A line of code tells something if it computes: it has an operator, or a call with an argument.
FRAME = re.compile(r"\s*(?:@|(?:async\s+)?def\b|class\b|import\b|from\b|#|$)")
COMPUTES = re.compile(r"[\w)\]]\s*(?:[-+*/%@<>&|^]|\*\*|//|[<>=!]=)\s*[-\w(\[]|\w\(\s*[^\s)]")
WORDS_THAT_TELL = 4


def verify_release(course: Course, assignment: str, *, run: bool = False) -> None:
    """Prove that `release/<assignment>/` may go out to students.

    Nothing in the folder may give away a line of a solution, a hidden test, a mark scheme or a
    module of the course's own; no callable in it may pass for an answer; each answer cell must name
    what its solution defines; the parts of a test must be worth its points; and the notebooks must
    be in their committed form, with the cell ids of their sources.

    Parameters
    ----------
    course : Course
    assignment : str
    run : bool
        Whether to run the notebooks as well; see `rehearsal.rehearse`.

    Raises
    ------
    ReleaseError
        If anything was found; the message lists all of it.
    """
    folder = course.root / "release" / assignment
    sources = _notebooks(course.root / "source" / assignment)
    found = [f"{name} is missing" for name in (*sources, *ADDED) if not (folder / name).is_file()]
    if not found:
        releases = _notebooks(folder)
        found += [f"{name} has no source" for name in releases if name not in sources]
        found += _leaks(folder, sources)
        for name, original in sources.items():
            form = _form(folder / name, releases[name], original)
            found += [f"{name}: {finding}" for finding in form]
        if run:
            found += rehearse(folder, sources)
        if not found:  # it takes longest
            found += giveaways(folder, sources)
    if found:
        listed = "".join(f"\n  - {finding}" for finding in found)
        message = (
            f"The student version '{assignment}' must not go out:{listed}\n"
            f"Mend {course.root / 'source' / assignment} or course_utils, then release again."
        )
        raise ReleaseError(message)


def _notebooks(folder: Path) -> Notebooks:
    return {path.name: source.read(path) for path in sorted(folder.glob("*.ipynb"))}


def _leaks(folder: Path, sources: Notebooks) -> Iterator[str]:
    """Yield what the files of a release give away: once for each file, cell and kind of secret."""
    secrets = _secrets(sources)
    owned = "|".join(_owned_folders())
    private = re.compile(
        rf"course_utils[./](?:{owned})\b|from\s+\.(?:{owned})\b"
        rf"|from\s+(?:course_utils|\.)\s+import\s[^\n]*\b(?:{owned})\b"
    )
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            if name == "course_utils/__pycache__" or path.parent != folder / "course_utils":
                continue
            yield f"{name}/ is a folder of course_utils, and those stay with the course"
            continue
        told = set()
        for text in _texts(path):
            if mention := private.search(text):
                told.add(f"{name} mentions a module that students do not have: {mention[0]}")
            if marker := source.DELIMITER.search(text):
                told.add(f"{name} still has '{marker[0]}'")
        lines = [line for text in _texts(path) for line in text.splitlines()]
        first = {
            secrets[key]: line for line in reversed(lines) if (key := _squeeze(line)) in secrets
        }
        told |= {f"{name} gives away {what}: {line.strip()}" for what, line in first.items()}
        yield from sorted(told)


def _owned_folders() -> list[str]:
    package = Path(course_utils.__file__).parent
    return sorted(p.name for p in package.iterdir() if p.is_dir() and p.name[0].isalpha())


def _texts(path: Path) -> Iterator[str]:
    """Yield every text in a file: all strings of a notebook, or the file itself."""
    if path.suffix != ".ipynb":
        yield path.read_text(encoding="utf-8", errors="replace")
        return
    waiting: list[object] = [source.read(path)]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case dict() as mapping:
                waiting += mapping.values()
            case list() as items:
                waiting += items


def _secrets(sources: Notebooks) -> dict[str, str]:
    """Return the lines that students must not see, squeezed, each with what it would give away.

    A line is no secret if it also stands outside all such regions, if it is part of a starter, or
    if it tells nothing: `def f(x):`, an import, `return x`, `optimiser.step()`.
    """
    secrets, public = {}, set()
    for name, notebook in sources.items():
        for cell in notebook.cells:
            # nbgrader replaces an answer cell without a region as a whole.
            whole = is_solution(cell) and "BEGIN SOLUTION" not in cell.source
            for line in source.lines(cell):
                region = Region.SOLUTION if whole and line.region is Region.OPEN else line.region
                key = _squeeze(line.text)
                if region not in SECRET:
                    public.add(key)
                elif _tells(line.text, cell.cell_type):
                    name_of = (source.grade_id(cell) or cell.id).removeprefix("task_")
                    exercise = exercise_number(name_of)
                    secrets[key] = f"{SECRET[region]} of {exercise} ({name})"
    return {key: what for key, what in secrets.items() if key not in public}


def _squeeze(line: str) -> str:
    """Return a line without white space, and without the signs that would comment or quote it."""
    return "".join(line.split()).lstrip("#>")


def _tells(line: str, cell_type: str) -> bool:
    if cell_type != "code":
        return len(line.split()) >= WORDS_THAT_TELL
    return not FRAME.match(line) and COMPUTES.search(line) is not None


def _form(path: Path, release: NotebookNode, original: NotebookNode) -> Iterator[str]:
    """Yield how a student notebook differs from the form that its source gives it."""
    if any(cell.get("outputs") or cell.get("execution_count") for cell in release.cells):
        yield "has outputs or execution counts"
    if path.read_bytes() != source.written(release).encode():
        yield "is not written in sorted, indented JSON"
    if [cell.get("id") for cell in release.cells] != [cell.get("id") for cell in original.cells]:
        yield "has other cell ids than its source"
    students = source.by_grade_id(release)
    for name, cell in source.by_grade_id(original).items():
        if name not in students:
            yield f"has no cell '{name}'"
        elif cell.cell_type == "code" and is_solution(cell):
            yield from _stub(name, students[name].source, cell)
    yield from _borrowed(original)
    yield from _misweighed(original)


def _misweighed(original: NotebookNode) -> Iterator[str]:
    """Yield which tests have parts that are not worth, together, what the test is worth."""
    for cell in filter(is_test, original.cells):
        with suppress(SyntaxError):  # told elsewhere
            if problem := misweighed(cell.source, cell.metadata.nbgrader.points):
                yield f"cell '{source.grade_id(cell)}' {problem}"


def _borrowed(original: NotebookNode) -> Iterator[str]:
    """Yield which tests use names that are neither their own nor an answer's.

    Such a name would be looked up in the student's kernel, where it is whatever the student says.
    """
    code = [cell for cell in original.cells if cell.cell_type == "code"]
    answers: set[str] = set()
    for cell in filter(is_solution, code):
        with suppress(SyntaxError):  # told elsewhere
            answers |= source.definitions(source.solution(cell)).keys()
    for cell in filter(is_test, code):
        name = source.grade_id(cell)
        try:
            used = free_names(cell.source)
        except SyntaxError as error:
            yield f"cell '{name}' is not Python ({error.msg}, line {error.lineno})"
            continue
        for symbol in used:
            if symbol not in answers:
                yield f"cell '{name}' uses '{symbol}', which no answer defines: import it there"


def _stub(name: str, stub: str, cell: NotebookNode) -> Iterator[str]:
    """Yield how an answer cell leaves a student in the dark about what to define."""
    starter = source.starter(cell)
    if starter is not None and stub != starter:
        yield f"cell '{name}' is not its starter: put the starter above a solution with its markers"
        return
    try:
        given, expected = source.definitions(stub), source.definitions(source.solution(cell))
    except SyntaxError as error:
        yield f"cell '{name}' is not Python ({error.msg}, line {error.lineno})"
        return
    for symbol, arguments in expected.items():
        is_method = "." in symbol
        if symbol in given:
            if given[symbol] != arguments:
                yield f"cell '{name}' has {symbol}({given[symbol]}), its solution ({arguments})"
        elif not is_method and not (
            arguments is None and re.search(rf"\b{re.escape(symbol)}\b", stub)
        ):
            yield f"cell '{name}' does not name '{symbol}', which its solution defines"
