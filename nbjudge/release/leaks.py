"""Search a release for lines of solutions, hidden tests, mark schemes and reference code.

Everything is searched: each cell, attachment, output and entry of metadata of the notebooks, every
file beside them, and the content of archives. A line is found wherever it stands, however it is
indented or quoted.
"""

from __future__ import annotations

import ast
import base64
import binascii
import io
import re
import textwrap
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from nbjudge.course.cells import exercise_number
from nbjudge.course.plug import package_folder, private_folders
from nbjudge.release import source
from nbjudge.release.source import Region

__all__ = ["Leak", "leaks", "place_of_cell"]

SECRET_REGIONS = {
    Region.SOLUTION: "the solution",
    Region.HIDDEN_TESTS: "a hidden test",
    Region.MARK_SCHEME: "the mark scheme",
}
REMEDY = {
    Region.SOLUTION: "Take it out there, or mark it off with BEGIN SOLUTION and END SOLUTION.",
    Region.HIDDEN_TESTS: "Take it out there, or mark it off with BEGIN and END HIDDEN TESTS.",
    Region.MARK_SCHEME: "Take it out there, or mark it off with BEGIN and END MARK SCHEME.",
}
# A line of code is worth hiding if it computes: it has an operator, or a call with an argument.
FRAME_LINE = re.compile(r"\s*(?:@|(?:async\s+)?def\b|class\b|import\b|from\b|#|$)")
COMPUTES = re.compile(r"[\w)\]]\s*(?:[-+*/%@<>&|^]|\*\*|//|[<>=!]=)\s*[-\w(\[]|\w\(\s*[^\s)]")
WORDS_THAT_TELL = 4
#: The fewest characters of a secret; shorter texts occur everywhere by chance.
SHORTEST_SECRET = 6
#: The most bytes of an archive's content that are searched.
MOST_UNPACKED = 20 * 2**20


@dataclass(frozen=True)
class Secret:
    """A line, or a whole region, that students must not see.

    Parameters
    ----------
    what, remedy : str
        What it belongs to, and what the instructor should do.
    line : str
    keys : tuple of str
        A text that contains one of these gives it away; see `_bare_code` and `_bare_words`.
    is_code : bool
    """

    what: str
    remedy: str
    line: str
    keys: tuple[str, ...]
    is_code: bool


@dataclass(frozen=True)
class Leak:
    """A secret that a place in a release gives away.

    Parameters
    ----------
    where, line : str
    told : str
        A sentence: where, what, and what to do.
    stands_open : bool
        Whether the source shows it openly, too, so that somebody put it there. A file beside the
        notebooks may show any part of a solution but all of it.
    """

    where: str
    line: str
    told: str
    stands_open: bool


def leaks(
    folder: Path,
    sources: Mapping[str, NotebookNode],
    packages: Iterable[str] = (),
    added: Iterable[NotebookNode] = (),
) -> Iterator[Leak]:
    """Yield the secrets that the files of a release give away, one for each place and kind.

    Parameters
    ----------
    folder : Path
        The release.
    sources : mapping of str to NotebookNode
        The instructor's notebooks, by file name.
    packages : iterable of str
        The course's own packages, whose folders students do not get.
    added : iterable of NotebookNode
        The header and the footer that nbgrader adds to each notebook.
    """
    packages = tuple(packages)
    hidden = [*_secrets(sources), *_references(sources, packages)]
    number_of_secrets = Counter(secret.what for secret in hidden)
    open_ones = set(_leaks_in(_open_texts([*sources.values(), *added]), hidden))
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or "__pycache__" in path.parts:
            continue
        name = path.relative_to(folder)
        # Somebody has put it there as it is: a line of it may be how one always does that.
        lies_beside = path.suffix != ".ipynb" and name.parts[0] not in packages
        for where, texts in _places(path, name.as_posix()):
            by_kind: dict[str, list[Secret]] = {}
            for secret in _leaks_in(texts, hidden):
                by_kind.setdefault(secret.what, []).append(secret)
            for what, secrets in sorted(by_kind.items()):
                unseen = [secret for secret in secrets if secret not in open_ones]
                first = (unseen or secrets)[0]
                told = f"{where} gives away {what}: {first.line}. {first.remedy}"
                # The lines together are one more; with a comment among them they are not found.
                gives_all = len(unseen) >= max(1, number_of_secrets[what] - 1)
                stands_open = not unseen or (lies_beside and not gives_all)
                yield Leak(where, first.line, told, stands_open)


