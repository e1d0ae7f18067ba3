"""The graders' pages: the class, an assignment's figures, hand-ins, held exercises, the log."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from nbjudge.basics.text import sort_key
from nbjudge.desk.night import exercise_labels, night_of
from nbjudge.desk.web.desk_pages import DeskPages
from nbjudge.desk.web.desk_service import Desk
from nbjudge.desk.web.doors import Doors

__all__ = ["ClassRoutes"]

#: How many lines of the audit log are shown.
MOST_AUDIT_ROWS = 500


class ClassRoutes:
    """The request handlers of the graders' pages.

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
            Route("/class", self._class),
            Route("/class/log", self._log),
            Route("/class/read", self._read, methods=["POST"]),
            Route("/class/{assignment}", self._night),
            Route("/class/{assignment}/figures", self._figures),
            Route("/class/{assignment}/hold", self._hold, methods=["POST"]),
            Route("/class/{assignment}/again", self._again, methods=["POST"]),
            Route("/class/{assignment}/{student}", self._student),
        ]

    def _class(self, request: Request) -> Response:
        login = self._doors.require_grader(request)
        assignments = sorted(self._desk.terms().due.items())
        return self._pages.render(
            "class",
            login=login,
            assignments=assignments,
            lists=self._desk.class_lists.lists(),
            absent=sorted(map(self._desk.terms().name_of, self._desk.absent()), key=sort_key),
        )

    async def _read(self, request: Request) -> Response:
        """Read all class lists now."""
        await run_in_threadpool(self._doors.require_grader, request)
        login, _ = await self._doors.form(request)

        def read() -> None:
            self._desk.class_lists.read_all()
            self._desk.store.note(self._desk.clock(), login.visitor.who, "had the class list read")

        await run_in_threadpool(read)
        return RedirectResponse(f"{self._desk.policy.base}/class", 303)

    def _log(self, request: Request) -> Response:
        login = self._doors.require_grader(request)
        return self._pages.render("log", login=login, notes=self._desk.store.notes(MOST_AUDIT_ROWS))

    def _night(self, request: Request) -> Response:
        return self._stand(request, "night")

    def _figures(self, request: Request) -> Response:
        return self._stand(request, "figures")

    def _stand(self, request: Request, template: str) -> Response:
        login = self._doors.require_grader(request)
        assignment = request.path_params["assignment"]
        notebooks = self._desk.notebooks(assignment)
        now = self._desk.clock()
        marking, lti, terms = self._desk.marking, self._desk.lti, self._desk.terms()
        return self._pages.render(
            template,
            login=login,
            night=night_of(self._desk.store, terms, assignment, now, self._desk.absent()),
            labels=exercise_labels(notebooks),
            now=now,
            problem=marking.problem,
            workers=marking.workers,
            delivery=lti.sending.delivery(assignment) if lti is not None else None,
            name_of=terms.name_of,
        )

    def _student(self, request: Request) -> Response:
        login = self._doors.require_grader(request)
        student, assignment = (request.path_params[name] for name in ("student", "assignment"))
        return self._pages.render(
            "student",
            login=login,
            student=student,
            name=self._desk.terms().name_of(student),
            assignment=assignment,
            hand_ins=self._desk.store.of(student, assignment),
        )

    async def _hold(self, request: Request) -> Response:
        await run_in_threadpool(self._doors.require_grader, request)
        login, form = await self._doors.form(request)
        assignment = request.path_params["assignment"]
        await run_in_threadpool(self._desk.notebooks, assignment)  # refuses unknown assignments
        exercise, is_held = str(form.get("exercise", "")), form.get("held") == "yes"

        def hold() -> None:
            self._desk.store.hold(assignment, exercise, is_held=is_held)
            did = "held" if is_held else "showed again"
            now = self._desk.clock()
            self._desk.store.note(now, login.visitor.who, did, f"{assignment}, {exercise}")

        await run_in_threadpool(hold)
        return self._back(assignment)

    async def _again(self, request: Request) -> Response:
        await run_in_threadpool(self._doors.require_grader, request)
        login, _ = await self._doors.form(request)
        assignment = request.path_params["assignment"]
        await run_in_threadpool(self._desk.notebooks, assignment)  # refuses unknown assignments

        def again() -> None:
            self._desk.store.mark_again(assignment)
            now = self._desk.clock()
            self._desk.store.note(now, login.visitor.who, "asked for another look at", assignment)

        await run_in_threadpool(again)
        self._desk.marking.wake()
        return self._back(assignment)

    def _back(self, assignment: str) -> Response:
        return RedirectResponse(f"{self._desk.policy.base}/class/{assignment}", 303)
