"""Make the student version of an assignment: nbgrader generates it, this module completes it."""

from __future__ import annotations

import filecmp
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import requires
from importlib.metadata import version as installed_version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nbgrader.api import MissingEntry
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from nbjudge.basics.machine_errors import explain, explain_database
from nbjudge.course.course import CONFIG_NAME, Course, causes
from nbjudge.course.folders import clear_away, working_folder, write_whole
from nbjudge.course.gradebook import open_gradebook, versions
from nbjudge.course.hidden_regions import USUAL_DELIMITERS, in_usual_words
from nbjudge.course.plug import Plug, module_files, package_folder
from nbjudge.exceptions import CourseError, ReleaseError
from nbjudge.grading.conditions import GradingConditions, course_limits, grader_version
from nbjudge.grading.solution_proof import (
    PROOFS_FOLDER as PROOFS,
)
from nbjudge.grading.solution_proof import (
    Proof,
    digest,
    find,
    find_or_prove,
    keep,
    solution_texts,
)
from nbjudge.release import source
from nbjudge.release.leaks import place_of_cell
from nbjudge.release.unready import AUTOTESTS, reasons_unready
from nbjudge.release.verify import find_breaches, packages_used, refusal, verify_release

__all__ = [
    "Release",
    "complete",
    "drift",
    "failure",
    "generate",
    "make_release",
    "scratch",
    "verify_release",
]

#: How nbgrader's log begins an error of the gradebook's database.
DATABASE_ERROR = "OperationalError: "

README = """\
# {title}

{notebooks}

## Open it

Keep this folder together: what lies beside the notebooks belongs to them. Open them in Jupyter or
VS Code, with a Python that has the course's packages.

## Work on it

1. Run the cells from the top, one after the other (Shift+Enter).
2. Write your answer where a cell says `YOUR CODE HERE` or `YOUR ANSWER HERE`, or repair the broken
   code in it. Delete the line `raise NotImplementedError()`.
3. Run your answer, then the check below it. `✓` is a check that holds; `✗` says what is wrong, and
   often what to think about. Try as often as you like.

Add cells of your own if you like. Leave locked cells as they are, and do not copy, delete, merge or
split cells that are to be marked.

## Hand it in

Choose *Kernel > Restart Kernel and Run All Cells* (in VS Code *Restart*, then *Run All*): what then
works will work when it is marked. A cell that you left open stops the run; go on below it. Save,
and give back {hand_in}, under the same name.

You get back a page for each notebook, with your marks, the reason for each lost point, and what was
written about your answers in words.
"""


@dataclass(frozen=True)
class Release:
    """The student version of an assignment.

    Parameters
    ----------
    assignment : str
    folder : Path
        The folder that students get.
    files : tuple of str
        All files in it, relative to `folder`, sorted.
    proof : Proof
        The result of judging the course's own solution by its tests.
    advice : tuple of str
        Sentences about what the instructor may want to change.
    shows_secrets : bool
        Whether the source itself openly shows a line that students must not see.
    """

    assignment: str
    folder: Path
    files: tuple[str, ...]
    proof: Proof
    advice: tuple[str, ...] = ()
    shows_secrets: bool = False


def make_release(course: Course, assignment: str, *, run: bool = False) -> Release:
    """Make `release/<assignment>/` from `source/<assignment>/`, and prove that it may go out.

    It is made and checked in a copy of the course. Only then is it entered in the gradebook, and
    the folder replaced, so a refusal changes nothing.

    Parameters
    ----------
    course : Course
    assignment : str
    run : bool
        Whether to run the unanswered notebooks as well.

    Raises
    ------
    CourseError
        If the course has no such assignment.
    ReleaseError
        If nbgrader refuses it, if it would give something away, if the course's own solution does
        not get all marks, or if marks in the gradebook would be lost.
    """
    course.require(assignment)
    inputs = _digest_of_inputs(course, assignment)
    if not run and (unchanged := _find_unchanged(course, assignment, inputs)):
        return unchanged
    if reasons := reasons_unready(course.root, assignment):
        raise refusal(course, assignment, reasons)
    with scratch(course, assignment) as draft:
        generate(draft, assignment)
        _refuse_lost_marks(course, draft, assignment)
        found = find_breaches(draft, assignment, run=run)
        if found.refusals:
            raise refusal(course, assignment, found.refusals)
        proof = _proof_of(course, draft, assignment)
        if refusals := _proof_findings(draft, assignment, proof):
            raise refusal(course, assignment, refusals)
        folder = _put_in_place(course, draft, assignment)
        keep(course, assignment, proof)
    files = tuple(sorted(_files_to_release(folder)))
    made = Release(assignment, folder, files, proof, found.advice, found.shows_secrets)
    _remember(course, made, inputs)
    return made