def place_of_cell(name: str, notebook: NotebookNode, cell: NotebookNode) -> str:
    """Return the place of a cell as text: notebook, number counted from 1, and id."""
    number = next(i for i, each in enumerate(notebook.cells, 1) if each is cell)
    own = source.grade_id(cell) or cell.get("id", "")
    return f"{name}, cell {number} ('{own}')" if own else f"{name}, cell {number}"


# ---- What is secret ----------------------------------------------------------------------------


def _secrets(sources: Mapping[str, NotebookNode]) -> Iterator[Secret]:
    """Yield the secrets in the sources: single lines, and whole code regions with an assignment.

    A line is no secret if it is part of a starter, if it is in a visible test as well as in a
    hidden one, or if it is trivial: `def f(x):`, an import, `return x`, `step()`.
    """
    starters = [
        _key_of_line(line.text, is_code=True)
        for notebook in sources.values()
        for cell in notebook.cells
        for line in source.lines(cell)
        if line.region is Region.STARTER
    ]
    visible = {
        _key_of_line(line.text, is_code=cell.cell_type == "code")
        for notebook in sources.values()
        for cell in filter(is_grade, notebook.cells)
        for line in source.lines(cell)
        if line.region is Region.OPEN and not is_solution(cell)
    }
    for name, notebook in sources.items():
        for cell in notebook.cells:
            is_code = cell.cell_type == "code"
            exercise = exercise_number(
                (source.grade_id(cell) or cell.get("id", "")).removeprefix("task_")
            )
            for region, lines in _hidden_lines(cell).items():
                what = f"{SECRET_REGIONS[region]} of {exercise} ({name})"
                for line in lines:
                    key = _key_of_line(line, is_code=is_code)
                    if not _tells(line, is_code=is_code) or len(key) < SHORTEST_SECRET:
                        continue
                    if any(key in starter for starter in starters):
                        continue
                    if region is Region.HIDDEN_TESTS and key in visible:
                        continue
                    keys = (key, *_normal_lines(line)) if is_code else (key,)
                    yield Secret(what, REMEDY[region], line.strip(), keys, is_code)
                whole = "".join(
                    _key_of_line(line, is_code=is_code) for line in lines if _is_no_comment(line)
                )
                says = any("=" in line for line in lines) and len(lines) > 1
                if is_code and says and not any(whole in starter for starter in starters):
                    first = next(line for line in lines if "=" in line)
                    yield Secret(what, REMEDY[region], first.strip(), (whole,), is_code)


def _hidden_lines(cell: NotebookNode) -> dict[Region, list[str]]:
    """Return the lines of a cell that students must not see, by region."""
    whole = _is_hidden_whole(cell)
    found: dict[Region, list[str]] = {}
    for line in source.lines(cell):
        region = Region.SOLUTION if whole and line.region is Region.OPEN else line.region
        if region in SECRET_REGIONS and line.text.strip():
            found.setdefault(region, []).append(line.text)
    return found


def _is_hidden_whole(cell: NotebookNode) -> bool:
    """Return whether nbgrader replaces the whole cell: an answer without a solution region."""
    return is_solution(cell) and "BEGIN SOLUTION" not in cell.source


