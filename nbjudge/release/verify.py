"""Proving that a student version gives nothing away, and that a student can start with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.utils import is_solution

from nbjudge.course.cells import foreign_language, is_test
from nbjudge.course.course import Course
from nbjudge.course.plug import Plug, private_folders
from nbjudge.exceptions import ReleaseError
from nbjudge.release import source
from nbjudge.release.contract import Breach, advice_on_breaches, breaches
from nbjudge.release.dry_run import dry_run
from nbjudge.release.giveaways import giveaways
from nbjudge.release.leaks import Leak, leaks, place_of_cell
from nbjudge.release.partial_credit import weight_problem
from nbjudge.stand_ins.names import free_names

__all__ = ["ReleaseFindings", "find_breaches", "packages_used", "refusal", "verify_release"]

Notebooks = dict[str, NotebookNode]
CACHE = "__pycache__"


def verify_release(course: Course, assignment: str, *, run: bool = False) -> None:
    """Prove that `release/<assignment>/` may go out to students.

    Parameters
    ----------
    course : Course
    assignment : str
    run : bool
        Whether to run the notebooks as well; see `dry_run.dry_run`.

    Raises
    ------
    ReleaseError
        If anything was found; the message lists all of it.
    """
    if refusals := find_breaches(course, assignment, run=run).refusals:
        raise refusal(course, assignment, refusals)


def refusal(course: Course, assignment: str, found: Sequence[str]) -> ReleaseError:
    """Return the refusal of a release, which lists all that was found."""
    also = "".join(f" or {package}" for package in course.plug.packages)
    listed = "".join(f"\n  - {finding}" for finding in found)
    return ReleaseError(
        f"The student version '{assignment}' must not go out:{listed}\n"
        f"Mend {course.root / 'source' / assignment}{also}, then release again."
    )


@dataclass(frozen=True)
class ReleaseFindings:
    """What was found in a release.

    Parameters
    ----------
    refusals : tuple of str
        Why it may not go out to students.
    advice : tuple of str
        What its instructor may want to change, in sentences.
    shows_secrets : bool
        Whether the source itself shows a line of what students must not see.
    """

    refusals: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    shows_secrets: bool = False


def find_breaches(course: Course, assignment: str, *, run: bool = False) -> ReleaseFindings:
    """Return what is found in `release/<assignment>/`.

    Nothing in the folder may give away a line of a solution, a hidden test, a mark scheme or the
    course's reference, nor mention a module of the course's own; and no callable in it may pass for
    an answer, but for those that a notebook shows. In a course with `Plug.house_rules` also these
    are refused, which are advice elsewhere: what a notebook shows may not pass for an answer; each
    answer cell must name what its solution defines; the parts of a test must be worth its points;
    the exercises must keep the course's contract; and the notebooks must be in their committed
    form, with the cell ids of their sources.
    """
    plug = course.plug
    folder = course.root / "release" / assignment
    sources = _read_notebooks(course.root / "source" / assignment)
    packages = packages_used(folder, plug)
    added = [f"{package}/__init__.py" for package in packages]
    if plug.readme or packages:
        added.append("README.md")
    if plug.requirements:
        added.append("requirements.txt")
    missing = [f"{name} is missing" for name in (*sources, *added) if not (folder / name).is_file()]
    if missing:
        return ReleaseFindings(tuple(missing))
    releases = _read_notebooks(folder)
    found = [f"{name} has no source" for name in releases if name not in sources]
    found += _out_of_place(folder, plug.all_packages)
    leaked = list(leaks(folder, sources, plug.packages, _headers(course)))
    found += [leak.told for leak in leaked if plug.house_rules or not leak.stands_open]
    rules: list[Breach] = []
    for name, original in sources.items():
        found += _missing_cells(name, original, releases[name])
        rules += _form_breaches(folder / name, releases[name], original)
        if not foreign_language(original.metadata)[0]:
            rules += _unfit_cells(name, original, releases[name])
        rules += breaches(name, original)
    if plug.house_rules:
        found += [breach.sentence for breach in rules]
    if run:
        found += dry_run(folder, sources, plug)
    given = [] if found else giveaways(folder, sources, plug)  # it takes longest
    found += [each.told for each in given if plug.house_rules or not each.stands_open]
    if plug.house_rules:
        return ReleaseFindings(tuple(found))
    shown = [leak for leak in leaked if leak.stands_open]
    callables = (f"{each.advice}." for each in given if each.stands_open)
    advice = (*_advice_on_shown(shown), *callables, *advice_on_breaches(rules))
    return ReleaseFindings(tuple(found), advice, bool(shown))


def _advice_on_shown(shown: Sequence[Leak]) -> Iterator[str]:
    """Yield one sentence on lines that the source itself shows and that stand in secrets, too.

    Most are a way to begin a loop, and nobody has to do anything.
    """
    places = {leak.where: leak for leak in reversed(shown)}
    if not places:
        return
    *_, first = places.values()
    what = "a line that is also one of a solution, a hidden test or a mark scheme"
    others = len(places) - 1
    rest = f"So {'does' if others == 1 else 'do'} {others} more. " if others else ""
    yield (
        f"{first.where} shows {what}: {first.line}. {rest}"
        "See whether that gives an answer away; if not, leave it."
    )


def packages_used(folder: Path, plug: Plug) -> tuple[str, ...]:
    """Return the packages of the judge and the course that students get with a release.

    Where nothing in it uses the judge's, and the course has none, they get none.
    """
    if plug.house_rules or plug.packages:
        return plug.all_packages
    own = [
        path
        for path in folder.rglob("*")
        if path.suffix in (".ipynb", ".py")
        and path.relative_to(folder).parts[0] not in plug.all_packages
    ]
    texts = [text for path in own for text in _texts_in_file(path)]
    return tuple(
        package
        for package in plug.all_packages
        if any(re.search(rf"\b{package}\b", text) for text in texts)
    )


def _headers(course: Course) -> list[NotebookNode]:
    """Return the header and the footer that nbgrader adds to each notebook of the course."""
    settings = course.config().IncludeHeaderFooter
    names = [settings.get(name, "") for name in ("header", "footer")]
    return [source.read_source(course.root / name) for name in names if name]


def _read_notebooks(folder: Path) -> Notebooks:
    return {path.name: source.read_source(path) for path in sorted(folder.glob("*.ipynb"))}


def _out_of_place(folder: Path, packages: Sequence[str]) -> Iterator[str]:
    """Yield what of the course's own a release holds or mentions, and markers that were left."""
    private, mention_from_outside = _mention(packages, inside=True), _mention(packages)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            package = path.parent.name
            if path.parent.parent == folder and package in packages and path.name != CACHE:
                yield f"{name}/ is a folder of {package}, and those stay with the course"
            continue
        told = set()
        own = private if path.relative_to(folder).parts[0] in packages else mention_from_outside
        for text in _texts_in_file(path):
            if mention := own.search(text):
                told.add(f"{name} mentions a module that students do not have: {mention[0]}")
            if marker := source.DELIMITER.search(text):
                told.add(f"{name} still has '{marker[0]}'")
        yield from sorted(told)


