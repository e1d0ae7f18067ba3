"""Collect the archives downloaded from a learning platform, with nbgrader's `zip_collect`."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from nbgrader.apps import ZipCollectApp
from nbgrader.coursedir import CourseDirectory

from nbjudge.basics.csv_files import as_csv
from nbjudge.basics.sentences import group_sentences
from nbjudge.course.course import Course
from nbjudge.course.folders import LOG_NAME, clear_away, log_to_file, working_folder
from nbjudge.course.gradebook import open_gradebook, people_of
from nbjudge.course.marks import Person
from nbjudge.exceptions import CourseError
from nbjudge.intake.platforms import COLLECTORS
from nbjudge.intake.unpack import CarefulExtractor, is_visible

__all__ = ["Collected", "collect_archives"]


@dataclass(frozen=True)
class Collected:
    """The result of collecting archives.

    Parameters
    ----------
    notebooks : mapping of str to tuple of str
        The collected notebooks, by student.
    left_out : tuple of str
        Sentences about what should have been collected and was not.
    remarks : tuple of str
        Sentences for information.
    """

    notebooks: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def collect_archives(
    course: Course,
    assignment: str,
    archives: Iterable[Path],
    *,
    platform: str,
    roster: Path | None = None,
    id_column: str = "",
    force: bool = False,
) -> Collected:
    """Put the submissions in archives into `submitted/<student>/<assignment>/`.

    Parameters
    ----------
    course : Course
    assignment : str
    archives : iterable of Path
        ZIP files as they were downloaded, or folders with their content.
    platform : str
        A key of `platforms.COLLECTORS`.
    roster : Path, optional
        A CSV file that maps the platform's names or numbers to students; by default the people in
        the gradebook. Without either, a student's id is the platform's number.
    id_column : str
        The column of `roster` with the students' ids in this course.
    force : bool
        Whether to replace what was collected before.

    Raises
    ------
    CourseError
        If there is no such assignment, archive or roster.
    """
    course.require(assignment)
    collector = COLLECTORS[platform]
    clear_away(course, "submitted")
    with log_to_file(course), working_folder(course, "submitted") as folder:
        place = folder / assignment / "archive"
        place.mkdir(parents=True)
        for archive in archives:
            try:
                _put(archive, place)
            except OSError as error:
                message = f"'{archive}' cannot be copied: {error.strerror}. Nothing was collected."
                raise CourseError(message) from error
        config = course.config()
        config.CourseDirectory.assignment_id = assignment
        # nbgrader fills in placeholders in this path, so braces in it are doubled.
        whole = folder.as_posix().replace("{", "{{").replace("}", "}}")
        config.ZipCollectApp.collect_directory_structure = (
            f"{whole}/{{assignment_id}}/{{collect_step}}"
        )
        config.ZipCollectApp.archive_directory = place.name
        config.ZipCollectApp.extractor_plugin = CarefulExtractor
        config.ZipCollectApp.collector_plugin = collector
        config.ZipCollectApp.force = force
        if roster is None:
            roster = _roster_of(course, folder)
        if roster is not None:
            config[collector.__name__].roster = str(roster)
        if id_column:
            config[collector.__name__].id_column = id_column
        app = ZipCollectApp(
            config=config,
            coursedir=CourseDirectory(config=config),
            log=logging.getLogger("nbgrader.zip_collect"),
        )
        try:
            app.init_plugins()
            app.extract_archive_files()
            app.process_extracted_files()
        except SystemExit as stop:  # nbgrader's commands report errors so
            if isinstance(stop.__cause__, CourseError):
                raise stop.__cause__ from None
            message = f"nbgrader could not collect {assignment}; {course.root / LOG_NAME} says why."
            raise CourseError(message) from stop
        except OSError as error:
            message = (
                f"Not everything was collected: {error.strerror}. Put that right in "
                f"{course.root / 'submitted'}, then collect again with --force."
            )
            raise CourseError(message) from error
        found = app.collector_plugin_inst
        left_out = (*app.extractor_plugin_inst.remarks, *found.left_out)
        if not (found.collected or left_out or found.remarks):
            left_out = ("There is nothing in it that was handed in. Give what you downloaded.",)
        return Collected(
            {student: tuple(sorted(files)) for student, files in sorted(found.collected.items())},
            left_out=group_sentences(left_out),
            remarks=group_sentences(found.remarks),
        )


def _roster_of(course: Course, folder: Path) -> Path | None:
    """Write the gradebook's people to a CSV file; None if it has no names and no numbers."""
    with open_gradebook(course) as gradebook:
        people = people_of(gradebook)
    if not any(person.name or person.lms_user_id for person in people):
        return None
    path = folder / "the gradebook"  # messages quote the file's name
    names = [each.name for each in fields(Person)]
    rows = [[getattr(person, name) for name in names] for person in people]
    path.write_bytes(as_csv(names, rows).encode())
    return path


def _put(archive: Path, place: Path) -> None:
    target = place / archive.resolve().name
    if not archive.exists():
        message = f"There is no '{archive}'. Give the path of what you downloaded."
        raise CourseError(message)
    if target.exists() or not is_visible(target.name):
        message = f"'{archive}' cannot be collected under this name. Rename it, and collect again."
        raise CourseError(message)
    if archive.is_dir():
        shutil.copytree(archive, target, symlinks=True)
    elif archive.suffix.lower() == ".zip":
        shutil.copyfile(archive, target)
    else:
        message = f"'{archive}' is no ZIP archive, and no folder. Give what the platform gave you."
        raise CourseError(message)
