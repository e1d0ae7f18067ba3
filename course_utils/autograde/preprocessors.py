"""nbgrader's door to the judge: what its own `autograde` and its formgrader run in this course.

`Restore` comes first of the sanitising preprocessors; `Judge` takes the place of nbgrader's
`Execute`; `Record` comes after nbgrader has saved the marks. See `nbgrader_config.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, from_dict
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute, LimitOutput, NbGraderPreprocessor
from traitlets import Bool, Float, Integer

from course_utils.autograde import sandbox
from course_utils.autograde.answers import changes, hashes, recall, remember
from course_utils.autograde.course import Course
from course_utils.autograde.fitting import derived
from course_utils.autograde.gradebook import versions
from course_utils.autograde.grading import Graded, grade_notebook, recorded
from course_utils.autograde.jobs import Terms
from course_utils.autograde.limits import Limits
from course_utils.autograde.proof import proved
from course_utils.autograde.restore import restored
from course_utils.autograde.sanitise import KERNELSPEC
from course_utils.autograde.secret import ingredients, secret
from course_utils.autograde.steps import folder_of
from course_utils.autograde.submission import Beside, handed_in_at, read_data, told_of_data
from course_utils.autograde.writer import give
from course_utils.exceptions import CourseError
from course_utils.kernel.wire import Bounds

__all__ = ["Judge", "Record", "Restore", "limits"]

#: Where the preprocessors leave it for each other.
FOUND, WAITING = "judged", "waiting before"
DEFAULTS = Limits()

Resources = dict[str, Any]


class Restore(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Rebuild a submitted notebook from the text of its cells and the course's master copy.

    nbgrader restores the text of the cells whose ids are there; this also restores their order,
    their kind and the cells that are missing, and drops what else a notebook can carry.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Return the notebook as the course can grade it."""
        ids = resources["nbgrader"]
        version = versions(_course(self), ids["assignment"])[ids["notebook"]]
        found = restored(f"{ids['notebook']}.ipynb", nb.cells, version.cells, version.given)
        for problem in found.problems:
            self.log.warning(problem)
        nb.cells = list(found.cells)
        nb.metadata = from_dict({"kernelspec": KERNELSPEC})  # type: ignore[no-untyped-call]
        nb.nbformat, nb.nbformat_minor = 4, 5
        return nb, resources


class Judge(Execute):  # type: ignore[misc]  # nbgrader has no types
    """Run the student's cells in a kernel of their own, and the tests outside it.

    Of `Execute`'s settings, `timeout` holds here too.
    """

    call_seconds = Float(
        DEFAULTS.call_seconds,
        help="Seconds that a test waits for one call of a student's function.",
    ).tag(config=True)

    exercise_seconds = Float(
        DEFAULTS.exercise_seconds,
        help="Seconds that all calls of one exercise's tests may take together.",
    ).tag(config=True)

    notebook_seconds = Integer(
        DEFAULTS.notebook_seconds,
        help="Seconds for a whole notebook, in all its kernels, its tests included.",
    ).tag(config=True)

    requests = Integer(
        DEFAULTS.requests,
        help="How often one exercise's tests may call what lives in the student's kernel.",
    ).tag(config=True)

    items = Integer(
        DEFAULTS.items,
        help="How many values a test takes from an object of the student's that it iterates over.",
    ).tag(config=True)

    exercise_bytes = Integer(
        DEFAULTS.exercise_bytes,
        help="Bytes that one exercise's tests and the student's kernel send each other.",
    ).tag(config=True)

    judge_seconds = Integer(
        DEFAULTS.judge_seconds,
        help="Seconds that one exercise's tests may compute themselves, calls not counted.",
    ).tag(config=True)

    judge_megabytes = Integer(
        DEFAULTS.judge_megabytes,
        help="Memory that one exercise's tests may take for what the student's code gives them.",
    ).tag(config=True)

    output_bytes = Integer(
        DEFAULTS.output_bytes,
        help="Bytes that a graded notebook keeps of what it wrote and showed. One cell that writes "
        "ten times as much is stopped.",
    ).tag(config=True)

    cpu_seconds = Integer(
        DEFAULTS.cpu_seconds,
        help="Seconds of computing time of each process of a submission, in the sandbox.",
    ).tag(config=True)

    memory_megabytes = Integer(
        DEFAULTS.memory_megabytes,
        help="Memory of a submission's processes together, in the sandbox.",
    ).tag(config=True)

    disk_megabytes = Integer(
        DEFAULTS.disk_megabytes,
        help="Size of each folder that a submission can write to, in the sandbox.",
    ).tag(config=True)

    processes = Integer(
        DEFAULTS.processes,
        help="Processes and threads of a submission, in the sandbox.",
    ).tag(config=True)

    open_files = Integer(
        DEFAULTS.open_files,
        help="Files that each process of a submission may have open, in the sandbox.",
    ).tag(config=True)

    require_sandbox = Bool(
        DEFAULTS.require_sandbox,
        help="Whether to refuse to grade where there is no sandbox.",
    ).tag(config=True)

    value_bytes = Integer(
        DEFAULTS.bounds.bytes,
        help="Bytes of one value that a test fetches from the student's kernel.",
    ).tag(config=True)

    new_kernels = Integer(
        DEFAULTS.new_kernels,
        help="How often a notebook gets a fresh kernel because its own died or hung.",
    ).tag(config=True)

    run_all = Bool(
        True,
        help="Whether to run also the cells that the course tags 'display', which no mark needs.",
    ).tag(config=True)

    @property
    def limits(self) -> Limits:
        """The settings, as the grading core takes them."""
        return Limits(
            cell_seconds=self.timeout or DEFAULTS.cell_seconds,
            call_seconds=self.call_seconds,
            exercise_seconds=self.exercise_seconds,
            notebook_seconds=self.notebook_seconds,
            requests=self.requests,
            cpu_seconds=self.cpu_seconds,
            memory_megabytes=self.memory_megabytes,
            disk_megabytes=self.disk_megabytes,
            processes=self.processes,
            open_files=self.open_files,
            require_sandbox=self.require_sandbox,
            fits_machine="memory_megabytes" not in self.config.Judge,
            items=self.items,
            exercise_bytes=self.exercise_bytes,
            judge_seconds=self.judge_seconds,
            judge_megabytes=self.judge_megabytes,
            output_bytes=self.output_bytes,
            new_kernels=self.new_kernels,
            bounds=Bounds(bytes=self.value_bytes),
        )

    def preprocess(
        self, nb: NotebookNode, resources: Resources, km: None = None
    ) -> tuple[NotebookNode, Resources]:
        """Return the notebook with its outputs, and the verdicts among the resources."""
        ids = resources["nbgrader"]
        if problem := sandbox.problem():
            self.log.warning("Without a sandbox: %s %s", problem, sandbox.UNPROTECTED)
        course = _course(self)
        version = versions(course, ids["assignment"])
        allowed = self.limits
        held: Mapping[str, str] | None = None
        try:
            terms = Terms(version, limits(course), self.run_all)
            proof = proved(course, ids["assignment"], terms)
            held = proof.faults.get(ids["notebook"])
            allowed = derived(allowed, proof.needs, fixed=self.config.Judge)
        except CourseError as error:
            self.log.warning("Whether the tests work could not be proved. %s", error)
        graded = grade_notebook(
            nb,
            files=self._data_files(course, ids),
            ingredients=ingredients(secret(course.root), ids["assignment"], ids["student"]),
            limits=allowed,
            skipped=frozenset() if self.run_all else version[ids["notebook"]].display,
            held=held,
        )
        resources[FOUND] = graded
        resources[WAITING] = _waiting(ids)
        return graded.notebook, resources

    def _data_files(self, course: Course, ids: Mapping[str, str]) -> Mapping[str, bytes]:
        """Return the files that `course autograde` takes, whatever nbgrader copied."""
        folder = folder_of(course, "submitted", ids["student"], ids["assignment"])
        found = Beside.of(course, ids["assignment"]).data(folder)
        contents, unread = read_data(found.taken)
        for sentence in (*unread, *told_of_data(found), found.surplus):
            if sentence:
                self.log.warning("%s: %s", ids["student"], sentence)
        return contents


