"""Authentication: log people in and out, identify who sends a request, and check form tokens."""

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
    """Checks personal keys, session cookies and form tokens.

    Parameters
    ----------
    desk : Desk
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        policy = desk.policy
        # Browsers accept a cookie with the prefix __Host- only over TLS, from this very host, and
        # for the path "/".
        is_hosts = policy.is_encrypted and not policy.base
        self._cookie = "__Host-desk" if is_hosts else "desk"

    def visitor(self, key: str) -> Visitor:
        """Return the owner of a personal key.

        Raises
        ------
        Refused
            If the desk did not sign it, or its owner is not in the class now.
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
        """Begin a session for the owner of a key; the browser's earlier session ends."""
        return self.begin(request, self.visitor(key))

    def begin(self, request: Request, visitor: Visitor, to: str = "/") -> Response:
        """Begin a session for somebody; the browser's earlier session ends.

        Parameters
        ----------
        request : Request
        visitor : Visitor
        to : str
            The page to show first: a path relative to the desk's base path.

        Raises
        ------
        Refused
            If the visitor is not in the class now.
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
        """End the browser's session."""
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
        """Check that a form carries the CSRF token of a login.

        Raises
        ------
        Refused
            If it does not.
        """
        if not login.owns(str(form.get("csrf", ""))):
            raise Refused("This form is out of date. Load its page again, and try again.", 403)

    async def form(self, request: Request) -> tuple[Login, FormData]:
        """Return who sent a small form, and its fields.

        Raises
        ------
        Refused
            If nobody is logged in, or the form does not come from a page of the desk.
        """
        login = await run_in_threadpool(self.require, request)
        require_same_origin(request, self._desk.policy)
        form = await read_form(request)
        self.require_token(login, form)
        return login, form
