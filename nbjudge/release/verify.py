"""Check a release: it gives nothing away, and students can begin to work with it."""

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
    """Check that `release/<assignment>/` may go out to students.

    Parameters
    ----------
    course : Course
    assignment : str
    run : bool
        Whether to run the notebooks as well; see `dry_run.dry_run`.

    Raises
    ------
    ReleaseError
        If there is any reason against it; the message lists all reasons.
    """
    if refusals := find_breaches(course, assignment, run=run).refusals:
        raise refusal(course, assignment, refusals)


def refusal(course: Course, assignment: str, found: Sequence[str]) -> ReleaseError:
    """Return the error that refuses a release and lists all reasons."""
    also = "".join(f" or {package}" for package in course.plug.packages)
    listed = "".join(f"\n  - {finding}" for finding in found)
    return ReleaseError(
        f"The student version '{assignment}' must not go out:{listed}\n"
        f"Mend {course.root / 'source' / assignment}{also}, then release again."
    )


@dataclass(frozen=True)
class ReleaseFindings:
    """The findings about a release.

    Parameters
    ----------
    refusals : tuple of str
        Reasons why it may not go out to students.
    advice : tuple of str
        Sentences about what the instructor may want to change.
    shows_secrets : bool
        Whether the source itself openly shows a line that students must not see.
    """

    refusals: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    shows_secrets: bool = False


def find_breaches(course: Course, assignment: str, *, run: bool = False) -> ReleaseFindings:
    """Return the findings about `release/<assignment>/`.

    A release is refused if anything in it gives away a line of a solution, a hidden test, a mark
    scheme or the course's reference code, or mentions a private module of the course; or if a
    callable in it passes for an answer, unless a notebook shows that callable openly.

    A course with `Plug.house_rules` is also refused the following, which other courses get as
    advice: an openly shown callable that passes for an answer; an answer cell that does not name
    what its solution defines; parts of a test that do not add up to its points; violations of the
    house rules; and notebooks that are not in their committed form with their sources' cell ids.
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
    given = [] if found else giveaways(folder, sources, plug)  # last, as it is the slowest check
    found += [each.told for each in given if plug.house_rules or not each.stands_open]
    if plug.house_rules:
        return ReleaseFindings(tuple(found))
    shown = [leak for leak in leaked if leak.stands_open]
    callables = (f"{each.advice}." for each in given if each.stands_open)
    advice = (*_advice_on_shown(shown), *callables, *advice_on_breaches(rules))
    return ReleaseFindings(tuple(found), advice, bool(shown))


def _advice_on_shown(shown: Sequence[Leak]) -> Iterator[str]:
    """Yield one sentence about secret lines that the source itself shows openly.

    Most are common code, such as the beginning of a loop, and harmless.
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

    If the course has no packages of its own, these are only the packages that the release uses.
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
    """Yield private folders and modules in a release, mentions of them, and leftover markers."""
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
    """Return a pattern for imports of, and paths to, modules that students do not have.

    Parameters
    ----------
    packages : sequence of str
    inside : bool
        Whether to search a file of one of the packages, where imports can be relative.
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
    """Yield how a student notebook differs from the committed form."""
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
    """Yield problems with answer cells that say too little, and with test cells."""
    students = source.by_grade_id(release)
    answers = _names_of_answers(original)
    tested = _names_of_tests(original)
    for grade_id, cell in source.by_grade_id(original).items():
        where = place_of_cell(name, original, cell)
        if grade_id in students and cell.cell_type == "code" and is_solution(cell):
            yield from _stub(where, students[grade_id].source, cell, tested)
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
            with suppress(SyntaxError):  # `_stub` reports it
                answers |= source.definitions(source.solution(cell)).keys()
    return answers


def _names_of_tests(original: NotebookNode) -> set[str]:
    """Return the names that the tests of a notebook use."""
    names: set[str] = set()
    for cell in original.cells:
        if is_test(cell):
            with suppress(SyntaxError, ValueError):  # told elsewhere
                names |= set(free_names(cell.source))
    return names


def _weight_problems(cell: NotebookNode) -> Iterator[str]:
    """Yield the problem with the parts of a test, if there is one."""
    with suppress(SyntaxError):  # `_borrowed_names` reports it
        if problem := weight_problem(cell.source, cell.metadata.nbgrader.points):
            yield problem


def _borrowed_names(cell: NotebookNode, answers: set[str]) -> Iterator[str]:
    """Yield the names that a test uses but neither defines itself nor gets from an answer.

    Such a name would be looked up in the student's kernel, where the student decides what it is.
    """
    try:
        used = free_names(cell.source)
    except SyntaxError as error:
        yield f"is not Python ({error.msg}, line {error.lineno}): mend it"
        return
    for symbol in used:
        if symbol not in answers:
            yield f"uses '{symbol}', which no answer defines: import it there"


def _stub(where: str, stub: str, cell: NotebookNode, tested: set[str]) -> Iterator[Breach]:
    """Yield problems with the stub of an answer cell, such as a name that it does not mention."""
    starter = source.starter(cell)
    if starter is not None and stub != starter:
        yield Breach(where, "is not its starter: put the starter above a solution with its markers")
        return
    try:
        given, expected = source.definitions(stub), source.definitions(source.solution(cell))
    except SyntaxError as error:
        yield Breach(where, f"is not Python ({error.msg}, line {error.lineno}): mend it")
        return
    for symbol, arguments in expected.items():
        if symbol in given and given[symbol] != arguments:
            what = (
                f"has {symbol}({given[symbol]}), its solution ({arguments}): "
                "give both the same arguments"
            )
            yield Breach(where, what)
    for symbol, arguments in expected.items():
        is_named = arguments is None and re.search(rf"\b{re.escape(symbol)}\b", stub)
        if symbol not in given and "." not in symbol and not is_named:
            what = (
                f"does not name '{symbol}', which its solution defines: "
                "leave the line that does outside the solution"
            )
            # A name that no test uses is the solution's own.
            yield Breach(where, what, symbol not in tested, symbol)
