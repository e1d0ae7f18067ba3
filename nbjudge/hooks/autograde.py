"""The preprocessors with which `nbgrader autograde` and the formgrader use the judge.

`Restore` is the first of the sanitising preprocessors, `Judge` replaces nbgrader's `Execute`, and
`Record` runs after nbgrader has saved the marks. `hooks.configure` sets them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode, from_dict
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from traitlets import Bool

from nbjudge.basics.settings import traits_of
from nbjudge.course.answer_texts import changes, hashes, recall, remember
from nbjudge.course.cells import NotebookVersion
from nbjudge.course.course import Course
from nbjudge.course.folders import folder_of
from nbjudge.course.gradebook import versions
from nbjudge.course.plug import read_plug
from nbjudge.course.secret import secret, seed_parts
from nbjudge.exceptions import CourseError
from nbjudge.grading.conditions import GradingConditions, course_limits, limits_of
from nbjudge.grading.solution_proof import find_or_prove
from nbjudge.grading.writer import give
from nbjudge.intake.restore import restore_notebook
from nbjudge.intake.sanitise import KERNELSPEC
from nbjudge.intake.submission import CourseFiles, handed_in_at, read_data, told_of_data
from nbjudge.judge.notebooks import Graded, grade_notebook, record
from nbjudge.judge.plans import Plans
from nbjudge.judge.surroundings import surroundings_of
from nbjudge.sandbox import bubblewrap
from nbjudge.sandbox.fitted_limits import derive_limits
from nbjudge.sandbox.limits import Limits

__all__ = ["Judge", "Record", "Restore"]

#: Keys of the resources by which the preprocessors pass on the results of the judge, and which
#: marks waited for a person before.
FOUND, WAITING = "judged", "waiting before"

Resources = dict[str, Any]


class Restore(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Rebuild a submitted notebook from the text of its cells and the course's master copy.

    nbgrader restores the text of the cells whose ids are there; this also restores their order,
    their kind and the cells that are missing, and drops what else a notebook can carry.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Return the notebook as the course can grade it."""
        ids = resources["nbgrader"]
        version = versions(_course_of(self), ids["assignment"])[ids["notebook"]]
        found = restore_notebook(f"{ids['notebook']}.ipynb", nb.cells, version.cells, version.given)
        for problem in found.problems:
            self.log.warning(problem)
        nb.cells = list(found.cells)
        nb.metadata = from_dict(  # type: ignore[no-untyped-call]
            {"kernelspec": _kernelspec(version) if version.language else KERNELSPEC}
        )
        nb.nbformat, nb.nbformat_minor = 4, 5
        return nb, resources


class Judge(Execute):  # type: ignore[misc]  # nbgrader has no types
    """Run the student's cells in a kernel of their own, and the tests outside it.

    Of `Execute`'s settings, `timeout` holds here too.
    """

    locals().update(traits_of(Limits))

    run_all = Bool(
        True,
        help="Whether to run also the cells that the course tags 'display', which no mark needs.",
    ).tag(config=True)

    @property
    def limits(self) -> Limits:
        """The settings as a dataclass."""
        return limits_of(self, self.timeout)

    def preprocess(
        self, nb: NotebookNode, resources: Resources, km: None = None
    ) -> tuple[NotebookNode, Resources]:
        """Return the notebook with its outputs, and the resources with the verdicts."""
        ids = resources["nbgrader"]
        course = _course_of(self)
        version = versions(course, ids["assignment"])
        if why := version[ids["notebook"]].why_not_judged:
            self.log.warning("%s.", why)
            resources[WAITING] = _waits_for_person(ids)
            ran: tuple[NotebookNode, Resources] = super().preprocess(nb, resources)
            return ran
        if problem := bubblewrap.problem():
            self.log.warning("Without a sandbox: %s %s", problem, bubblewrap.UNPROTECTED)
        allowed, plug = self.limits, read_plug(self.config)
        plans: Plans = {}
        try:
            terms = GradingConditions(version, course_limits(course), self.run_all, plug)
            proof = find_or_prove(course, ids["assignment"], terms)
            plans = proof.plans.get(ids["notebook"], {})
            allowed = derive_limits(allowed, proof.needs, fixed=self.config.Judge)
        except CourseError as error:
            self.log.warning("Whether the tests work could not be proved. %s", error)
        files, own = self._files(course, ids)
        graded = grade_notebook(
            nb,
            files=files,
            own=own,
            seed_parts=seed_parts(secret(course.root), ids["assignment"], ids["student"]),
            limits=allowed,
            skipped=frozenset() if self.run_all else version[ids["notebook"]].display,
            plans=plans,
            surroundings=surroundings_of(version[ids["notebook"]]),
            plug=plug,
        )
        resources[FOUND] = graded
        resources[WAITING] = _waits_for_person(ids)
        return graded.notebook, resources

    def _files(
        self, course: Course, ids: Mapping[str, str]
    ) -> tuple[Mapping[str, bytes], Collection[str]]:
        """Return the files beside a notebook, and the names of those that are the course's own.

        They are the files that `course autograde` takes, not those that nbgrader has copied.
        """
        folder = folder_of(course, "submitted", ids["student"], ids["assignment"])
        beside = CourseFiles.of(course, ids["assignment"])
        found = beside.data(folder)
        contents, unread = read_data(found.taken)
        for sentence in (*unread, *told_of_data(found), found.surplus):
            if sentence:
                self.log.warning("%s: %s", ids["student"], sentence)
        return contents, beside.own.keys()


class Record(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Store what the judge found, and leave to a person what a faulty test could not mark.

    A mark that a person gave stays as long as the text of its answer does.

    It also stores when the submission was handed in, before nbgrader computes what lateness costs:
    nbgrader's own reader takes any abbreviation of a time zone for UTC.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Return the notebook with the judge's findings in its metadata."""
        graded: Graded | None = resources.get(FOUND)
        if graded is not None:
            record(nb, graded)
        verdicts = graded.verdicts if graded is not None else {}
        ids = resources["nbgrader"]
        folder = folder_of(_course_of(self), "submitted", ids["student"], ids["assignment"])
        handed_in, problem = handed_in_at(folder)
        finished = folder_of(_course_of(self), "autograded", ids["student"], ids["assignment"])
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
                verdict = verdicts.get(grade.cell.name)
                score = None if verdict and verdict.fault else grade.auto_score
                grade.needs_manual_grade = resources[WAITING].get(grade.cell.name, False)
                give(grade, score, grade.cell.name in changed)
            gradebook.db.commit()
        remember(finished, {**before, ids["notebook"]: now})
        return nb, resources


def _kernelspec(version: NotebookVersion) -> dict[str, str]:
    """Return the kernelspec of a notebook that is not in Python."""
    return {"name": version.kernel, "display_name": version.language, "language": version.language}


def _waits_for_person(ids: Mapping[str, str]) -> dict[str, bool]:
    """Return for each mark of a notebook whether a person has to give it, by the gradebook."""
    with Gradebook(ids["db_url"]) as gradebook:
        notebook = gradebook.find_submission_notebook(
            ids["notebook"], ids["assignment"], ids["student"]
        )
        return {grade.cell.name: bool(grade.needs_manual_grade) for grade in notebook.grades}


def _course_of(preprocessor: NbGraderPreprocessor) -> Course:
    return Course(Path(CourseDirectory(config=preprocessor.config).root))
