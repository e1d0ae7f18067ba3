"""The JSON interface for `hand_in()` in a notebook: upload one file, then poll for its result."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nbjudge.desk.night import exercise_labels
from nbjudge.desk.receipts import in_zone
from nbjudge.desk.store import HandIn, HandInState, Refused
from nbjudge.desk.web.desk_keys import Visitor
from nbjudge.desk.web.desk_service import Desk
from nbjudge.desk.web.doors import Doors
from nbjudge.desk.web.uploads import read_body

__all__ = ["NotebookRoutes"]


class NotebookRoutes:
    """The request handlers for notebooks, which send a personal key instead of a cookie.

    Parameters
    ----------
    desk : Desk
    doors : Doors
    """

    def __init__(self, desk: Desk, doors: Doors) -> None:
        self._desk = desk
        self._doors = doors

    def routes(self) -> list[Route]:
        """Return the routes, relative to the desk's base path."""
        return [
            Route("/api/hand-ins", self._hand_in, methods=["POST"]),
            Route("/api/hand-ins/{number:int}", self._look),
        ]

    def _require(self, request: Request) -> Visitor:
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not key:
            raise Refused("The desk asks for your personal key.", 401)
        return self._doors.visitor(key.strip())

    async def _hand_in(self, request: Request) -> Response:
        visitor = await run_in_threadpool(self._require, request)
        if visitor.is_grader:
            raise Refused("Only students hand in, and this is a grader's key.", 403)
        name = unquote(request.headers.get("x-file-name", ""))
        assignment = request.query_params.get("assignment", "")
        if not assignment:
            assignment = await run_in_threadpool(self._desk.assignment_of, name)
        await run_in_threadpool(self._desk.begin_upload, visitor.who, assignment)
        policy = self._desk.policy
        with self._desk.upload(visitor.who):
            content = await read_body(request, most=policy.bytes, seconds=policy.upload_seconds)
            hand_in = await run_in_threadpool(
                self._desk.take_in,
                visitor.who,
                assignment,
                [(name, BytesIO(content))],
                request.headers.get("x-zone", ""),
            )
        return JSONResponse(await run_in_threadpool(self._as_data, hand_in), 201)

    def _look(self, request: Request) -> Response:
        visitor = self._require(request)
        found = self._desk.store.find(request.path_params["number"])
        if found is None or found.student != visitor.who:
            raise Refused("There is no such hand-in, or it is not yours.", 404)
        return JSONResponse(self._as_data(found))

    def _as_data(self, hand_in: HandIn) -> dict[str, Any]:
        """Return a hand-in and its result as JSON data."""
        receipt = self._desk.receipt(hand_in)
        shown = self._desk.shown_of(hand_in)
        labels = exercise_labels(self._desk.notebooks(hand_in.assignment))
        return {
            "id": hand_in.id,
            "assignment": hand_in.assignment,
            "attempt": hand_in.attempt,
            "received": in_zone(hand_in.received, hand_in.zone or self._desk.policy.timezone),
            "timeliness": receipt.timeliness,
            "remarks": list(hand_in.remarks),
            "counts": hand_in.counts,
            "is_over": hand_in.is_over,
            "is_failed": hand_in.state == HandInState.FAILED,
            "page": f"{self._desk.policy.url.rstrip('/')}/hand-ins/{hand_in.id}",
            "points": shown.points if shown else None,
            "max_points": shown.max_points if shown else None,
            "exercises": [
                {
                    "exercise": labels.get(each.exercise, each.exercise),
                    "state": each.state,
                    "points": each.points,
                    "max_points": each.max_points,
                    "told": each.told,
                    "checks": list(each.checks),
                }
                for each in (shown.exercises if shown else ())
            ],
        }
