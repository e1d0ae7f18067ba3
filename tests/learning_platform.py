"""A learning platform that nobody here wrote, `lti1p3platform`, on loopback; and visits from it."""

from __future__ import annotations

import functools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2 as httpx
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from desk_visits import OpenDesk, Visit
from lti1p3platform.ltiplatform import LTI1P3PlatformConfAbstract
from lti1p3platform.membership import Context
from lti1p3platform.message_launch import LTIAdvantageMessageLaunchAbstract
from lti1p3platform.oidc_login import OIDCLoginAbstract
from lti1p3platform.registration import Registration
from lti1p3platform.request import Request
from lti1p3platform.score import UpdateScoreStatus
from lti1p3platform.service_connector import (
    AssignmentsGradesService,
    NamesRoleProvisioningService,
)
from serving_desks import free_port
from starlette.applications import Starlette
from starlette.requests import Request as WebRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ISSUER, CLIENT, DEPLOYMENT, CONTEXT = "https://moodle.example.org", "desk-client", "1", "12"
LAUNCH = "https://desk.example.org/lti/launch"
ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
SETTINGS = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"


NAMES_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


class _Titled(dict[str, str]):
    """Headers as the platform's library asks for them."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__({name.title(): value for name, value in headers.items()})


def member(user: str, *roles: str, **told: Any) -> dict[str, Any]:
    """Return somebody in the course, as the platform tells."""
    return {"user_id": user, "roles": [f"{ROLE}{role}" for role in roles or ("Learner",)], **told}


@functools.cache
def key_pair(bits: int = 2048, which: int = 0) -> tuple[str, str]:
    """Return a private and a public key as text; another for another number."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


class Asked(Request):  # type: ignore[misc]
    """A request as the platform's library wants it."""

    def build_metadata(self, request: Mapping[str, Any]) -> Any:
        return {"form_data": {}, "get_data": {}, "json": None, "headers": {}, **request}


class Configuration(LTI1P3PlatformConfAbstract):  # type: ignore[misc]
    """The one registration that the platform has."""

    def init_platform_config(self, **given: Any) -> None:
        self._registration = given["registration"]

    def get_registration_by_params(self, **_: Any) -> Any:
        return self._registration


class Login(OIDCLoginAbstract):  # type: ignore[misc]
    def set_lti_message_hint(self, **_: Any) -> None:
        self._lti_message_hint = "the link"

    def get_redirect(self, url: str) -> str:
        return url


