"""Recognise uploaded files: which notebook of the assignment each one is, or what is wrong with it.

Every problem is reported to the student, who is still at the page and can fix it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nbjudge.basics.json_bounds import count_values
from nbjudge.course.cells import NotebookVersion
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.store import Refused, fits
from nbjudge.exceptions import CourseError, SubmissionError
from nbjudge.intake.data_files import files_below
from nbjudge.intake.sanitise import MAX_JSON_VALUES, sanitise_notebook
from nbjudge.intake.submission import SECRET_NAME, TIMESTAMP, name_list, printable
from nbjudge.intake.unpack import UnpackingBounds, unpack

__all__ = ["Recognised", "plain_file_name", "recognise", "save_upload"]

NOTEBOOK = ".ipynb"
#: What browsers, mail programs and operating systems append to the name of a second copy.
COPY = re.compile(
    r"(?:\s*\(\d{1,3}\)|[-_ ]+(?:copy|kopie|copie)(?:[-_ ]?\d+)?|[-_ ]\d{1,3})$", re.I
)
#: Suffixes that programs append when they take a notebook for text.
ADDED = (".txt", ".json", ".htm", ".html")
#: First bytes of other kinds of file that students upload as notebooks, and what to call each.
OTHER_KINDS = (
    (b"%PDF", "it is a PDF"),
    (b"PK\3\4", "it is an archive, or a document of an office program"),
    (b"\x1f\x8b", "it is an archive"),
    (b"<!", "it is a web page"),
    (b"<html", "it is a web page"),
    (b"<?xml", "it is a web page"),
)


@dataclass(frozen=True)
class Recognised:
    """The files of an upload that are accepted.

    Parameters
    ----------
    files : mapping of str to (str, Path)
        By path relative to the notebook: the uploaded name, and where the file is now.
    remarks : tuple of str
        Sentences for the student.
    """

    files: Mapping[str, tuple[str, Path]]
    remarks: tuple[str, ...]


def plain_file_name(name: str) -> str:
    r"""Return the last part of a file name that a browser sent, safe to use as a name here.

    >>> [plain_file_name(name) for name in (r"C:\\a\\b.ipynb", "../../b.ipynb", "..", "a\x00b", "")]
    ['b.ipynb', 'b.ipynb', 'file', 'ab', 'file']
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if letter.isprintable()).lstrip(". ").strip()
    while len(kept.encode("utf-8", "replace")) > 200:
        kept = kept[1:]  # cut the front: the suffix says what kind of file it is
    return kept or "file"


def recognise(
    sent: Path, work: Path, versions: Mapping[str, NotebookVersion], policy: DeskPolicy
) -> Recognised:
    """Return which of the uploaded files are notebooks of the assignment, and which come with them.

    Parameters
    ----------
    sent : Path
        A folder with one folder inside, which holds the files as they were uploaded.
    work : Path
        An empty folder; archives are unpacked here.
    versions : mapping of str to NotebookVersion
        The notebooks of the assignment, by name.
    policy : DeskPolicy

    Raises
    ------
    Refused
        If no file is a notebook of the assignment, or one is named like a notebook and is none.
        The message says what is wrong, and what to do.
    """
    remarks: list[str] = []
    # To `unpack` an upload is an inner archive, of which it leaves out what is too much. Inner
    # bounds of twice the total make it refuse the upload as a whole instead.
    bounds = UnpackingBounds(
        file_bytes=policy.bytes,
        inner_bytes=2 * policy.bytes,
        inner_files=2 * policy.files,
        total_bytes=policy.bytes,
        total_files=policy.files,
    )
    try:
        unpack(sent, work, bounds, remarks.append)
    except CourseError as error:
        message = (
            f"Nothing was handed in: there are more than {policy.files} files, or "
            f"{policy.megabytes} MB. Leave out what is not your own work, and try again."
        )
        raise Refused(message, 413) from error
    found = sorted(files_below(work))
    notebooks, told = _match_notebooks(work, found, versions)
    taken = {f"{name}{NOTEBOOK}": (path.name, work / path) for name, path in notebooks.items()}
    taken |= _other_files(work, found, notebooks.values(), taken)
    missing = [f"{name}{NOTEBOOK}" for name in versions if name not in notebooks]
    if missing:
        told.append(f"Missing: {name_list(missing)}.")
    return Recognised(taken, (*remarks, *told))


