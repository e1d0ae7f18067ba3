"""What is to be graded, and what is known already: a record for each student of a class.

A record begins with what was handed in. Whoever learns more of it returns a new one, until it is a
row of the class's table.
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
    """What is known of one student's submission, on its way from `submitted/` to a row.

    Parameters
    ----------
    submission : Submission
    finished : Path
        The folder of its graded notebooks.
    seed_parts : tuple of str
        What the random inputs of its tests depend on.
    entry : Entry
        What is told of it, and how it would be known again.
    is_due : bool
        Whether it is to be graded now.
    submitted : SubmissionFiles
        What was read of it, but for the bytes, which travel with the job.
    graded_now : bool
        Whether it was judged now.
    is_unfinished : bool
        Whether something was not graded, or not saved, by no fault of what was handed in.
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
        """Return the record of a submission of which nothing more is known."""
        student, assignment = submission.student, submission.assignment
        return cls(submission, folder_of(course, "autograded", student, assignment))

    @property
    def student(self) -> str:
        """Whose it is."""
        return self.submission.student

    def with_files(self, submitted: SubmissionFiles, stamps: graded.Stamps) -> SubmissionRecord:
        """Return the record with what is graded."""
        entry = replace(self.entry, content=graded.content(submitted), stamps=stamps)
        return replace(self, submitted=replace(submitted, notebooks={}, files={}), entry=entry)

    def with_outcome(self, outcome: JobOutcome) -> SubmissionRecord:
        """Return the record with what became of the submission's job."""
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
        """Return the record of what another run has to try again; nothing else is told of it."""
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
    """Return the records of submissions: which are due, and what was said of the others.

    What was graded on the same terms, has not changed since, and has its marks, is not due.

    Parameters
    ----------
    course : Course
    assignment : str
    terms : GradingConditions
    submissions : collection of Submission
    in_gradebook : collection of str
        The students who have marks.
    force : bool
        Whether everything is due that can be graded.
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