class MessageLaunch(LTIAdvantageMessageLaunchAbstract):  # type: ignore[misc]
    def render_launch_form(self, launch_data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return launch_data


class Grades(AssignmentsGradesService):  # type: ignore[misc]
    """Keeps scores in a list; everything else is not asked for."""

    took: list[dict[str, Any]]

    def update_score(self, line_item_id: str, score: Any) -> Any:
        """Take what is later, by whole seconds, than what is there: so does Moodle."""
        times = [
            datetime.fromisoformat(each["timestamp"]).replace(microsecond=0)
            for each in (*self.took, score)
            if (each["userId"], each.get("line", line_item_id)) == (score["userId"], line_item_id)
        ]
        if max(times[:-1], default=datetime.min.replace(tzinfo=UTC)) >= times[-1]:
            return UpdateScoreStatus.OLD_TIMESTAMP
        self.took.append({**score, "line": line_item_id})
        return UpdateScoreStatus.SUCCESS

    find_lineitems = find_lineitem = create_lineitem = None
    update_lineitem = delete_lineitem = get_results = None


Grades.__abstractmethods__ = frozenset()


class Names(NamesRoleProvisioningService):  # type: ignore[misc]
    """Tells who is in the course, some on each page."""

    members: list[dict[str, Any]]
    context: str = CONTEXT

    def get_member_data_page(self, page: int = 1, limit: int = 50, **_: Any) -> dict[str, Any]:
        first, last = (int(page) - 1) * int(limit), int(page) * int(limit)
        return {"content": self.members[first:last], "has_next": last < len(self.members)}

    def get_context_by_id(self) -> Context:
        return Context(self.context, "sums", "Sums")


Page = Callable[[dict[str, str], dict[str, str]], Response]


@dataclass
class LearningPlatform:
    """A platform with its keys, the scores that it got, and what it is to do wrong."""

    address: str
    registration: Registration
    scores: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    #: Who is in the course, and how many are on a page of that list.
    members: list[dict[str, Any]] = field(default_factory=list)
    page: int = 50
    #: What a path answers instead, by path.
    instead: dict[str, Callable[[], Response]] = field(default_factory=dict)
    #: What a browser gets there, by path: from the query, and from the fields of a form.
    pages: dict[str, Page] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.configuration = Configuration(registration=self.registration)

    @property
    def entry(self) -> dict[str, object]:
        """What a course writes to `c.Desk.lti_platforms`."""
        return {
            "issuer": ISSUER,
            "client_id": CLIENT,
            "auth_login_url": f"{ISSUER}/auth",
            "auth_token_url": f"{self.address}/token",
            "jwks_url": f"{self.address}/jwks",
            "deployment_ids": [DEPLOYMENT],
            "context_ids": [CONTEXT],
        }

    # ---- What it serves --------------------------------------------------------------------------

    async def answer(self, request: WebRequest) -> Response:
        path = request.url.path
        self.requests.append(path)
        if path in self.instead:
            return self.instead[path]()
        body = (await request.body()).decode()
        if path in self.pages:
            return self.pages[path](dict(request.query_params), dict(parse_qsl(body)))
        if path == "/jwks":
            return JSONResponse(self.configuration.get_jwks())
        if path == "/token":
            return JSONResponse(self.configuration.get_access_token(dict(parse_qsl(body))))
        if path == "/names":
            return self._answer_names(request)
        asked = Asked(
            {"method": request.method, "headers": request.headers, "json": json.loads(body)}
        )
        assert request.headers["content-type"] == "application/vnd.ims.lis.v1.score+json"
        grades = Grades(asked, self.configuration, f"{self.address}/lines")
        grades.took = self.scores
        line = path.removeprefix("/lines/").removesuffix("/scores")
        told = grades.handle_resp(grades.handle_update_score, line_item_id=line)
        return Response(status_code=told.code)

    def _answer_names(self, request: WebRequest) -> Response:
        query = {"limit": self.page, **request.query_params}
        query["page"] = int(query.get("page", 1))
        asked = Asked({"method": "GET", "headers": _Titled(request.headers), "get_data": query})
        names = Names(asked, self.configuration, f"{self.address}/names")
        names.members = self.members
        told = names.handle_resp(names.handle_get_members)
        if told.code != 200:
            return Response(status_code=told.code)
        following = told.result.pop("next", "")
        headers = {"Link": f'<{following}>; rel="next"'} if following else {}
        return JSONResponse(told.result, headers=headers, media_type=NAMES_TYPE)

    # ---- Whom it sends ---------------------------------------------------------------------------

    def begin(self, visit: Visit, **replaced: str) -> httpx.Response:
        """Send a browser to the desk's login, as the platform does when a link is clicked."""
        login = Login(None, self.configuration)
        login.set_lti_message_hint()
        address = login.initiate_login("7")
        query = {**dict(parse_qsl(urlsplit(address).query)), **replaced}
        return visit.get("/lti/login", params=query, follow_redirects=False)

    def form(
        self,
        began: httpx.Response,
        *,
        user: str = "7",
        roles: tuple[str, ...] = ("Learner",),
        custom: Mapping[str, str] | None = None,
        claims: Mapping[str, Any] | None = None,
        line: str = "4",
        names: str | None = None,
        choice: Mapping[str, Any] | None = None,
        lasts: int = 300,
        **preflight: str,
    ) -> dict[str, str]:
        """Return the form by which the platform sends the browser back."""
        assert began.status_code == 303, began.text
        query = {**dict(parse_qsl(urlsplit(began.headers["location"]).query)), **preflight}
        return self.form_for(
            query,
            user=user,
            roles=roles,
            custom=custom,
            claims=claims,
            line=line,
            names=names,
            choice=choice,
            lasts=lasts,
        )

    def form_for(
        self,
        query: Mapping[str, str],
        *,
        user: str = "7",
        roles: tuple[str, ...] = ("Learner",),
        custom: Mapping[str, str] | None = None,
        claims: Mapping[str, Any] | None = None,
        line: str = "4",
        names: str | None = None,
        choice: Mapping[str, Any] | None = None,
        lasts: int = 300,
    ) -> dict[str, str]:
        """Return the same form, for the query with which the desk sent the browser here."""
        launch = MessageLaunch(Asked({"get_data": query}), self.configuration)
        launch.set_user_data(user, [f"{ROLE}{role}" for role in roles], "Ada", "ada@example.org")
        launch.set_resource_link_claim("link 1")
        launch.set_launch_context_claim(CONTEXT)
        launch.set_custom_parameters_claim(
            dict({"assignment": "sums"} if custom is None else custom)
        )
        if line:
            launch.set_ags(f"{self.address}/lines", f"{self.address}/lines/{line}")
        if names is not None:
            launch.set_nrps(names or f"{self.address}/names")
        if choice is not None:
            choice = {"deep_link_return_url": f"{ISSUER}/choice", "more": {}, **choice}
            more = choice.pop("more")
            launch.set_dl(**choice)
            launch._deep_linking_launch_data[SETTINGS].update(more)
        launch.set_extra_claims(dict(claims or {}))
        launch.set_id_token_expiration(lasts)
        told = launch.lti_launch()
        assert told["launch_url"] == self.registration.get_launch_url()
        return {"id_token": told["id_token"], "state": told["state"]}

    def send(self, visit: Visit, form: Mapping[str, str]) -> httpx.Response:
        """Have a browser send a form to the desk's launch."""
        headers = {"Origin": ISSUER}
        return visit.post("/lti/launch", form, headers=headers, follow_redirects=False)

    def launch(self, visit: Visit, **said: Any) -> httpx.Response:
        """Open the desk by a link, and return what it answers first."""
        return self.send(visit, self.form(self.begin(visit), **said))

    def forgive_clocks(self) -> None:
        """Take a tool's word whenever it says it, for tests whose desk has a clock of its own."""
        names = ("verify_aud", "verify_exp", "verify_iat")
        self.configuration._jwt_verify_options = dict.fromkeys(names, False)

    def meet(self, opened: OpenDesk) -> None:
        """Learn a desk's public keys."""
        self.registration.set_tool_key_set(opened.visit().get("/lti/jwks").json())


@contextmanager
def running_platform() -> Iterator[LearningPlatform]:
    """Serve a platform in a thread of this process."""
    port = free_port()
    private, public = key_pair()
    registration = Registration()
    registration.set_iss(ISSUER).set_client_id(CLIENT).set_deployment_id(DEPLOYMENT)
    registration.set_deeplink_launch_url(LAUNCH)
    registration.set_launch_url(LAUNCH).set_oidc_login_url("https://desk.example.org/lti/login")
    registration.set_platform_private_key(private).set_platform_public_key(public)
    platform = LearningPlatform(f"http://127.0.0.1:{port}", registration)
    methods = ["GET", "POST"]
    app = Starlette(routes=[Route("/{path:path}", platform.answer, methods=methods)])
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield platform
    finally:
        server.should_exit = True
        thread.join()
