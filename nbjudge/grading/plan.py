"""Plan a run: make a record for each student's submission, and decide which are to be graded.

A record starts with the submission. Each step of the run replaces it by one that holds more, until
it becomes a row of the class's table.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from nbjudge.basics.sentences import group_sentences
from nbjudge.course.course import Course
from nbjudge.course.folders import folder_of
from nbjudge.course.secret import secret, seed_parts
from nbjudge.grading import graded
from nbjudge.grading.conditions import GradingConditions
from nbjudge.grading.jobs import JobOutcome
from nbjudge.intake.submission import Submission, SubmissionFiles

__all__ = ["SubmissionRecord", "plan"]


@dataclass(frozen=True)
class SubmissionRecord:
    """The state of one student's submission during a run.

    Parameters
    ----------
    submission : Submission
    finished : Path
        The folder of its graded notebooks.
    seed_parts : tuple of str
        What the random inputs of its tests depend on.
    entry : GradedEntry
        Its index entry: what was graded, and the sentences for its row.
    is_due : bool
        Whether it is to be graded in this run.
    submitted : SubmissionFiles
        What was read of it, without the contents of files, which only its job holds.
    graded_now : bool
        Whether it was graded in this run.
    is_unfinished : bool
        Whether something was not graded, or not saved, for a reason outside the submission.
    """

    submission: Submission
    finished: Path
    seed_parts: tuple[str, ...] = ()
    entry: graded.GradedEntry = graded.BLANK
    is_due: bool = False
    submitted: SubmissionFiles = field(default_factory=lambda: SubmissionFiles({}))
    graded_now: bool = False
    is_unfinished: bool = False

    @classmethod
    def of(cls, course: Course, submission: Submission) -> SubmissionRecord:
        """Return the first record of a submission."""
        student, assignment = submission.student, submission.assignment
        return cls(submission, folder_of(course, "autograded", student, assignment))

    @property
    def student(self) -> str:
        """The student who handed it in."""
        return self.submission.student

    def with_files(self, submitted: SubmissionFiles, stamps: graded.Stamps) -> SubmissionRecord:
        """Return the record with the files that are graded, and their stamps."""
        entry = replace(self.entry, content=graded.content(submitted), stamps=stamps)
        return replace(self, submitted=replace(submitted, notebooks={}, files={}), entry=entry)

    def with_outcome(self, outcome: JobOutcome) -> SubmissionRecord:
        """Return the record with the outcome of the submission's job."""
        results = outcome.results.values()
        problems = group_sentences(problem for result in results for problem in result.problems)
        entry = replace(
            self.entry,
            problems=[*outcome.failures.values(), *self.submitted.problems, *problems],
            notes=[*group_sentences(note for result in results for note in result.notes)],
            remarks=[*group_sentences(remark for result in results for remark in result.remarks)],
            is_faulty=any(result.is_faulty for result in results),
            seconds=outcome.seconds,
        )
        return replace(self, entry=entry, graded_now=True, is_unfinished=outcome.passing)

    def with_failure(self, why: str) -> SubmissionRecord:
        """Return the record of a failure, after which another run has to try again."""
        return replace(self, entry=replace(graded.BLANK, problems=[why]), is_unfinished=True)


def plan(
    course: Course,
    assignment: str,
    terms: GradingConditions,
    submissions: Collection[Submission],
    in_gradebook: Collection[str],
    *,
    force: bool = False,
) -> list[SubmissionRecord]:
    """Return the records of submissions: which are due, and the entries of the others.

    A submission is not due if it was graded under the same conditions, has not changed since, and
    has its marks in the gradebook.

    Parameters
    ----------
    course : Course
    assignment : str
    terms : GradingConditions
    submissions : collection of Submission
    in_gradebook : collection of str
        The students who have marks.
    force : bool
        Whether everything that can be graded is due.
    """
    own = secret(course.root) if any(found.notebooks for found in submissions) else ""
    index = graded.GradedIndex(course, assignment)

    def plan_one(record: SubmissionRecord) -> SubmissionRecord:
        submission = record.submission
        if not submission.notebooks:
            return record
        parts = seed_parts(own, submission.assignment, record.student)
        key = terms.key(parts)
        entry = None if force else index.current(submission, record.finished, key)
        if entry is not None and (record.student in in_gradebook or not entry.graded):
            return replace(record, entry=entry)
        blank = replace(graded.BLANK, terms=key)
        return replace(record, seed_parts=parts, entry=blank, is_due=True)

    records = [plan_one(SubmissionRecord.of(course, submission)) for submission in submissions]
    index.enter_touched()
    return records
