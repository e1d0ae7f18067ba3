"""Read a course's students from a learning platform: LTI Names and Role Provisioning Services.

Replies are bounded in bytes, pages, people and time. Of a member only the id, the roles and the
name are used.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from nbjudge.desk.class_lists.class_lists import ClassLists
from nbjudge.desk.class_lists.listed_people import Listed, one_line_name
from nbjudge.desk.lti.bounded_http import Unanswered, ask
from nbjudge.desk.lti.learning_platforms import CUSTOM, LearningPlatform, is_web_address, origin_of
from nbjudge.desk.lti.members import LEARNS, TEACHES, PlatformGraders, grader_name, has_role
from nbjudge.desk.lti.service_leave import ServiceLeave
from nbjudge.exceptions import CourseError

__all__ = ["PlatformNames", "names_source"]

NAMES_SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
MEDIA_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
#: The most bytes of a page, pages of a list, people on it, and seconds for reading all of it.
LONGEST_LIST, MOST_PAGES, MOST_PEOPLE, WHOLE_LIST_SECONDS = 4 * 2**20, 200, 20_000, 60.0
#: The field of a member that has the same content as a launch's claim.
MEMBER_FIELDS = {"sub": "user_id", "lms_user_id": "user_id", "email": "email"}
MEMBER_FIELDS |= {"lis_person_sourcedid": "lis_person_sourcedid"}


def names_source(platform: LearningPlatform, context: str) -> str:
    """Return the key, in the database, of the class list of a platform's course."""
    return json.dumps([platform.issuer, platform.client_id, context])


class PlatformNames:
    """One of a platform's courses as a class list.

    Parameters
    ----------
    platform : LearningPlatform
    context : str
        The platform's id of the course.
    lists : ClassLists
        They hold the address to read from, which launches tell.
    leave : ServiceLeave
    graders : PlatformGraders
        Somebody who was a teacher in a launch is no student, whatever the list says: Moodle lists a
        non-editing teacher as a learner.
    """

    def __init__(
        self,
        platform: LearningPlatform,
        context: str,
        lists: ClassLists,
        leave: ServiceLeave,
        graders: PlatformGraders,
    ) -> None:
        self._platform = platform
        self._context = context
        self._lists = lists
        self._leave = leave
        self._graders = graders

    @property
    def key(self) -> str:
        """The key of the list in the database."""
        return names_source(self._platform, self._context)

    @property
    def label(self) -> str:
        """The name of the list, for people."""
        return f"course {self._context} of {self._platform.host}"

    @property
    def by_number(self) -> bool:
        """Whether students are matched by their user numbers on the platform."""
        return self._platform.student_id == "lms_user_id"

    def read(self) -> Sequence[Listed]:
        """Return the students.

        Raises
        ------
        CourseError
            If the list cannot be read; the message says why.
        """
        claim = self._platform.student_id
        if claim.startswith(CUSTOM):
            message = (
                f"The names of {self.label} cannot be read: students are known by {claim}, which "
                "it does not tell of its members. Take another student_id, or `course roster`."
            )
            raise CourseError(message)
        teachers = self._graders.names()
        members = [
            each
            for page in self._pages()
            for each in page
            if _is_student(each)
            and self._word(each, MEMBER_FIELDS[claim])
            and grader_name(self._word(each, "user_id"), self._platform) not in teachers
        ]
        if not members:
            message = (
                f"{self._platform.host} names no student of course {self._context} with "
                f"{claim}: let it share that with the desk."
            )
            raise CourseError(message)
        return [_listed_person(self._word(each, MEMBER_FIELDS[claim]), each) for each in members]

    @staticmethod
    def _word(member: Mapping[str, Any], name: str) -> str:
        word = member.get(name)
        return word if isinstance(word, str) and len(word) <= 1000 else ""

    def _pages(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Yield the members on each page of the list, within bounds."""
        address = self._lists.find(self.key).address
        if not address:
            message = (
                f"It is not known yet where the names of {self.label} are: the desk is told when "
                "somebody opens a link there, if the platform lets it read names."
            )
            raise CourseError(message)
        first, people = address, 0
        seen: set[str] = set()
        end = time.monotonic() + WHOLE_LIST_SECONDS
        while address:
            if address in seen or len(seen) == MOST_PAGES or time.monotonic() > end:
                raise Unanswered(f"The list of {self.label} has no end.")
            if not (is_web_address(address) and origin_of(address) == origin_of(first)):
                raise Unanswered(f"The list of {self.label} goes on at another address.")
            seen.add(address)
            members, address = self._page(address)
            people += len(members)
            if people > MOST_PEOPLE:
                raise Unanswered(f"The list of {self.label} has more than {MOST_PEOPLE:,} people.")
            yield members

    def _page(self, address: str) -> tuple[Sequence[Mapping[str, Any]], str]:
        """Return the members on a page, and the address of the next page; empty if none."""
        headers = self._leave.headers(self._platform, NAMES_SCOPE, "read the names of the class")
        answer = ask(address, headers={**headers, "Accept": MEDIA_TYPE}, longest=LONGEST_LIST)
        host = urlsplit(address).hostname
        if not answer.is_good:
            if answer.status == 401:
                self._leave.drop(self._platform, NAMES_SCOPE)
            message = f"{host} answered with status {answer.status} when asked for the names"
            raise Unanswered(f"{message} of the class.")
        try:
            told = json.loads(answer.body)
        except (ValueError, RecursionError):
            told = None
        members = told.get("members") if isinstance(told, dict) else None
        is_list = isinstance(members, list) and all(isinstance(each, dict) for each in members)
        if not isinstance(told, dict) or not isinstance(members, list) or not is_list:
            raise Unanswered(f"{host} did not answer with the names of the class.")
        context = told.get("context")
        id = context.get("id", self._context) if isinstance(context, dict) else self._context
        if id != self._context:
            raise Unanswered(f"{host} answered with the names of another course.")
        return members, answer.next


def _is_student(member: Mapping[str, Any]) -> bool:
    """Return whether a member is an active learner of the course, and no teacher of it."""
    told = member.get("roles")
    roles = {role for role in told if isinstance(role, str)} if isinstance(told, list) else set()
    is_active = member.get("status", "Active") == "Active"
    return is_active and has_role(roles, LEARNS) and not has_role(roles, TEACHES)


def _listed_person(said: str, member: Mapping[str, Any]) -> Listed:
    first, last = (one_line_name(member.get(name)) for name in ("given_name", "family_name"))
    return Listed(said, first, last if first or last else one_line_name(member.get("name")))
