"""The routes for learning platforms: the desk's public key, login, and launch."""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from nbjudge.desk.lti.deep_linking import Question, frame_policy
from nbjudge.desk.lti.launches import own_path
from nbjudge.desk.lti.learning_platforms import LearningPlatform
from nbjudge.desk.lti.login_states import STATE_LIFE
from nbjudge.desk.lti.lti_tool import Arrival, LtiTool
from nbjudge.desk.store import Refused
from nbjudge.desk.web.desk_keys import Visitor
from nbjudge.desk.web.desk_pages import DeskPages
from nbjudge.desk.web.desk_service import Desk
from nbjudge.desk.web.doors import Doors
from nbjudge.desk.web.guards import page_policy
from nbjudge.desk.web.uploads import read_form

__all__ = ["LtiRoutes"]

COOKIE_PREFIX = "desk-lti-"
#: The most characters of a hint that is passed back to the platform.
LONGEST_PARAMETER = 4000
#: How many refusals are logged per hour; a bound, so that strangers cannot fill the disk.
MOST_LAUNCH_NOTES = 200


class LtiRoutes:
    """The request handlers for platforms and the people whom they send.

    Parameters
    ----------
    desk : Desk
    lti : LtiTool
    doors : Doors
    pages : DeskPages
    """

    def __init__(self, desk: Desk, lti: LtiTool, doors: Doors, pages: DeskPages) -> None:
        self._desk = desk
        self._lti = lti
        self._doors = doors
        self._pages = pages
        self._noted: deque[datetime] = deque(maxlen=MOST_LAUNCH_NOTES)

    def routes(self) -> list[Route]:
        """Return the routes, relative to the desk's base path."""
        return [
            Route("/lti/jwks", self._keys),
            Route("/lti/login", self._login, methods=["GET", "POST"]),
            Route("/lti/launch", self._launch, methods=["POST"]),
        ]

    def _keys(self, _: Request) -> Response:
        """Return the desk's public key as a JWK set."""
        return JSONResponse(self._lti.key.key_set())

    # ---- Login -----------------------------------------------------------------------------------

    async def _login(self, request: Request) -> Response:
        """Redirect to the platform, with a cookie that ties the login to this browser."""
        told: FormData | QueryParams = request.query_params
        if request.method == "POST":
            told = await self._form(request)
        return await run_in_threadpool(self._note_refusal, lambda: self._begin(told))

    def _begin(self, told: FormData | QueryParams) -> Response:
        policy = self._desk.policy
        words = {name: str(told.get(name, "")) for name in ("login_hint", "lti_message_hint")}
        if not words["login_hint"] or max(map(len, words.values())) > LONGEST_PARAMETER:
            raise Refused("Your learning platform does not say whom it sends.", 400)
        own_path(str(told.get("target_link_uri", "")), policy)
        platform = self._lti.platform(str(told.get("iss", "")), str(told.get("client_id", "")))
        begun = self._lti.logins.begin(platform)
        query = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": platform.client_id,
            "redirect_uri": f"{policy.url.rstrip('/')}/lti/launch",
            "state": begun.state,
            "nonce": begun.nonce,
            **{name: word for name, word in words.items() if word},
        }
        sign = "&" if urlsplit(platform.auth_login_url).query else "?"
        answer = RedirectResponse(f"{platform.auth_login_url}{sign}{urlencode(query)}", 303)
        answer.set_cookie(
            _cookie(begun.state),
            begun.browser,
            max_age=int(STATE_LIFE.total_seconds()),
            path=f"{policy.base}/lti",
            secure=True,
            httponly=True,
            # The form that completes the login is sent from the platform's page: another site.
            samesite="none",
        )
        _keep_in_frames(answer)
        return answer

    # ---- Launch ----------------------------------------------------------------------------------

    async def _launch(self, request: Request) -> Response:
        """Complete a login, and redirect to the assignment that the link leads to."""
        form = await self._form(request)
        return await run_in_threadpool(self._note_refusal, lambda: self._come_in(request, form))

    def _come_in(self, request: Request, form: FormData) -> Response:
        if form.get("error"):
            raise Refused("Your learning platform did not let you through to the desk.", 403)
        state = str(form.get("state", ""))
        browser = request.cookies.get(_cookie(state), "")
        arrival = self._lti.receive(str(form.get("id_token", "")), state, browser)
        if arrival.question is not None:
            return self._ask(arrival, arrival.question)
        member, assignment = arrival.member, arrival.assignment
        to = ("/class/" if member.is_grader else "/assignments/") + quote(assignment, safe="")
        visitor = Visitor(member.who, is_grader=member.is_grader)
        answer = self._doors.begin(request, visitor, to if assignment else "/")
        answer.delete_cookie(
            _cookie(state),
            path=f"{self._desk.policy.base}/lti",
            secure=True,
            httponly=True,
            samesite="none",
        )
        _keep_in_frames(answer)
        return answer

    def _ask(self, arrival: Arrival, question: Question) -> Response:
        """Ask a teacher which assignment a link leads to; this begins no session."""
        who = arrival.member.who
        self._desk.store.note(self._desk.clock(), who, "was asked what a link opens")
        offers = []
        for name, due in sorted(self._desk.terms().due.items()):
            notebooks = self._desk.notebooks(name).values()
            cells = [cell for version in notebooks for cell in version.cells]
            worth = sum(cell.points for cell in cells if cell.grade or cell.task)
            token = self._lti.answer(question, arrival.platform, name, worth)
            offers.append((name, due, worth, token))
        return self._in_frame(
            self._pages.render("choose", login=None, offers=offers, address=question.address),
            [arrival.platform],
            question.address,
        )

    def _in_frame(
        self, answer: Response, platforms: Iterable[LearningPlatform], sends_to: str = ""
    ) -> Response:
        """Allow platforms to show a page in a frame, where teachers choose an assignment."""
        frames = [sends_to] if sends_to else []
        for each in platforms:
            frames += [each.issuer, each.auth_login_url]
        policy = frame_policy(page_policy(self._pages.style_hash), frames, sends_to)
        answer.headers["Content-Security-Policy"] = policy
        return answer

    # ---- Both ------------------------------------------------------------------------------------

    async def _form(self, request: Request) -> FormData:
        try:
            return await read_form(request)
        except Refused as error:
            message = "What your learning platform sent is too long, too slow, or no form."
            refused = Refused(message, error.status)
            await run_in_threadpool(self._note, refused)
            raise refused from error

    def _note_refusal(self, answer: Callable[[], Response]) -> Response:
        """Return a response; log a refusal, and return a page with it that a frame can show."""
        try:
            return answer()
        except Refused as refused:
            self._note(refused)
            page = self._pages.render(
                "message",
                login=None,
                status=refused.status,
                heading="This did not work",
                message=str(refused),
            )
            return self._in_frame(page, self._lti.platforms())

    def _note(self, refused: Refused) -> None:
        now = self._desk.clock()
        if len(self._noted) == MOST_LAUNCH_NOTES and now - self._noted[0] < timedelta(hours=1):
            logging.getLogger(__name__).warning("refused, and not noted: %s", refused)
            return
        self._noted.append(now)
        self._desk.store.note(
            now, "learning platform", "sent somebody who was refused", f"{refused}"
        )


def _cookie(state: str) -> str:
    """Return the name of a login's cookie; unique, as one browser may begin several logins."""
    return COOKIE_PREFIX + hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()[:16]


def _keep_in_frames(answer: Response) -> None:
    """Mark a response's last cookie as Partitioned, so that browsers keep it in a platform's frame.

    Starlette itself can set this attribute only from Python 3.14 on.
    """
    name, cookie = answer.raw_headers[-1]
    answer.raw_headers[-1] = name, cookie + b"; Partitioned"
