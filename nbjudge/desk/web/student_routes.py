"""The students' pages: log in, hand in, read results and receipts."""

from __future__ import annotations

from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from nbjudge.desk.night import exercise_labels
from nbjudge.desk.outcomes import HandInOutcome, feedback_page
from nbjudge.desk.receipts import in_zone
from nbjudge.desk.store import HandIn, Refused
from nbjudge.desk.web.desk_pages import DeskPages
from nbjudge.desk.web.desk_service import Desk
from nbjudge.desk.web.doors import Doors
from nbjudge.desk.web.guards import SANDBOX, require_same_origin
from nbjudge.desk.web.logins import Login
from nbjudge.desk.web.uploads import read_form
from nbjudge.feedback.notebook_pages import OVERVIEW

__all__ = ["StudentRoutes"]


class StudentRoutes:
    """The request handlers of the students' pages.

    Parameters
    ----------
    desk : Desk
    pages : DeskPages
    doors : Doors
    """

    def __init__(self, desk: Desk, pages: DeskPages, doors: Doors) -> None:
        self._desk = desk
        self._pages = pages
        self._doors = doors

    def routes(self) -> list[Route]:
        """Return the routes, relative to the desk's base path."""
        return [
            Route("/", self._assignments),
            Route("/enter/{key}", self._ask),
            Route("/enter", self._enter, methods=["POST"]),
            Route("/leave", self._leave, methods=["POST"]),
            Route("/assignments/{assignment}", self._assignment),
            Route("/assignments/{assignment}", self._hand_in, methods=["POST"]),
            Route("/hand-ins/{number:int}", self._look),
            Route("/hand-ins/{number:int}/result", self._result),
            Route("/hand-ins/{number:int}/receipt.txt", self._receipt),
            Route("/hand-ins/{number:int}/files/{index:int}", self._file),
            Route("/hand-ins/{number:int}/feedback/{page}", self._feedback),
            Route("/receipts", self._receipts),
            Route("/receipts", self._check, methods=["POST"]),
        ]

    # ---- Logging in and out ----------------------------------------------------------------------

    def _ask(self, request: Request) -> Response:
        """Ask whether to log in as the link's owner: following a link does not log in by itself."""
        key = request.path_params["key"]
        visitor = self._doors.visitor(key)
        name = self._desk.name_of(visitor)
        return self._pages.render("enter", login=None, name=name, key=key)

    async def _enter(self, request: Request) -> Response:
        require_same_origin(request, self._desk.policy)
        form = await read_form(request)
        return await run_in_threadpool(self._doors.let_in, request, str(form.get("key", "")))

    async def _leave(self, request: Request) -> Response:
        await self._doors.form(request)
        return await run_in_threadpool(self._doors.let_out, request)

    # ---- Handing in ------------------------------------------------------------------------------

    def _assignments(self, request: Request) -> Response:
        login = self._doors.require(request)
        if login.visitor.is_grader:
            return RedirectResponse(f"{self._desk.policy.base}/class", 303)
        offers = []
        for name in self._desk.assignments():
            offer = self._desk.offer(login.visitor.who, name)
            offers.append((offer, offer.counting and self._desk.shown_of(offer.counting)))
        key = self._desk.links.key_of(login.visitor)
        return self._pages.render("assignments", login=login, offers=offers, key=key)

    def _assignment(self, request: Request) -> Response:
        login = self._doors.require_student(request)
        return self._offer(login, request.path_params["assignment"])

    def _offer(
        self, login: Login, assignment: str, problem: str = "", status: int = 200
    ) -> Response:
        offer = self._desk.offer(login.visitor.who, assignment)
        return self._pages.render(
            "assignment",
            login=login,
            status=status,
            offer=offer,
            hand_ins=[(each, self._desk.shown_of(each)) for each in offer.hand_ins],
            problem=problem,
            grace=self._desk.policy.grace_minutes,
            late_replaces=self._desk.policy.late_replaces,
        )

    async def _hand_in(self, request: Request) -> Response:
        policy = self._desk.policy
        login = await run_in_threadpool(self._doors.require_student, request)
        assignment = request.path_params["assignment"]
        require_same_origin(request, policy)
        try:
            with self._desk.upload(login.visitor.who):
                hand_in = await self._take_in(request, login, assignment)
        except Refused as refused:
            if refused.status == 404:
                raise
            return await run_in_threadpool(
                self._offer, login, assignment, str(refused), refused.status
            )
        return RedirectResponse(f"{policy.base}/hand-ins/{hand_in.id}", 303)

    async def _take_in(self, request: Request, login: Login, assignment: str) -> HandIn:
        """Read the uploaded files, and hand them in."""
        policy, student = self._desk.policy, login.visitor.who
        await run_in_threadpool(self._desk.begin_upload, student, assignment)
        form = await read_form(
            request, most=policy.bytes, files=policy.files, seconds=policy.upload_seconds
        )
        try:
            self._doors.require_token(login, form)
            sent = [
                (each.filename or "", each.file)
                for each in form.getlist("files")
                if isinstance(each, UploadFile) and each.filename
            ]
            if not sent:
                raise Refused("Nothing was handed in: no file was chosen.")
            zone = str(form.get("zone", ""))
            return await run_in_threadpool(self._desk.take_in, student, assignment, sent, zone)
        finally:
            await form.close()

    # ---- Reading ---------------------------------------------------------------------------------

    def _find(self, request: Request) -> tuple[Login, HandIn]:
        """Return the requested hand-in, if the visitor may see it."""
        login = self._doors.require(request)
        found = self._desk.store.find(request.path_params["number"])
        is_own = found is not None and found.student == login.visitor.who
        if found is None or not (login.visitor.is_grader or is_own):
            raise Refused("There is no such hand-in, or it is not yours.", 404)
        return login, found

    def _look(self, request: Request) -> Response:
        return self._of_one(request, "hand_in")

    def _result(self, request: Request) -> Response:
        return self._of_one(request, "result")

    def _of_one(self, request: Request, template: str) -> Response:
        login, each = self._find(request)
        outcome = (
            HandInOutcome.from_data(each.outcome) if each.outcome is not None else HandInOutcome()
        )
        notebooks = self._desk.notebooks(each.assignment)
        page_name = OVERVIEW if len(notebooks) > 1 else f"{next(iter(notebooks))}.html"
        return self._pages.render(
            template,
            login=login,
            each=each,
            name=self._desk.terms().name_of(each.student),
            receipt=self._desk.receipt(each),
            course_time=in_zone(each.received, self._desk.policy.timezone),
            shown=self._desk.shown_of(each),
            labels=exercise_labels(notebooks),
            has_page=self._desk.shows_feedback(each),
            page_name=page_name,
            problems=outcome.problems,
        )

    def _receipt(self, request: Request) -> Response:
        _, each = self._find(request)
        text = self._desk.receipts.text(self._desk.receipt(each))
        return PlainTextResponse(text, headers=_as_attachment(f"receipt-{each.id}.txt"))

    def _file(self, request: Request) -> Response:
        _, each = self._find(request)
        index = request.path_params["index"]
        if index >= len(each.files):
            raise Refused("There is no such file.", 404)
        file = each.files[index]
        return FileResponse(
            self._desk.path_of(file),
            media_type="application/octet-stream",
            headers={
                **_as_attachment(file.place.rpartition("/")[2]),
                "Content-Security-Policy": SANDBOX,
            },
        )

    def _feedback(self, request: Request) -> Response:
        _, each = self._find(request)
        page = None
        if self._desk.shows_feedback(each):
            name = request.path_params["page"]
            page = feedback_page(self._desk.course, each.student, each.assignment, name)
        if page is None:
            raise Refused("There is no feedback to read yet.", 404)
        headers = {"Content-Security-Policy": SANDBOX}
        return Response(page, media_type="text/html; charset=utf-8", headers=headers)

    def _receipts(self, request: Request) -> Response:
        login = self._doors.require(request)
        return self._pages.render("receipts", login=login, receipt=None, checked=False)

    async def _check(self, request: Request) -> Response:
        login, form = await self._doors.form(request)
        receipt = self._desk.receipts.check(str(form.get("text", "")))
        return await run_in_threadpool(
            self._pages.render, "receipts", login=login, receipt=receipt, checked=True
        )


def _as_attachment(name: str) -> dict[str, str]:
    """Return the header that makes a browser save a response as a file."""
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