def _match_notebooks(
    work: Path, found: Sequence[Path], versions: Mapping[str, NotebookVersion]
) -> tuple[dict[str, Path], list[str]]:
    """Return the file of each notebook, and sentences on what was guessed or left out."""
    candidates = [path for path in found if _may_be_notebook(path)]
    if not candidates:
        wanted = name_list(f"{name}{NOTEBOOK}" for name in versions)
        there = f"There is {name_list(map(str, found))}." if found else "There is nothing in it."
        raise Refused(f"Nothing was handed in: {wanted} is wanted. {there}")
    offers: dict[str, list[Path]] = {}
    strangers, problems = [], []
    for path in candidates:
        content = (work / path).read_bytes()
        if problem := _why_no_notebook(content):
            problems.append(f"'{printable(path.name)}' is not a notebook: {problem}.")
            continue
        names = _which(path.name, content, versions, alone=len(candidates) == 1)
        if len(names) == 1:
            offers.setdefault(names[0], []).append(path)
        else:
            strangers.append(path.name)
    if problems:  # without this, the student would believe that the file was handed in
        raise Refused(f"Nothing was handed in. {' '.join(problems)} {_HOW}")
    if not offers:
        wanted = name_list(f"{name}{NOTEBOOK}" for name in versions)
        message = (
            f"Nothing was handed in: {name_list(strangers)} is none of this assignment's "
            f"notebooks, which are {wanted}. Is it another assignment's?"
        )
        raise Refused(message)
    chosen, told = {}, []
    for name, paths in offers.items():
        exact = [path for path in paths if path.name == f"{name}{NOTEBOOK}"]
        if len(exact) != 1 and len(paths) > 1:
            message = (
                f"Nothing was handed in: each of {name_list(map(str, paths))} may be '{name}'. "
                "Hand in only the one that you mean."
            )
            raise Refused(message)
        path = chosen[name] = (exact or paths)[0]
        _require_readable(work / path, versions[name])
        if path not in exact:
            told.append(f"This is '{printable(path.name)}': taken as {name}.")
        elif len(paths) > 1:
            others = [str(other) for other in paths if other != path]
            told.append(f"'{path.name}' is taken as {name}; left out: {name_list(others)}.")
    if strangers:
        told.append(f"Not part of the assignment, and left out: {name_list(strangers)}.")
    return chosen, told


_HOW = "In Jupyter: save the notebook, then File → Download."


def _may_be_notebook(path: Path) -> bool:
    name = path.name.lower()
    return name.endswith(NOTEBOOK) or any(name.endswith(f"{NOTEBOOK}{end}") for end in ADDED)


def _why_no_notebook(content: bytes) -> str:
    """Return why a file is no notebook, as the end of a sentence; empty if it is one."""
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "it is empty" if len(content) < 4096 else "it begins with nothing but blanks"
    for beginning, kind in OTHER_KINDS:
        if start.lower().startswith(beginning.lower()):
            return kind
    if count_values(content) > MAX_JSON_VALUES:
        return "it is too large to be read; clear its outputs and save it"
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return "it is not text"
    except (ValueError, RecursionError):
        is_begun = start.startswith(b"{")
        return "it is damaged, or its end is missing" if is_begun else "it is another kind of file"
    return "" if isinstance(found, dict) and "nbformat" in found else "it is data of another kind"


def _which(
    file: str, content: bytes, versions: Mapping[str, NotebookVersion], *, alone: bool
) -> list[str]:
    """Return which notebooks a file may be, by its name, its cells, or because it is the only one.

    Parameters
    ----------
    file : str
        Its name.
    content : bytes
    versions : mapping of str to NotebookVersion
    alone : bool
        Whether it is the only notebook that was uploaded.
    """
    stem = _stem(file)
    if stem in versions:
        return [stem]
    own = _grade_ids(content)
    by_cells = [
        name
        for name, version in versions.items()
        if own & {cell.grade_id for cell in version.cells}
    ]
    if len(by_cells) == 1:
        return by_cells
    alike = [name for name in versions if _fold(name) == _fold(COPY.sub("", stem))]
    if alike or own:
        return alike
    return list(versions) if alone and len(versions) == 1 else []


def _stem(file: str) -> str:
    for end in (*(f"{NOTEBOOK}{added}" for added in ADDED), NOTEBOOK):
        if file.lower().endswith(end):
            return file[: -len(end)]
    return file


def _fold(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name.casefold())


def _grade_ids(content: bytes) -> set[str]:
    cells = json.loads(content.decode("utf-8-sig")).get("cells")
    found = set()
    for cell in cells if isinstance(cells, list) else []:
        metadata = cell.get("metadata") if isinstance(cell, dict) else None
        own = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        name = own.get("grade_id") if isinstance(own, dict) else None
        if isinstance(name, str):
            found.add(name)
    return found


def _require_readable(path: Path, version: NotebookVersion) -> None:
    try:
        sanitise_notebook(path.read_bytes(), version)
    except SubmissionError as error:
        message = f"Nothing was handed in. It cannot be read as a notebook: {error} {_HOW}"
        raise Refused(message) from error


def _other_files(
    work: Path, found: Iterable[Path], notebooks: Collection[Path], taken: Collection[str]
) -> dict[str, tuple[str, Path]]:
    """Return the other files, by path relative to the notebook's folder."""
    homes = sorted({path.parent for path in notebooks}, key=lambda home: len(home.parts))
    beside: dict[str, tuple[str, Path]] = {}
    for path in found:
        if _may_be_notebook(path) or path.name in (TIMESTAMP, SECRET_NAME):
            continue
        home = next((home for home in homes if path.is_relative_to(home)), None)
        # A file outside every notebook's folder was uploaded by itself: it belongs beside them.
        relative = path.relative_to(home) if home is not None else Path(path.name)
        place = PurePosixPath(relative.as_posix())
        if fits(place.as_posix(), {*beside, *taken}):
            beside[place.as_posix()] = (path.name, work / path)
    return beside


def save_upload(name: str, content: bytes, folder: Path) -> None:
    """Write an uploaded file into a folder, under a name that is free there."""
    place = folder / plain_file_name(name)
    number = 1
    while place.exists():
        number += 1
        place = folder / f"{number}-{plain_file_name(name)}"
    place.write_bytes(content)
