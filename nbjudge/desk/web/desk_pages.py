"""Render the desk's pages from its templates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.responses import HTMLResponse

import nbjudge.desk
from nbjudge.desk.receipts import in_zone, spell
from nbjudge.desk.store import HandIn, HandInState
from nbjudge.desk.web.desk_service import Desk
from nbjudge.desk.web.logins import Login
from nbjudge.pages.frame import Pages

__all__ = ["DESK_TEMPLATES", "DeskPages"]

DESK_TEMPLATES = Path(nbjudge.desk.__file__).parent / "templates"
FATES = {
    HandInState.WAITING: "It waits to be marked",
    HandInState.MARKING: "It is being marked",
    HandInState.MARKED: "It is marked",
    HandInState.FAILED: "It could not be marked automatically, so a person will look at it",
    HandInState.KEPT: "It is kept, and not marked: another hand-in counts",
}


class DeskPages:
    """The desk's templates, with the values and filters that all of them use.

    Parameters
    ----------
    desk : Desk
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pages = Pages(DESK_TEMPLATES)

    @property
    def style_hash(self) -> str:
        """The hash of the style sheet that each page contains."""
        return self._pages.style_hash

    def render(
        self, template: str, *, login: Login | None, status: int = 200, **content: object
    ) -> HTMLResponse:
        """Return the response with a rendered template: a page, or a part of one."""
        desk = self._desk
        page = self._pages.render(
            f"{template}.html.j2",
            login=login,
            who=desk.name_of(login.visitor) if login else "",
            base=desk.policy.base,
            url=desk.policy.url,
            course=desk.name,
            moment=self._moment,
            brief=self._brief,
            spell=spell,
            is_late=desk.is_late,
            fate=_fate,
            **content,
        )
        return HTMLResponse(page, status_code=status)

    def _moment(self, moment: datetime) -> Markup:
        """Return a time in the course's time zone; a script adds it in the reader's."""
        zone = self._desk.policy.timezone
        return Markup('<time datetime="{}Z" data-zone="{}">{}</time>').format(
            moment.replace(microsecond=0).isoformat(), zone, in_zone(moment, zone)
        )

    def _brief(self, moment: datetime) -> Markup:
        """Return a time in the course's time zone, short enough for a table."""
        there = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(self._desk.policy.timezone))
        # Not `Markup.format`, which is slow: a page has hundreds of times, all without user text.
        when = moment.replace(microsecond=0).isoformat()
        return Markup(f'<time datetime="{when}Z">{there.day} {there:%b, %H:%M:%S}</time>')


def _fate(hand_in: HandIn) -> str:
    return FATES[hand_in.state]
