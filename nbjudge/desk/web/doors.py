"""The doors of the desk: who comes in, who is in, and whether a form is theirs."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from nbjudge.desk.store import Refused
from nbjudge.desk.web.desk_keys import Visitor
from nbjudge.desk.web.desk_service import Desk
from nbjudge.desk.web.guards import require_same_origin
from nbjudge.desk.web.logins import LOGIN_LIFE, Login
from nbjudge.desk.web.uploads import read_form

__all__ = ["Doors"]


class Doors:
    """Asks for links, sessions and tokens.

    Parameters
    ----------
    desk : Desk
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        policy = desk.policy
        # A browser takes a cookie of such a name only from this very host, by TLS.
        is_hosts = policy.is_encrypted and not policy.base
        self._cookie = "__Host-desk" if is_hosts else "desk"

    def visitor(self, key: str) -> Visitor:
        """Return whose personal key it is.

        Raises
        ------
        Refused
            If nobody's, or somebody's who is not in the class now.
        """
        visitor = self._desk.links.visitor(key)
        if visitor is None:
            raise Refused("This link is not the desk's, or not whole. Ask for a new one.", 403)
        self._require_known(visitor)
        return visitor

    def _require_known(self, visitor: Visitor) -> None:
        if not self._desk.knows(visitor):
            raise Refused(f"{visitor.who!r} is not in the class now. Ask your instructor.", 403)

    def let_in(self, request: Request, key: str) -> Response:
        """Begin a session with whom a key belongs to; whatever session there was ends."""
        return self.begin(request, self.visitor(key))

    def begin(self, request: Request, visitor: Visitor, to: str = "/") -> Response:
        """Begin a session with somebody who is known; whatever session there was ends.

        Parameters
        ----------
        request : Request
        visitor : Visitor
        to : str
            The page to show first: a path below the desk's own.

        Raises
        ------
        Refused
            If whoever it is does not belong here now.
        """
        self._require_known(visitor)
        session = self._desk.logins.begin(visitor, request.cookies.get(self._cookie))
        self._desk.store.note(self._desk.clock(), visitor.who, "came in")
        policy = self._desk.policy
        answer = RedirectResponse(f"{policy.base}{to}", 303)
        answer.set_cookie(
            self._cookie,
            session,
            max_age=int(LOGIN_LIFE.total_seconds()),
            path=policy.base or "/",
            secure=policy.is_encrypted,
            httponly=True,
            samesite="lax",
        )
        return answer

    def let_out(self, request: Request) -> Response:
        """End a session."""
        self._desk.logins.end(request.cookies.get(self._cookie))
        policy = self._desk.policy
        answer = RedirectResponse(f"{policy.base}/", 303)
        answer.delete_cookie(
            self._cookie,
            path=policy.base or "/",
            secure=policy.is_encrypted,
            httponly=True,
            samesite="lax",
        )
        return answer

    def require(self, request: Request) -> Login:
        """Return who is logged in.

        Raises
        ------
        Refused
            If nobody is.
        """
        login = self._desk.logins.find(request.cookies.get(self._cookie))
        if login is None or not self._desk.knows(login.visitor):
            message = "Open the desk by your personal link, which your instructor gave you."
            raise Refused(message, 401)
        return login

    def require_student(self, request: Request) -> Login:
        """Return the student who is logged in.

        Raises
        ------
        Refused
            If none is.
        """
        login = self.require(request)
        if login.visitor.is_grader:
            raise Refused("You are here as a grader: only students hand in.", 403)
        return login

    def require_grader(self, request: Request) -> Login:
        """Return the grader who is logged in.

        Raises
        ------
        Refused
            If none is.
        """
        login = self.require(request)
        if not login.visitor.is_grader:
            raise Refused("There is no such page.", 404)
        return login

    @staticmethod
    def require_token(login: Login, form: FormData) -> None:
        """Make sure that a form was shown to who is logged in.

        Raises
        ------
        Refused
            If not.
        """
        if not login.owns(str(form.get("csrf", ""))):
            raise Refused("This form is out of date. Load its page again, and try again.", 403)

    async def form(self, request: Request) -> tuple[Login, FormData]:
        """Return who sent a small form, and its fields.

        Raises
        ------
        Refused
            If nobody who is logged in did, from a page of the desk's.
        """
        login = await run_in_threadpool(self.require, request)
        require_same_origin(request, self._desk.policy)
        form = await read_form(request)
        self.require_token(login, form)
        return login, form
