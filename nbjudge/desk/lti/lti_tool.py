"""The desk as an LTI tool: it verifies launches, and owns the keys and the sending of scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from nbjudge.course.course import Course
from nbjudge.desk.class_lists.class_lists import ClassLists
from nbjudge.desk.class_lists.platform_names import PlatformNames, names_source
from nbjudge.desk.database import Database
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.due_dates import ClassTerms
from nbjudge.desk.lti.deep_linking import Question, answer_to
from nbjudge.desk.lti.key_sets import KeySets
from nbjudge.desk.lti.launches import Launch, assignment_of, read_launch
from nbjudge.desk.lti.learning_platforms import LearningPlatform, read_platforms
from nbjudge.desk.lti.login_states import LoginStates
from nbjudge.desk.lti.members import LtiMember, PlatformGraders, grader_name, member_of, teaches
from nbjudge.desk.lti.scores.score_queue import ScoreLine, ScoreQueue
from nbjudge.desk.lti.scores.score_sending import ScoreSending
from nbjudge.desk.lti.scores.score_service import ScoreService
from nbjudge.desk.lti.service_leave import ServiceLeave
from nbjudge.desk.lti.tool_key import ToolKey
from nbjudge.desk.store import Refused, Store

__all__ = ["Arrival", "LtiTool"]


@dataclass(frozen=True)
class Arrival:
    """Somebody who has come from a platform by a verified launch.

    Parameters
    ----------
    member : LtiMember
    platform : LearningPlatform
    assignment : str
        What the link leads to; empty if to no assignment in particular.
    question : Question, optional
        For a deep linking launch: the request to choose an assignment.
    """

    member: LtiMember
    platform: LearningPlatform
    assignment: str
    question: Question | None = None


class LtiTool:
    """The tool's side of LTI 1.3, for one desk.

    Parameters
    ----------
    course : Course
    policy : DeskPolicy
    database : Database
    store : Store
    terms : ClassTerms
    lists : ClassLists
    clock : callable
        Returns the time in UTC.

    Raises
    ------
    CourseError
        If the settings of a platform are wrong, or the desk's LTI key cannot be used.
    """

    def __init__(
        self,
        course: Course,
        policy: DeskPolicy,
        database: Database,
        store: Store,
        terms: ClassTerms,
        lists: ClassLists,
        clock: Callable[[], datetime],
    ) -> None:
        platforms = read_platforms(policy)
        self._platforms = {(each.issuer, each.client_id): each for each in platforms}
        self._policy = policy
        self._terms = terms
        self._clock = clock
        self._lists = lists
        self._key_sets = KeySets(clock)
        self.key = ToolKey(course.root)
        self.logins = LoginStates(database, clock)
        self.graders = PlatformGraders(database, clock)
        self.leave = ServiceLeave(self.key, clock)
        self.queue = ScoreQueue(database, clock)
        self.sending = ScoreSending(
            course,
            policy,
            store,
            terms,
            self.queue,
            ScoreService(self.leave),
            self._platforms,
            clock,
        )

    def platforms(self) -> list[LearningPlatform]:
        """Return the platforms that the course is on."""
        return list(self._platforms.values())

    def names(self) -> list[PlatformNames]:
        """Return a source of class lists for each course on each platform."""
        return [
            PlatformNames(platform, context, self._lists, self.leave, self.graders)
            for platform in self._platforms.values()
            for context in platform.context_ids
        ]

    def platform(self, issuer: str, client_id: str) -> LearningPlatform:
        """Return the platform with this issuer and client id.

        Parameters
        ----------
        issuer : str
        client_id : str
            Empty if the request does not have it.

        Raises
        ------
        Refused
            If no platform matches, or several do.
        """
        found = [
            each
            for each in self._platforms.values()
            if each.issuer == issuer and client_id in ("", each.client_id)
        ]
        if len(found) != 1:
            message = (
                "The desk does not know this learning platform. Ask your instructor to write it "
                "to c.Desk.lti_platforms."
            )
            raise Refused(message, 403)
        return found[0]

    def receive(self, token: str, state: str, browser: str) -> Arrival:
        """Verify a launch; return the person, and what they come for.

        Raises
        ------
        Refused
            If any check fails.
        """
        issuer, client_id, nonce = self.logins.end(state, browser)
        platform = self.platform(issuer, client_id)
        launch = read_launch(token, platform, nonce, self._key_sets, self._clock())
        if launch.question is not None and not teaches(launch):
            raise Refused("Only teachers of this course can choose what a link opens.", 403)
        terms = self._terms()
        assignment = assignment_of(launch, self._policy, terms.due)
        member = member_of(launch, platform, terms.people)
        self.graders.note(grader_name(launch.subject, platform), is_grader=member.is_grader)
        self._remember(launch, platform, member, assignment)
        if launch.names:
            self._lists.remember(names_source(platform, launch.context), launch.names)
        return Arrival(member, platform, assignment, launch.question)

    def answer(
        self, question: Question, platform: LearningPlatform, assignment: str, max_points: float
    ) -> str:
        """Return the signed reply to a deep linking request: a link to an assignment."""
        url, now = self._policy.url, self._clock()
        return answer_to(question, platform, self.key, url, assignment, max_points, now)

    def _remember(
        self, launch: Launch, platform: LearningPlatform, member: LtiMember, name: str
    ) -> None:
        if member.is_grader or not (name and launch.line):
            return
        line = ScoreLine(
            student=member.who,
            assignment=name,
            issuer=platform.issuer,
            client_id=platform.client_id,
            subject=launch.subject,
            address=launch.line,
        )
        self.queue.remember(line)