def _references(sources: Mapping[str, NotebookNode], packages: Iterable[str]) -> Iterator[Secret]:
    """Yield the lines of the packages' private modules that the notebooks do not show openly."""
    shown = "\n".join(
        _key_of_line(line.text, is_code=True)
        for notebook in sources.values()
        for cell in notebook.cells
        for line in source.lines(cell)
        if line.region is Region.STARTER
        or (line.region is Region.OPEN and not _is_hidden_whole(cell))
    )
    private = (
        path
        for package in packages
        for folder in private_folders(package)
        for path in sorted(package_folder(package).joinpath(folder).glob("*.py"))
    )
    for path in private:
        for line in path.read_text(encoding="utf-8").splitlines():
            key = _key_of_line(line, is_code=True)
            if _tells(line, is_code=True) and len(key) >= 2 * SHORTEST_SECRET and key not in shown:
                what = f"the course's {path.parent.name} ({path.name})"
                yield Secret(what, "Take it out there.", line.strip(), (key,), is_code=True)


def _is_no_comment(line: str) -> bool:
    return not line.strip().startswith("#")


def _tells(line: str, *, is_code: bool) -> bool:
    if not is_code:
        return len(line.split()) >= WORDS_THAT_TELL
    return not FRAME_LINE.match(line) and COMPUTES.search(line) is not None


def _key_of_line(line: str, *, is_code: bool) -> str:
    return _bare_code(line.lstrip("#> \t")) if is_code else _bare_words(line)


def _bare_code(text: str) -> str:
    """Return code without white space, quotation marks and backslashes."""
    return re.sub(r"[\s'\"\\]", "", text)


def _bare_words(text: str) -> str:
    """Return the letters and digits of a text, without any markup."""
    return "".join(re.findall(r"\w", text.lower()))


def _normal_lines(code: str) -> Iterator[str]:
    """Yield the lines of code as `ast.unparse` writes them."""
    with suppress(SyntaxError, ValueError, RecursionError):
        yield from map(_bare_code, ast.unparse(source.parse(textwrap.dedent(code))).splitlines())


# ---- What is seen ------------------------------------------------------------------------------


def _places(path: Path, name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the places in a file with their texts: each cell of a notebook, or the whole file."""
    if path.suffix != ".ipynb":
        yield name, list(_texts_in(path.read_bytes()))
        return
    notebook = source.read_source(path)
    for cell in notebook.cells:
        texts = list(_strings(cell))
        if cell.cell_type == "code":
            texts.append("\n".join(_normal_lines(cell.source)))
        yield place_of_cell(name, notebook, cell), texts
    yield f"{name}, in its metadata", list(_strings(notebook.metadata))


def _strings(value: object) -> Iterator[str]:
    """Yield all strings in part of a notebook, keys included, and what base64 encodes in them."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
                with suppress(binascii.Error, ValueError):
                    if len(text) > 2 * SHORTEST_SECRET:
                        yield from _texts_in(base64.b64decode(text, validate=True))
            case dict() as mapping:
                waiting += [*mapping, *mapping.values()]
            case list() as items:
                waiting += items


def _texts_in(content: bytes) -> Iterator[str]:
    """Yield a file's content as text and, if it is an archive, that of its members."""
    yield content.decode("utf-8", "replace")
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return
    left = MOST_UNPACKED
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if member.file_size <= left:
                left -= member.file_size
                # A member that cannot be read gives nothing away.
                with suppress(zipfile.BadZipFile, NotImplementedError, RuntimeError):
                    yield archive.read(member).decode("utf-8", "replace")


def _open_texts(notebooks: Iterable[NotebookNode]) -> Iterator[str]:
    """Yield the texts in the sources that students may see."""
    for notebook in notebooks:
        for cell in notebook.cells:
            if not _is_hidden_whole(cell):
                yield "\n".join(
                    line.text for line in source.lines(cell) if line.region is Region.OPEN
                )


def _leaks_in(texts: Iterable[str], hidden: Iterable[Secret]) -> Iterator[Secret]:
    """Yield the secrets that some texts contain."""
    texts = list(texts)
    code = "\n".join(map(_bare_code, texts))
    words = "\n".join(map(_bare_words, texts))
    for secret in hidden:
        if any(key in (code if secret.is_code else words) for key in secret.keys):
            yield secret
