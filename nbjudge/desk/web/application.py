"""Build the desk's ASGI application: its routes, and its responses to errors."""

from __future__ import annotations

import logging
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from nbjudge.desk.lti.lti_routes import LtiRoutes
from nbjudge.desk.store import Refused
from nbjudge.desk.web.class_routes import ClassRoutes
from nbjudge.desk.web.desk_pages import DESK_TEMPLATES, DeskPages
from nbjudge.desk.web.desk_service import Desk
from nbjudge.desk.web.doors import Doors
from nbjudge.desk.web.guards import Guard
from nbjudge.desk.web.notebook_routes import NotebookRoutes
from nbjudge.desk.web.student_routes import StudentRoutes
from nbjudge.exceptions import CourseError

__all__ = ["application"]

SCRIPT = "desk.js"


def application(desk: Desk) -> Guard:
    """Return the ASGI application of a desk.

    Raises
    ------
    CourseError
        If the desk is set to log people in through a JupyterHub, and there is none.
    """
    pages = DeskPages(desk)
    doors = Doors(desk)
    hub = None
    if desk.policy.hub:
        from nbjudge.desk.hub.hub_login import HubLogin  # JupyterHub is optional

        hub = HubLogin(desk.policy, desk.key, doors)
    script = (DESK_TEMPLATES / SCRIPT).read_bytes()

    def show_script(_: Request) -> Response:
        headers = {"Cache-Control": "max-age=600"}
        return Response(script, media_type="text/javascript; charset=utf-8", headers=headers)

    def tell(request: Request, message: str, status: int) -> Response:
        if request.url.path.startswith(f"{desk.policy.base}/api/"):
            return JSONResponse({"problem": message}, status)
        return pages.render(
            "message", login=None, status=status, heading="This did not work", message=message
        )

    def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        is_api = request.url.path.startswith(f"{desk.policy.base}/api/")
        if hub is not None and error.status == 401 and request.method == "GET" and not is_api:
            return RedirectResponse(hub.start, 303)
        return tell(request, str(error), error.status)

    def fail(request: Request, error: Exception) -> Response:
        logging.getLogger(__name__).error("refused: %s", error)
        return tell(request, str(error), 503)

    def miss(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        return tell(request, "There is no such page.", status)

    def stumble(request: Request, error: Exception) -> Response:
        message = "Something went wrong here. What you handed in before is kept. Try again."
        return tell(request, message, 500)

    handlers: dict[Any, Any] = {
        Refused: refuse,
        CourseError: fail,
        HTTPException: miss,
        500: stumble,
    }
    routes: list[BaseRoute] = [
        Route(f"/{SCRIPT}", show_script),
        *StudentRoutes(desk, pages, doors).routes(),
        *ClassRoutes(desk, pages, doors).routes(),
        *NotebookRoutes(desk, doors).routes(),
        *(LtiRoutes(desk, desk.lti, doors, pages).routes() if desk.lti is not None else ()),
        *(hub.routes() if hub is not None else ()),
    ]
    if desk.policy.base:
        routes = [Mount(desk.policy.base, routes=routes)]
    app = Starlette(routes=routes, exception_handlers=handlers)
    # Never redirect to an address that was made from a requested path.
    app.router.redirect_slashes = False
    return Guard(app, desk.policy, pages.style_hash)
