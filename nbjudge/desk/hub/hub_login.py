"""Log people in through JupyterHub, with its own `HubOAuth`."""

from __future__ import annotations

import hmac
import os
import secrets
from urllib.parse import urlencode

from itsdangerous import BadData, URLSafeTimedSerializer
from jupyterhub.services.auth import HubOAuth
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.store import Refused
from nbjudge.desk.web.desk_keys import Visitor
from nbjudge.desk.web.doors import Doors
from nbjudge.exceptions import CourseError

__all__ = ["HubLogin"]

#: Environment variables that JupyterHub sets for the services that it starts; for any other service
#: the administrator sets them.
HUB_VARIABLES = ("JUPYTERHUB_API_TOKEN", "JUPYTERHUB_API_URL", "JUPYTERHUB_SERVICE_PREFIX")
HUB_COOKIE = "desk-hub"
#: Seconds that somebody has to log in at the hub.
RECHECK_SECONDS = 600


class HubLogin:
    """Sends people to the hub to log in, and begins a session when they return.

    Parameters
    ----------
    policy : DeskPolicy
    key : bytes
        The desk's key.
    doors : Doors

    Raises
    ------
    CourseError
        If the hub's environment variables are missing, or its path to the desk is not that of
        `c.Desk.url`.
    """

    def __init__(self, policy: DeskPolicy, key: bytes, doors: Doors) -> None:
        missing = [name for name in HUB_VARIABLES if not os.environ.get(name)]
        if missing:
            message = (
                f"c.Desk.hub is set, and no JupyterHub has said how to ask it: {missing[0]} is not "
                "in the environment. Let the hub start the desk as its service, or set it."
            )
            raise CourseError(message)
        self._hub = HubOAuth()
        prefix = self._hub.base_url.rstrip("/")
        if prefix != policy.base:
            message = (
                f"The hub has the desk at {prefix}/, and c.Desk.url ends with '{policy.base}'. "
                "Write the hub's address and that path to c.Desk.url."
            )
            raise CourseError(message)
        self._policy = policy
        self._doors = doors
        self._signer = URLSafeTimedSerializer(key, salt="nbjudge desk hub")

    @property
    def start(self) -> str:
        """The path that redirects to the hub's login page."""
        return f"{self._policy.base}/hub"

    def routes(self) -> list[Route]:
        """Return the routes, relative to the desk's base path."""
        return [Route("/hub", self._go), Route("/oauth_callback", self._come_back)]

    def _go(self, _: Request) -> Response:
        """Redirect to the hub, with a signed cookie that ties the login to this browser."""
        state = secrets.token_urlsafe(32)
        verifier, challenge, method = self._hub.generate_pkce_code_challenge()
        query = {"state": state, "code_challenge": challenge, "code_challenge_method": method}
        answer = RedirectResponse(f"{self._hub.login_url}&{urlencode(query)}", 303)
        answer.set_cookie(
            HUB_COOKIE,
            self._signer.dumps([state, verifier]),
            max_age=RECHECK_SECONDS,
            path=self._policy.base or "/",
            secure=self._policy.is_encrypted,
            httponly=True,
            samesite="lax",
        )
        return answer

    def _come_back(self, request: Request) -> Response:
        """Begin a session for the hub's user, if the login began in this browser."""
        told = request.query_params
        try:
            state, verifier = self._signer.loads(
                request.cookies.get(HUB_COOKIE, ""), max_age=RECHECK_SECONDS
            )
        except BadData:
            state, verifier = "", ""
        if not state or not hmac.compare_digest(state, told.get("state", "")):
            raise Refused(f"This login was not begun here. Open {self._policy.url} again.", 403)
        code = told.get("code", "")
        if not code:
            raise Refused("JupyterHub did not let you in.", 403)
        token = self._hub.token_for_code(code, code_verifier=verifier, sync=True)
        user = self._hub.user_for_token(token, use_cache=False, sync=True)
        if not user:
            raise Refused("JupyterHub does not know you.", 403)
        name = str(user["name"])
        visitor = Visitor(name, is_grader=name in self._policy.graders)
        answer = self._doors.begin(request, visitor)
        answer.delete_cookie(HUB_COOKIE, path=self._policy.base or "/")
        return answer
