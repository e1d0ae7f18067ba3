"""Identify the person in a launch: a student of the gradebook, or a grader."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from nbjudge.course.marks import Person
from nbjudge.desk.database import Database, lti_graders
from nbjudge.desk.lti.launches import Launch
from nbjudge.desk.lti.learning_platforms import CUSTOM, LearningPlatform
from nbjudge.desk.store import Refused

__all__ = [
    "LEARNS",
    "TEACHES",
    "LtiMember",
    "PlatformGraders",
    "grader_name",
    "has_role",
    "member_of",
    "teaches",
]

#: The prefix of roles in the course itself; somebody who teaches elsewhere may be a student here.
ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
TEACHES, LEARNS = ("Instructor", "Administrator"), ("Learner",)
#: How long after a launch a grader may see the class.
MEMBER_LIFE = timedelta(hours=12)


@dataclass(frozen=True)
class LtiMember:
    """A student, by the id in the gradebook, or a grader, by `grader_name`."""

    who: str
    is_grader: bool = False


def grader_name(subject: str, platform: LearningPlatform) -> str:
    """Return the name of a platform's grader, made of their user number and the platform's host."""
    return f"{subject} of {platform.host}"


def member_of(
    launch: Launch, platform: LearningPlatform, people: Mapping[str, Person]
) -> LtiMember:
    """Return the person in a launch.

    Parameters
    ----------
    launch : Launch
    platform : LearningPlatform
        Its `student_id` says which claim identifies a student.
    people : mapping of str to Person
        The students in the gradebook, by id.

    Raises
    ------
    Refused
        If the person cannot be identified with certainty; the message says what the instructor has
        to do.
    """
    if teaches(launch):
        return LtiMember(grader_name(launch.subject, platform), is_grader=True)
    if not has_role(launch.roles, LEARNS):
        message = "In this course of your learning platform you are neither student nor teacher."
        raise Refused(message, 403)
    said = _student_id(launch, platform)
    if not said:
        message = (
            f"{platform.host} does not tell the desk your {platform.student_id}. Ask your "
            "instructor to have the platform share it, or to choose another student_id in "
            "c.Desk.lti_platforms."
        )
        raise Refused(message, 403)
    if platform.student_id != "lms_user_id":
        found = [said] if said in people else []
    else:
        found = [id for id, person in people.items() if person.lms_user_id == said]
    if len(found) == 1:
        return LtiMember(found[0])
    many = "knows nobody" if not found else "knows several people"
    what = "number on the platform" if platform.student_id == "lms_user_id" else "id"
    message = (
        f"The gradebook {many} with the {what} {said!r}. Ask your instructor to enter it with "
        "`course roster`."
    )
    raise Refused(message, 403)


def teaches(launch: Launch) -> bool:
    """Return whether the person in a launch may see the class."""
    return has_role(launch.roles, TEACHES)


def has_role(roles: Collection[str], wanted: tuple[str, ...]) -> bool:
    """Return whether one of the roles is a wanted role in the course itself."""
    return any(role in roles or f"{ROLE}{role}" in roles for role in wanted)


def _student_id(launch: Launch, platform: LearningPlatform) -> str:
    claim = platform.student_id
    if claim.startswith(CUSTOM):
        return launch.custom.get(claim.removeprefix(CUSTOM), "")
    words = {"email": launch.email, "lis_person_sourcedid": launch.sourcedid}
    return words.get(claim, launch.subject)


class PlatformGraders:
    """The table of graders from platforms, with the time until which each may see the class.

    Parameters
    ----------
    database : Database
    clock : callable
        Returns the time in UTC.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def note(self, who: str, *, is_grader: bool) -> None:
        """Record whether somebody is a grader now; one who no longer is loses access at once."""
        until = self._clock() + MEMBER_LIFE
        with self._database.writing() as connection:
            connection.execute(delete(lti_graders).where(lti_graders.c.who == who))
            if is_grader:
                connection.execute(insert(lti_graders).values(who=who, until=until))

    def names(self) -> frozenset[str]:
        """Return everybody who was a grader in their last launch, however long ago that was."""
        with self._database.reading() as connection:
            return frozenset(connection.scalars(select(lti_graders.c.who)))

    def __contains__(self, who: str) -> bool:
        """Return whether somebody may see the class now."""
        query = select(lti_graders.c.until).where(lti_graders.c.who == who)
        with self._database.reading() as connection:
            until = connection.scalar(query)
        return until is not None and until > self._clock()
