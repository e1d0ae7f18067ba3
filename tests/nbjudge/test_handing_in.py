"""`hand_in()` in a notebook: it sends what is saved, to the desk alone; while graded nothing."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

import nbjudge
from nbjudge import hand_in, handing_in
from nbjudge.exceptions import CourseError

CELL = "hand_in()"
TOLD = {
    "id": 7,
    "assignment": "sums",
    "attempt": 2,
    "received": "Mon 2 March 2026, 18:30:00 (Europe/Berlin)",
    "timeliness": "It has no deadline.",
    "remarks": ["This is 'sums (1).ipynb': taken as sums."],
    "counts": True,
    "is_over": False,
    "is_failed": False,
    "page": "https://desk.example.org/hand-ins/7",
    "points": None,
    "max_points": None,
    "exercises": [],
}
EXERCISE = {"exercise": "1.1", "state": "none", "points": 0.0, "max_points": 2.0, "told": "no"}


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a saved notebook that is open, with its last cell running."""
    path = tmp_path / "sums (1).ipynb"
    path.write_text(json.dumps({"cells": [{"source": ["x = 1"]}, {"source": CELL}]}))
    shell = SimpleNamespace(kernel=object(), user_ns={"In": ["", "x = 1", CELL]})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    monkeypatch.setenv("COURSE_DESK_URL", "https://desk.example.org/")
    monkeypatch.setenv("COURSE_DESK_KEY", "ada's")
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.setattr(handing_in, "ASK_EVERY", 0)
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Answer requests with what is in the list's place, and note them."""
    requests: list[Any] = []
    over = {**TOLD, "is_over": True, "points": 0.0, "max_points": 2.0, "exercises": [EXERCISE]}

    def answer(request: Any, timeout: float) -> io.BytesIO:
        requests.append(request)
        return io.BytesIO(json.dumps(TOLD if len(requests) < 3 else over).encode())

    _answer_by(monkeypatch, answer)
    return requests


def _answer_by(monkeypatch: pytest.MonkeyPatch, answer: Callable[..., Any]) -> None:
    monkeypatch.setattr(handing_in, "build_opener", lambda *_: SimpleNamespace(open=answer))


def test_what_is_saved_is_sent_and_its_result_shown(
    notebook: Path, asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    hand_in()

    sent = asked[0]
    assert (sent.full_url, sent.data) == (
        "https://desk.example.org/api/hand-ins",
        notebook.read_bytes(),
    )
    assert sent.get_header("Authorization") == "Bearer ada's"
    assert sent.get_header("X-file-name") == "sums%20%281%29.ipynb"
    assert [each.full_url for each in asked[1:]] == ["https://desk.example.org/api/hand-ins/7"] * 2
    assert capsys.readouterr().out.splitlines() == [
        "Handed in: sums, attempt 2.",
        "Received Mon 2 March 2026, 18:30:00 (Europe/Berlin). It has no deadline.",
        "This is 'sums (1).ipynb': taken as sums.",
        "Receipt and result: https://desk.example.org/hand-ins/7",
        "  1.1      0 of 2  no",
        "0 of 2 points",
    ]


@pytest.mark.parametrize("where", ["graded", "no notebook"])
def test_it_does_nothing_where_nobody_has_the_notebook_open(
    where: str,
    notebook: Path,
    asked: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if where == "graded":
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    else:
        monkeypatch.delitem(sys.modules, "IPython")
    hand_in("https://evil.example")

    assert asked == []
    assert capsys.readouterr().out.startswith("hand_in() does nothing here")


def test_a_change_that_is_not_saved_is_told(notebook: Path, asked: list[Any]) -> None:
    notebook.write_text(json.dumps({"cells": [{"source": "x = 2"}, {"source": CELL}]}))

    with pytest.raises(CourseError, match="not saved"):
        hand_in()
    assert asked == []


def test_the_key_is_asked_for_once(
    notebook: Path, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COURSE_DESK_KEY")
    answers = iter([" typed "])
    monkeypatch.setattr(handing_in, "getpass", lambda _: next(answers))
    hand_in()
    hand_in()

    assert {each.get_header("Authorization") for each in asked} == {"Bearer typed"}


def test_what_the_desk_refuses_is_its_own_sentence(
    notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(request: Any, timeout: float) -> Any:
        body = io.BytesIO(b'{"problem": "All 3 attempts are used."}')
        raise HTTPError(request.full_url, 403, "Forbidden", Message(), body)

    _answer_by(monkeypatch, refuse)
    with pytest.raises(CourseError, match=r"^All 3 attempts are used\.$"):
        hand_in()


def test_a_desk_that_is_away_is_a_sentence(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(request: Any, timeout: float) -> Any:
        raise URLError("Connection refused")

    _answer_by(monkeypatch, fail)
    with pytest.raises(CourseError, match=r"does not answer \(Connection refused\)"):
        hand_in()


@pytest.mark.parametrize("url", ["", "desk.example.org", "file:///etc/passwd"])
def test_an_address_that_is_none_is_told(
    url: str, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COURSE_DESK_URL")

    with pytest.raises(CourseError, match="Where is the desk"):
        hand_in(url)


def test_a_key_goes_nowhere_else() -> None:
    detour = handing_in._NoDetour()

    assert detour.redirect_request(None, None, 302, "", {}, "https://evil.example") is None


def test_the_package_has_nothing_else_that_is_made_up() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = nbjudge.no_such_thing