def _mention(packages: Sequence[str], *, inside: bool = False) -> re.Pattern[str]:
    """Return what finds an import of, or a path to, a module that students do not have.

    Parameters
    ----------
    packages : sequence of str
    inside : bool
        Whether in a file of one of the packages, from which imports can be relative.
    """
    folders = {package: "|".join(private_folders(package)) for package in packages}
    found = []
    for package, owned in folders.items():
        found.append(rf"\b{package}[./](?:{owned})\b")
        found.append(rf"from\s+{package}\s+import\s[^\n]*\b(?:{owned})\b")
    owned = "|".join(folders.values())
    if inside:
        found += [rf"from\s+\.(?:{owned})\b", rf"from\s+\.\s+import\s[^\n]*\b(?:{owned})\b"]
    return re.compile("|".join(found))


def _texts_in_file(path: Path) -> Iterator[str]:
    """Yield every text in a file: all strings of a notebook, or the file itself."""
    if path.suffix != ".ipynb":
        yield path.read_text(encoding="utf-8", errors="replace")
        return
    waiting: list[object] = [source.read_source(path)]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case dict() as mapping:
                waiting += mapping.values()
            case list() as items:
                waiting += items


def _form_breaches(path: Path, release: NotebookNode, original: NotebookNode) -> Iterator[Breach]:
    """Yield how a student notebook differs from the form that its source gives it."""
    where = f"{path.name}:"
    if any(cell.get("outputs") or cell.get("execution_count") for cell in release.cells):
        yield Breach(where, "has outputs or execution counts")
    if path.read_bytes() != source.notebook_text(release).encode():
        yield Breach(where, "is not written in sorted, indented JSON", is_ours=True)
    if [cell.get("id") for cell in release.cells] != [cell.get("id") for cell in original.cells]:
        yield Breach(where, "has other cell ids than its source", is_ours=True)


