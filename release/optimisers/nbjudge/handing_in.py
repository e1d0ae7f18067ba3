"""Hand in the notebook that is open, from one of its own cells.

    from nbjudge import hand_in
    hand_in(url="https://desk.example.org")

It needs only the standard library, and does nothing when the notebook is graded.
"""

from __future__ import annotations

import json
import os
import sys
import time
from getpass import getpass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from nbjudge.exceptions import CourseError

__all__ = ["hand_in"]

URL, KEY = "COURSE_DESK_URL", "COURSE_DESK_KEY"
#: The environment variable that is set while a notebook is graded.
GRADING = "NBGRADER_EXECUTION"
#: Seconds: the timeout of a request to the desk; the first and the longest pause between requests
#: for the result; and how long a student waits for it at most.
ANSWER_SECONDS, ASK_FIRST, ASK_EVERY, MARK_PATIENCE = 60, 0.25, 2.0, 90


def hand_in(
    url: str = "", *, assignment: str = "", notebook: str | Path = "", key: str = ""
) -> None:
    """Hand in the notebook that is open, and show the result.

    Save it first: the file on the disk is handed in.

    Parameters
    ----------
    url : str
        The desk's address; by default the environment variable COURSE_DESK_URL.
    assignment : str
        By default the assignment with a notebook of this name.
    notebook : str or Path
        By default the open one, if the editor makes it known.
    key : str
        Your personal key, which the desk's page shows; by default the environment variable
        COURSE_DESK_KEY. If neither is given, you are asked for it, once per kernel.

    Raises
    ------
    CourseError
        If it cannot be handed in; the message says why.
    """
    shell = _shell()
    if shell is None or os.environ.get(GRADING):
        print("hand_in() does nothing here: no student has this notebook open.")
        return
    address = (str(url) or os.environ.get(URL, "")).rstrip("/")
    if urlsplit(address).scheme not in ("http", "https"):
        message = (
            "Where is the desk? Say hand_in(url='https://…'), with the address you were given."
        )
        raise CourseError(message)
    path = _open_notebook(shell, notebook)
    content = path.read_bytes()
    _require_saved(shell, content, path)
    own = key or os.environ.get(KEY, "") or getpass("Your personal key, from the desk's page: ")
    os.environ[KEY] = own.strip()
    desk = _Desk(address, own.strip())
    found = desk.send(path.name, content, assignment)
    print(f"Handed in: {found['assignment']}, attempt {found['attempt']}.")
    print(f"Received {found['received']}. {found['timeliness']}")
    for remark in found["remarks"]:
        print(remark)
    print(f"Receipt and result: {found['page']}")
    _print_result(desk.wait(found))


def _shell() -> Any:
    """Return the notebook's IPython shell; None outside a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if getattr(shell, "kernel", None) is not None else None


def _open_notebook(shell: Any, notebook: str | Path) -> Path:
    told = notebook or shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    path = Path(told) if told else None
    if path is None or not path.is_file():
        message = (
            "Which notebook is it? This editor does not say. "
            "Say hand_in(notebook='sums.ipynb'), with the name of the file."
        )
        raise CourseError(message)
    return path


def _require_saved(shell: Any, content: bytes, path: Path) -> None:
    """Raise a CourseError unless the file contains this cell and the one that ran before it."""
    ran = [text for text in shell.user_ns.get("In", [])[-2:] if text.strip()]
    try:
        cells = json.loads(content)["cells"]
        kept = ["".join(cell.get("source", "")).strip() for cell in cells]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CourseError(
            f"{path.name} cannot be read. Save it, then run this cell again."
        ) from None
    if not all(text.strip() in kept for text in ran):
        message = f"{path.name} is not saved as it is here. Save it, then run this cell again."
        raise CourseError(message)


class _NoDetour(HTTPRedirectHandler):
    """Refuses redirects, so that the key is never sent to another server."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Return no request, so that the redirect is an error."""


class _Desk:
    """A client of a desk.

    Parameters
    ----------
    address : str
    key : str
    """

    def __init__(self, address: str, key: str) -> None:
        self._address = address
        self._key = key
        self._opener = build_opener(_NoDetour)

    def send(self, name: str, content: bytes, assignment: str) -> dict[str, Any]:
        """Hand in a file, and return the desk's reply."""
        wanted = f"?{urlencode({'assignment': assignment})}" if assignment else ""
        headers = {"X-File-Name": quote(name), "Content-Type": "application/octet-stream"}
        return self._ask(f"hand-ins{wanted}", content, headers)

    def wait(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return a hand-in's state when it is marked, or when `MARK_PATIENCE` has passed."""
        end = time.monotonic() + MARK_PATIENCE
        pause = ASK_FIRST
        while not found["is_over"] and time.monotonic() < end:
            time.sleep(min(pause, ASK_EVERY))
            pause *= 1.3
            found = self._ask(f"hand-ins/{found['id']}")
        return found

    def _ask(
        self, what: str, content: bytes | None = None, more: dict[str, str] | None = None
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._key}", **(more or {})}
        request = Request(f"{self._address}/api/{what}", data=content, headers=headers)
        try:
            with self._opener.open(request, timeout=ANSWER_SECONDS) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except HTTPError as error:
            if error.code in (401, 403):
                os.environ.pop(KEY, None)  # so that the student is asked for it again
            raise CourseError(_problem_told(error)) from None
        except (URLError, OSError, ValueError) as error:
            why = getattr(error, "reason", error)
            message = (
                f"The desk at {self._address} does not answer ({why}). Its page says whether "
                "it has your notebook; if not, run this cell again."
            )
            raise CourseError(message) from None


def _problem_told(error: HTTPError) -> str:
    try:
        return str(json.load(error)["problem"])
    except (ValueError, KeyError, TypeError, OSError):
        return f"The desk refused it, with code {error.code}. Ask your instructor."


def _print_result(found: dict[str, Any]) -> None:
    if not found["is_over"]:
        print("It is not marked yet; the page will show the result.")
        return
    if not found["counts"]:
        print("It is kept, but another hand-in counts.")
    if found["is_failed"]:
        print("It could not be marked automatically, so a person will look at it.")
    for each in found["exercises"]:
        if found["points"] is None:
            told = "".join(f"\n    ✓ {check}" for check in each["checks"])
            print(f"  {each['exercise']}{told}")
        else:
            won = "–" if each["state"] in ("held", "waits") else f"{each['points']:g}"
            print(
                f"  {each['exercise']:<8} {won} of {each['max_points']:g}  {each['told']}".rstrip()
            )
    if found["points"] is not None:
        print(f"{found['points']:g} of {found['max_points']:g} points")
    elif not found["is_failed"]:
        print("Marks are shown later.")