def _find_unchanged(course: Course, assignment: str, inputs: str) -> Release | None:
    """Return the existing release, if neither its inputs nor its files have changed.

    The record of it, a file beside the proof, is a cache: without it the release is made again.
    """
    folder = course.root / "release" / assignment
    try:
        record = json.loads(_proof_record(course, assignment).read_bytes())
        known = [record["inputs"], record["release"], record["version"]]
        advice, shows_secrets = tuple(map(str, record["advice"])), bool(record["shows_secrets"])
        if known[:2] != [inputs, _digest_of_paths(_all_files(folder))]:
            return None
        version = digest(versions(course, assignment))
    except (OSError, ValueError, TypeError, LookupError, CourseError):
        return None
    proof = find(course, assignment, version)
    if proof is None or version != known[2] or proof.grader != grader_version(course.plug.packages):
        return None
    if any(proof.faults.values()):  # a package installed since may have mended them
        return None
    files = tuple(sorted(_files_to_release(folder)))
    return Release(assignment, folder, files, proof, advice, shows_secrets)


def _remember(course: Course, made: Release, inputs: str) -> None:
    record = {
        "inputs": inputs,
        "release": _digest_of_paths(_all_files(made.folder)),
        "version": digest(versions(course, made.assignment)),
        "advice": made.advice,
        "shows_secrets": made.shows_secrets,
    }
    write_whole(_proof_record(course, made.assignment), json.dumps(record))


def _proof_record(course: Course, assignment: str) -> Path:
    return course.root / PROOFS / f".{assignment}.released"


def _digest_of_inputs(course: Course, assignment: str) -> str:
    """Return a hash of everything that a release is made from.

    That is its source files, the settings, the code that makes and judges it, and the versions of
    the libraries that this code uses.
    """
    source_folder = course.root / "source"
    files = {
        path.relative_to(course.root).as_posix(): path
        for folder in (source_folder, source_folder / assignment)
        for path in (folder.iterdir() if folder == source_folder else folder.rglob("*"))
        if path.is_file()
    }
    files |= {name: course.root / name for name in (CONFIG_NAME, AUTOTESTS, course.plug.readme)}
    for package in course.plug.all_packages:
        root = package_folder(package)
        for path in root.rglob("*"):
            if path.is_file() and path.parent.name != "__pycache__":
                files[f"{package}:{path.relative_to(root).as_posix()}"] = path
    installed = {name: installed_version(name) for name in ("nbgrader", "nbconvert", "nbformat")}
    # The repr of a function contains its address in memory, which changes with each run.
    settings = re.sub(r" at 0x[0-9a-f]+", "", repr(course.config()))
    content = [_digest_of_paths(files), installed, sys.version, settings, course.plug.environment()]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _all_files(folder: Path) -> dict[str, Path]:
    """Return everything below a folder, even what does not belong there, by relative path."""
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}


def _digest_of_paths(files: Mapping[str, Path]) -> str:
    """Return a hash of the names and contents of files."""
    whole = hashlib.sha256()
    for name, path in sorted(files.items()):
        content = path.read_bytes() if path.is_file() else b""
        whole.update(f"{name}\0{path.is_file()}{len(content)}\0".encode() + content)
    return whole.hexdigest()


def _proof_of(course: Course, draft: Course, assignment: str) -> Proof:
    """Judge the solution, unless the proof that was kept found no fault in this same version."""
    version = versions(draft, assignment)
    kept = find(course, assignment, digest(version))
    is_faulty = kept is not None and any(kept.faults.values())
    if kept is not None and not is_faulty and kept.answers == solution_texts(draft, assignment):
        keep(draft, assignment, kept)
    terms = GradingConditions(version, course_limits(course), False, course.plug)
    try:
        return find_or_prove(draft, assignment, terms)
    except CourseError as error:
        raise ReleaseError(f"'{assignment}' was not released. {error}") from error


def _proof_findings(draft: Course, assignment: str, proof: Proof) -> list[str]:
    """Return sentences about tests that the house rules do not allow."""
    if not draft.plug.house_rules:
        return []
    found = []
    for told, what, remedy in (
        (proof.faults, "cannot mark", "Mend the test or the solution."),
        (proof.gifts, "cannot mark", "Let it fail while there is no answer."),
        (proof.inside, "cannot be judged away from the answer", "Ask for data, not for objects."),
    ):
        for name, tests in told.items():
            original = source.read_source(draft.root / "source" / assignment / f"{name}.ipynb")
            cells = source.by_grade_id(original)
            for test, why in tests.items():
                where = place_of_cell(f"{name}.ipynb", original, cells[test])
                found.append(f"{where} {what}: {why}. {remedy}")
    return found