class Record(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Keep what the judge found, and leave to a person what a faulty test could not mark.

    A mark that a person gave stands as long as the text of its answer does.

    And when it was handed in, before nbgrader computes what lateness costs: nbgrader's own reader
    takes any abbreviation of a time zone for UTC.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Return the notebook with the judge's findings in its metadata."""
        graded: Graded = resources[FOUND]
        recorded(nb, graded)
        ids = resources["nbgrader"]
        folder = folder_of(_course(self), "submitted", ids["student"], ids["assignment"])
        handed_in, problem = handed_in_at(folder)
        finished = folder_of(_course(self), "autograded", ids["student"], ids["assignment"])
        before, now = recall(finished), hashes(nb.cells)
        changed = changes(before, {ids["notebook"]: now})[ids["notebook"]]
        if problem:
            self.log.error("%s: %s Until then nothing counts as late.", ids["student"], problem)
        with Gradebook(ids["db_url"]) as gradebook:
            submission = gradebook.find_submission(ids["assignment"], ids["student"])
            submission.timestamp = handed_in
            notebook = gradebook.find_submission_notebook(
                ids["notebook"], ids["assignment"], ids["student"]
            )
            for grade in notebook.grades:
                verdict = graded.verdicts.get(grade.cell.name)
                score = None if verdict and verdict.fault else grade.auto_score
                grade.needs_manual_grade = resources[WAITING].get(grade.cell.name, False)
                give(grade, score, grade.cell.name in changed)
            gradebook.db.commit()
        remember(finished, {**before, ids["notebook"]: now})
        return nb, resources


def _waiting(ids: Mapping[str, str]) -> dict[str, bool]:
    """Return of each mark of a notebook whether a person has to give it, as it was before."""
    with Gradebook(ids["db_url"]) as gradebook:
        notebook = gradebook.find_submission_notebook(
            ids["notebook"], ids["assignment"], ids["student"]
        )
        return {grade.cell.name: bool(grade.needs_manual_grade) for grade in notebook.grades}


def _course(preprocessor: NbGraderPreprocessor) -> Course:
    return Course(Path(CourseDirectory(config=preprocessor.config).root))


def limits(
    course: Course, *, needed: Mapping[str, float] | None = None, require_sandbox: bool = False
) -> Limits:
    """Return the limits that a course's configuration sets, and for the rest those that follow.

    Parameters
    ----------
    course : Course
    needed : mapping of str to float, optional
        What the solution of the assignment needs: see `fitting.needs`.
    require_sandbox : bool
        Whether to refuse where nothing confines a kernel, whatever the configuration says.
    """
    config = course.config()
    shortened = LimitOutput(config=config)
    own = derived(Judge(config=config).limits, needed or {}, fixed=config.Judge)
    return replace(
        own,
        require_sandbox=own.require_sandbox or require_sandbox,
        output_lines=shortened.max_lines,
        traceback_lines=shortened.max_traceback,
    )