def _missing_cells(name: str, original: NotebookNode, release: NotebookNode) -> Iterator[str]:
    students = source.by_grade_id(release)
    for grade_id, cell in source.by_grade_id(original).items():
        if grade_id not in students:
            yield f"{place_of_cell(name, original, cell)} is missing in the student version"


def _unfit_cells(name: str, original: NotebookNode, release: NotebookNode) -> Iterator[Breach]:
    """Yield which cells leave a student or a test in the dark, each with where it is."""
    students = source.by_grade_id(release)
    answers = _names_of_answers(original)
    for grade_id, cell in source.by_grade_id(original).items():
        where = place_of_cell(name, original, cell)
        if grade_id in students and cell.cell_type == "code" and is_solution(cell):
            for finding in _stub(students[grade_id].source, cell):
                yield Breach(where, finding)
        if is_test(cell):
            for finding in _borrowed_names(cell, answers):
                yield Breach(where, finding, is_ours=True)
            for finding in _weight_problems(cell):
                yield Breach(where, finding)


def _names_of_answers(original: NotebookNode) -> set[str]:
    """Return the names that the solutions of a notebook define."""
    answers: set[str] = set()
    for cell in original.cells:
        if cell.cell_type == "code" and is_solution(cell):
            with suppress(SyntaxError):  # told elsewhere
                answers |= source.definitions(source.solution(cell)).keys()
    return answers


def _weight_problems(cell: NotebookNode) -> Iterator[str]:
    """Yield how the parts of a test are not worth, together, what the test is worth."""
    with suppress(SyntaxError):  # told elsewhere
        if problem := weight_problem(cell.source, cell.metadata.nbgrader.points):
            yield problem


def _borrowed_names(cell: NotebookNode, answers: set[str]) -> Iterator[str]:
    """Yield which names a test uses that are neither its own nor an answer's.

    Such a name would be looked up in the student's kernel, where it is whatever the student says.
    """
    try:
        used = free_names(cell.source)
    except SyntaxError as error:
        yield f"is not Python ({error.msg}, line {error.lineno}): mend it"
        return
    for symbol in used:
        if symbol not in answers:
            yield f"uses '{symbol}', which no answer defines: import it there"


def _stub(stub: str, cell: NotebookNode) -> Iterator[str]:
    """Yield how an answer cell leaves a student in the dark about what to define."""
    starter = source.starter(cell)
    if starter is not None and stub != starter:
        yield "is not its starter: put the starter above a solution with its markers"
        return
    try:
        given, expected = source.definitions(stub), source.definitions(source.solution(cell))
    except SyntaxError as error:
        yield f"is not Python ({error.msg}, line {error.lineno}): mend it"
        return
    for symbol, arguments in expected.items():
        is_method = "." in symbol
        if symbol in given:
            if given[symbol] != arguments:
                yield (
                    f"has {symbol}({given[symbol]}), its solution ({arguments}): "
                    "give both the same arguments"
                )
        elif not is_method and not (
            arguments is None and re.search(rf"\b{re.escape(symbol)}\b", stub)
        ):
            yield (
                f"does not name '{symbol}', which its solution defines: "
                "leave the line that does outside the solution"
            )