def _refuse_lost_marks(course: Course, draft: Course, assignment: str) -> None:
    """Refuse other cells once there are submissions.

    nbgrader would refuse them too, but only after it has begun to change the gradebook.

    Raises
    ------
    ReleaseError
        If students have handed in, and the course's own cells are not the same as before.
    """
    if not _is_handed_in(course, assignment):
        return
    former, new = (_kinds_of_cells(each, assignment) for each in (course, draft))
    if former == new:
        return
    changes = [
        *(f"{name} is new" for name in sorted(new.keys() - former.keys())),
        *(f"{name} is gone" for name in sorted(former.keys() - new.keys())),
        *(f"{k} is of another kind" for k in sorted(new.keys() & former) if new[k] != former[k]),
    ]
    raise ReleaseError(
        f"'{assignment}' cannot be released with other cells, because there are submissions "
        f"associated with it. {'; '.join(changes).capitalize()}. Marks would be lost: "
        "undo the change, give the new version another folder in source/, or start a "
        "new gradebook.db."
    )


def _is_handed_in(course: Course, assignment: str) -> bool:
    with open_gradebook(course) as gradebook:
        try:
            return bool(gradebook.find_assignment(assignment).submissions)
        except MissingEntry:
            return False


def _kinds_of_cells(course: Course, assignment: str) -> dict[str, tuple[bool, ...]]:
    return {
        f"cell '{cell.grade_id}' of {name}.ipynb": (cell.grade, cell.solution, cell.task)
        for name, version in versions(course, assignment).items()
        for cell in version.cells
    }


def _put_in_place(course: Course, draft: Course, assignment: str) -> Path:
    """Enter a draft in the gradebook, and replace the folder in `release/`."""
    if not _knows(course, draft, assignment):
        directory = CourseDirectory(config=course.config())
        config = Config({"CourseDirectory": {"db_url": directory.db_url}})
        generate(draft, assignment, config)
    folder = course.root / "release" / assignment
    clear_away(course, "release")
    with working_folder(course, "release") as place_of_work:
        new = place_of_work / "new"
        shutil.copytree(draft.root / "release" / assignment, new)
        if folder.exists():
            folder.replace(place_of_work / "before")
        new.replace(folder)
    return folder


def _knows(course: Course, draft: Course, assignment: str) -> bool:
    """Return whether the gradebook already has exactly the draft's cells."""
    try:
        former = versions(course, assignment)
    except CourseError:
        return False
    return digest(former) == digest(versions(draft, assignment))


def generate(course: Course, assignment: str, config: Config | None = None) -> None:
    """Generate the student version of an assignment with nbgrader, and enter it in the gradebook.

    Parameters
    ----------
    course : Course
    assignment : str
    config : Config, optional
        Settings that override the course's own.

    Raises
    ------
    ReleaseError
        If nbgrader refuses; the message gives its reason.
    """
    result = course.api(config).generate_assignment(assignment, force=True, create=True)
    if result["success"]:
        return
    reason = failure(result)
    if told := explain(OSError(reason)):  # the log may contain the text of an OSError
        raise ReleaseError(f"'{assignment}' was not released. {told}")
    first = causes(result)[0]
    if first.startswith(DATABASE_ERROR):
        told = explain_database(first.removeprefix(DATABASE_ERROR))
        raise ReleaseError(f"'{assignment}' was not released. {told}")
    remedy = "Mend the source notebook, then release again."
    if "ClearSolutions.code_stub" in reason:
        remedy = (
            "Say in nbgrader_config.py what students find in the place of a solution, as in "
            "`c.ClearSolutions.code_stub = {'bash': '# YOUR CODE HERE'}`, then release again."
        )
    if "submissions associated with it" in reason:
        remedy = (
            "Marks would be lost, so nbgrader keeps an assignment's cells once there are "
            "submissions: undo the change, give the new version another folder in source/, "
            "or start a new gradebook.db."
        )
    raise ReleaseError(f"nbgrader could not release '{assignment}': {reason.rstrip('.')}. {remedy}")


def failure(result: dict[str, Any]) -> str:
    """Return why a call of nbgrader's API failed: the last exception in its log.

    Parameters
    ----------
    result : dict
        What `NbGraderAPI.generate_assignment` or `autograde` returned when it failed.
    """
    last = causes(result)[-1]
    return last.partition(": ")[2] or last


