"""The collector plugins for `nbgrader zip_collect`, one for each platform, with their settings."""

from __future__ import annotations

import filecmp
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from nbgrader.plugins import FileNameCollectorPlugin
from nbgrader.utils import find_all_notebooks
from traitlets import Unicode

from nbjudge.basics import csv_files
from nbjudge.exceptions import CourseError
from nbjudge.intake.platforms.file_names import PLATFORM_CANVAS, PLATFORM_MOODLE, PlatformFormat
from nbjudge.intake.platforms.sort_files import Taken, sort_out
from nbjudge.intake.platforms.who_is_who import Directory
from nbjudge.intake.submission import name_list

__all__ = ["COLLECTORS", "CanvasCollector", "MoodleCollector"]


class _Collector(FileNameCollectorPlugin):  # type: ignore[misc]  # nbgrader has no types
    """The base class of the collectors: their common settings, and sorting the unpacked files."""

    roster = Unicode(
        "", help="A CSV file that says who is who; without it, ids are the platform's own."
    ).tag(config=True)

    id_column = Unicode(
        "", help="The column of the roster that holds the ids of students in this course."
    ).tag(config=True)

    timezone = Unicode(
        "",
        help=(
            "The time zone of times in the roster, 'Europe/London' for example; by default that of "
            "this machine."
        ),
    ).tag(config=True)

    platform: PlatformFormat

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        #: Sentences about what should have been collected and was not.
        self.left_out: list[str] = []
        #: Sentences for information.
        self.remarks: list[str] = []
        #: The collected notebooks, by student.
        self.collected: dict[str, list[str]] = {}
        self._taken: Mapping[PurePosixPath, Taken] | None = None

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        """Return a file's student, notebook and time; None if it is not to be collected."""
        root = self._root()
        try:
            if self._taken is None:
                self._taken = self._sort(root)
        except CourseError as error:
            self.log.error("%s", error)
            raise SystemExit(1) from error
        path = Path(submitted_file).relative_to(root)
        taken = self._taken.get(PurePosixPath(path.as_posix()))
        if taken is None:
            return None
        self.collected.setdefault(taken.student, []).append(taken.file)
        told = {"student_id": taken.student, "file_id": taken.file}
        return told if taken.time is None else {**told, "timestamp": taken.time.isoformat(" ")}

    def _root(self) -> Path:
        """Return the folder into which nbgrader has unpacked everything."""
        app = self.parent
        structure = Path(app.coursedir.root, app.collect_directory_structure)
        return Path(
            str(structure).format(
                downloaded=app.downloaded_directory,
                assignment_id=app.coursedir.assignment_id,
                collect_step=app.extracted_directory,
            )
        )

    def _sort(self, root: Path) -> Mapping[PurePosixPath, Taken]:
        zone = self._zone()
        roster = csv_files.read_csv(Path(self.roster)) if self.roster else None
        directory = Directory(self.platform.name, roster, self.id_column, zone)
        files = {
            PurePosixPath(path.relative_to(root).as_posix()): path.stat().st_mtime
            for path in root.rglob("*")
            if path.is_file() and not path.is_symlink()
        }
        course = self.parent.coursedir
        released = course.format_path(course.release_directory, ".", course.assignment_id)
        found = sort_out(
            files,
            find_all_notebooks(released),
            self.platform,
            directory.owner,
            assignment=course.assignment_id,
        )
        for sentence in found.left_out:
            self.left_out.append(sentence)
            self.log.warning("%s", sentence)
        for remark in found.remarks:
            self._tell(remark)
        return found.taken if self.parent.force else self._new(root, found.taken)

    def _zone(self) -> ZoneInfo | None:
        try:
            return ZoneInfo(self.timezone) if self.timezone else None
        except (ValueError, OSError, KeyError) as error:
            message = f"There is no time zone '{self.timezone}'. Give one such as 'Europe/London'."
            raise CourseError(message) from error

    def _new(
        self, root: Path, taken: Mapping[PurePosixPath, Taken]
    ) -> Mapping[PurePosixPath, Taken]:
        """Return the files of students without a submission yet; nbgrader stops at all others."""
        course = self.parent.coursedir
        kept: dict[str, bool] = {}
        for path, found in taken.items():
            folder = Path(
                course.format_path(course.submitted_directory, found.student, course.assignment_id)
            )
            if folder.is_dir() and any(folder.iterdir()):
                is_same = _is_same_file(root / path, folder / found.file)
                kept[found.student] = kept.get(found.student, True) and is_same
        if same := [student for student, is_same in kept.items() if is_same]:
            self._tell(f"Collected before, and unchanged: {name_list(same)}.")
        if other := [student for student, is_same in kept.items() if not is_same]:
            self._tell(
                f"Kept, since something else was collected before: {name_list(other)}. "
                "With --force the new takes its place."
            )
        return {path: found for path, found in taken.items() if found.student not in kept}

    def _tell(self, remark: str) -> None:
        self.remarks.append(remark)
        self.log.warning("%s", remark)


def _is_same_file(one: Path, other: Path) -> bool:
    return other.is_file() and not other.is_symlink() and filecmp.cmp(one, other, shallow=False)


class MoodleCollector(_Collector):
    """Collects what Moodle's "Download all submissions" gives, in folders or not."""

    platform = PLATFORM_MOODLE


class CanvasCollector(_Collector):
    """Collects what Canvas's "Download Submissions" gives."""

    platform = PLATFORM_CANVAS


#: The plugins, by their name for `course collect --from`.
COLLECTORS: Mapping[str, type[_Collector]] = {"moodle": MoodleCollector, "canvas": CanvasCollector}