def complete(root: Path, *, assignment: str, **_: object) -> None:
    """Make a generated release self-contained; this is nbgrader's `post_convert_hook`.

    It adds the students' modules of the judge and the course, requirements.txt if the course has
    one, and a README. A release that uses none of these modules stays as nbgrader makes it.

    Parameters
    ----------
    root : Path
        The course's folder.
    assignment : str
    """
    folder = root / "release" / assignment
    plug = Course(root).plug
    packages = packages_used(folder, plug)
    for package in packages:
        (folder / package).mkdir(exist_ok=True)
        for module in module_files(package):
            shutil.copyfile(module, folder / package / module.name)
    if plug.requirements:
        _write_text(folder / "requirements.txt", "\n".join(_requirements(plug)) + "\n")
    if plug.readme or (packages and not (root / "source" / assignment / "README.md").exists()):
        _write_text(folder / "README.md", _readme(folder, _read_template(root, plug)))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _requirements(plug: Plug) -> list[str]:
    listed = {re.split(r"[^\w-]", item)[0]: item for item in requires(plug.distribution) or ()}
    return [listed.get(package, package) for package in plug.requirements]


def _read_template(root: Path, plug: Plug) -> str:
    return (root / plug.readme).read_text(encoding="utf-8") if plug.readme else README


def _readme(folder: Path, template: str) -> str:
    paths = sorted(folder.glob("*.ipynb"))
    names = [f"`{path.name}`" for path in paths]
    return template.format(
        assignment=folder.name,
        title=folder.name.replace("_", " ").capitalize(),
        notebooks="\n".join(f"- `{path.name}`: {_title(path)}" for path in paths),
        hand_in=f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0],
    )


def _title(path: Path) -> str:
    for cell in source.read_source(path).cells:
        if cell.cell_type == "markdown" and (found := re.match(r"#\s+(.+)", cell.source)):
            return found[1].strip()
    return path.stem


@contextmanager
def scratch(course: Course, assignment: str = "") -> Iterator[Course]:
    """Lend a temporary copy of a course's sources and settings, with a gradebook of its own.

    Parameters
    ----------
    course : Course
    assignment : str
        Copy only this one; by default all.

    Yields
    ------
    Course
        The copy, which is deleted after the block.
    """

    def others(folder: str, names: list[str]) -> list[str]:
        if not assignment or Path(folder) != course.root / "source":
            return []
        return [name for name in names if name != assignment and Path(folder, name).is_dir()]

    with TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        shutil.copytree(course.root / "source", root / "source", ignore=others)
        if (templates := course.root / AUTOTESTS).is_file():
            shutil.copyfile(templates, root / AUTOTESTS)
        settings = [(course.root / CONFIG_NAME).read_text(encoding="utf-8")]
        gradebook = f"sqlite:///{(root / 'gradebook.db').as_posix()}"
        settings.append(f"c.CourseDirectory.db_url = {gradebook!r}")
        if course.delimiters:
            _delimit_as_usual(root / "source", course.delimiters)
            settings += [f"c.{name} = {usual!r}" for name, usual in USUAL_DELIMITERS.items()]
        _write_text(root / CONFIG_NAME, "\n".join(settings) + "\n")
        yield Course(root)


def _delimit_as_usual(sources: Path, own: Mapping[str, str]) -> None:
    """Replace a course's own delimiters by nbgrader's, the only ones that other code looks for."""
    for path in sources.glob("*/*.ipynb"):
        notebook = source.read_source(path)
        for cell in notebook.cells:
            cell.source = in_usual_words(cell.source, own)
        _write_text(path, source.notebook_text(notebook))


def drift(course: Course) -> list[str]:
    """Return sentences about files in `release/` that are not what `source/` generates.

    The course is not changed, and neither is its gradebook.

    Raises
    ------
    ReleaseError
        If nbgrader cannot generate an assignment.
    """
    with scratch(course) as fresh:
        for assignment in fresh.assignments:
            generate(fresh, assignment)
        return sorted(_differences(course.root / "release", fresh.root / "release"))


def _differences(committed: Path, generated: Path) -> Iterator[str]:
    here, there = set(_files_to_release(committed)), set(_files_to_release(generated))
    yield from (f"release/{name} is missing" for name in there - here)
    yield from (f"release/{name} should not be there" for name in here - there)
    for name in here & there:
        if not filecmp.cmp(committed / name, generated / name, shallow=False):
            yield f"release/{name} differs from what source/ gives"


def _files_to_release(folder: Path) -> Iterator[str]:
    """Yield the files in a folder, except caches and checkpoints of Python and Jupyter."""
    for path in folder.rglob("*"):
        left = {"__pycache__", ".ipynb_checkpoints"} & set(path.parts)
        if path.is_file() and not left and path.name != ".gitkeep":
            yield path.relative_to(folder).as_posix()
