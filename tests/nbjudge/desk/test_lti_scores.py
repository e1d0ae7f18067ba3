"""Marks on their way to a learning platform: when, what, once, and what becomes of a failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from desk_visits import POLICY, OpenDesk, Visit, open_desk
from desks import WRONG, enrol, set_due, sums
from nbgrader.api import Gradebook
from starlette.responses import Response

from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook
from nbjudge.desk.marking import utc_now
from nbjudge.desk.web.desk_keys import Visitor

pytest.importorskip("lti1p3platform", reason="no platform: pip install lti1p3platform")
from learning_platform import LearningPlatform, running_platform

URL = "https://desk.example.org"


@pytest.fixture
def platform() -> Iterator[LearningPlatform]:
    with running_platform() as platform:
        platform.forgive_clocks()
        yield platform


Open = Callable[..., OpenDesk]


@pytest.fixture
def open_it(course: Course, platform: LearningPlatform) -> Open:
    """Return what opens a desk on the platform, of a course with Ada, who is number 7 there."""
    enrol(course, ("ada", "Ada", "Lovelace"))
    with open_gradebook(course) as gradebook:
        gradebook.update_or_create_student("ada", lms_user_id="7")
        gradebook.db.commit()
    now = utc_now()

    def open_it(**settings: str) -> OpenDesk:
        settings = {"lti_send": "at once", **settings}
        policy = replace(POLICY, url=URL, lti_platforms=(platform.entry,), **settings)  # type: ignore[arg-type]
        opened = open_desk(course, policy, now)
        platform.meet(opened)
        return opened

    return open_it


@pytest.fixture
def opened(open_it: Open) -> OpenDesk:
    return open_it()


def send_all(opened: OpenDesk) -> None:
    assert opened.desk.lti is not None
    opened.desk.lti.sending.send_all()


def come_in(opened: OpenDesk, platform: LearningPlatform, line: str = "4") -> Visit:
    visit = opened.visit()
    assert platform.launch(visit, line=line, lasts=10**6).status_code == 303
    return visit


def handed_in(opened: OpenDesk, visit: Visit, **replaced: str) -> None:
    """Hand in, and have all be marked, by the person whom one exercise waits for as well."""
    assert visit.hand_in(sums(opened.desk.course, **replaced)).status_code == 200
    opened.mark_all()
    with open_gradebook(opened.desk.course) as gradebook:
        for grade in gradebook.find_submission("sums", "ada").notebooks[0].grades:
            if grade.auto_score is None:
                grade.manual_score, grade.needs_manual_grade = 2, False
        gradebook.db.commit()


def points(platform: LearningPlatform) -> list[float]:
    return [score["scoreGiven"] for score in platform.scores]


def figures(opened: OpenDesk) -> str:
    return opened.instructor().get("/class/sums/figures").text


def full(opened: OpenDesk) -> float:
    with open_gradebook(opened.desk.course) as gradebook:
        return float(gradebook.find_assignment("sums").max_score)


# ---- What is sent ------------------------------------------------------------------------------


def test_a_mark_arrives(opened: OpenDesk, platform: LearningPlatform) -> None:
    platform.configuration._jwt_verify_options = {"verify_aud": False}  # as they are by default
    handed_in(opened, come_in(opened, platform))
    send_all(opened)
    (score,) = platform.scores

    assert score["line"] == "4"
    assert score["userId"] == "7"
    assert score["scoreGiven"] == score["scoreMaximum"] == full(opened)
    assert score["gradingProgress"] == "FullyGraded"
    assert score["timestamp"].endswith("Z")
    assert platform.requests[-2:] == ["/token", "/lines/4/scores"]
    assert "Nothing that it could have" in figures(opened)
    assert ("ada", "had a mark sent") in [note[1:3] for note in opened.desk.store.notes(9)]


def test_the_same_mark_is_sent_once(opened: OpenDesk, platform: LearningPlatform) -> None:
    visit = come_in(opened, platform)
    for _ in range(2):
        handed_in(opened, visit)
        for _ in range(2):
            send_all(opened)
            opened.clock.go(minutes=10)

    assert len(platform.scores) == 1


def test_a_newer_mark_follows_with_a_later_time(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    visit = come_in(opened, platform)
    handed_in(opened, visit, ex_1_1_1=WRONG)
    send_all(opened)
    handed_in(opened, visit)  # within the same tick of the clock
    send_all(opened)
    first, second = platform.scores

    assert first["scoreGiven"] < second["scoreGiven"]
    assert first["timestamp"] < second["timestamp"]


def test_of_several_marks_that_could_not_be_sent_only_the_last_is(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    visit = come_in(opened, platform)
    platform.instead["/lines/4/scores"] = lambda: Response(status_code=503)
    handed_in(opened, visit, ex_1_1_1=WRONG)
    send_all(opened)
    handed_in(opened, visit)
    del platform.instead["/lines/4/scores"]
    send_all(opened)

    assert points(platform) == [full(opened)]


def test_a_mark_that_a_person_gave_since_is_sent(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    handed_in(opened, come_in(opened, platform))
    send_all(opened)

    def give(gradebook: Gradebook) -> None:
        notebook = gradebook.find_submission("sums", "ada").notebooks[0]
        next(grade for grade in notebook.grades if grade.max_score).extra_credit = 1

    with open_gradebook(opened.desk.course) as gradebook:
        give(gradebook)
        gradebook.db.commit()
    opened.clock.go(minutes=3)
    send_all(opened)

    assert points(platform) == [full(opened), full(opened) + 1]


def test_what_a_person_still_has_to_mark_is_not_sent(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    assert come_in(opened, platform).hand_in().status_code == 200
    opened.mark_all()
    send_all(opened)

    assert platform.scores == []
    assert "a person still has to mark" in figures(opened)


# ---- When --------------------------------------------------------------------------------------


def test_marks_are_sent_when_nobody_can_hand_in_any_more(
    open_it: Open, platform: LearningPlatform
) -> None:
    opened = open_it(lti_send="published")
    set_due(opened.desk.course, opened.clock.now + timedelta(hours=1))
    opened.clock.go(seconds=5)
    handed_in(opened, come_in(opened, platform))
    opened.clock.go(minutes=63)  # it is over, but for the minutes of grace
    send_all(opened)
    assert platform.scores == []
    assert "They are sent when nobody can hand in any more." in figures(opened)
    opened.clock.go(minutes=5)
    send_all(opened)

    assert len(platform.scores) == 1


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"lti_send": "never"}, "c.Desk.lti_send is &#39;never&#39;"),
        ({"shows_before": "checks"}, "Students do not see them at the desk yet."),
    ],
)
def test_marks_that_nobody_is_to_see_are_not_sent(
    settings: dict[str, str], why: str, open_it: Open, platform: LearningPlatform
) -> None:
    opened = open_it(**settings)
    handed_in(opened, come_in(opened, platform))
    send_all(opened)

    assert platform.scores == []
    assert why in figures(opened)


def test_while_an_exercise_is_held_no_mark_is_sent(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    handed_in(opened, come_in(opened, platform))
    opened.desk.store.hold("sums", "1.1", is_held=True)
    send_all(opened)
    assert platform.scores == []
    assert "An exercise is held." in figures(opened)
    opened.desk.store.hold("sums", "1.1", is_held=False)
    send_all(opened)

    assert len(platform.scores) == 1


# ---- Where to ----------------------------------------------------------------------------------


def test_who_never_came_from_the_platform_is_told(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    handed_in(opened, opened.visit(Visitor("ada")))
    send_all(opened)

    assert platform.requests == []
    assert "it is not known where the mark goes" in figures(opened)


def test_a_link_without_a_line_has_no_mark_sent(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    handed_in(opened, come_in(opened, platform, line=""))
    send_all(opened)

    assert platform.scores == []


def test_another_line_gets_the_mark_too(opened: OpenDesk, platform: LearningPlatform) -> None:
    handed_in(opened, come_in(opened, platform))
    send_all(opened)
    come_in(opened, platform, line="5")
    send_all(opened)

    assert [score["line"] for score in platform.scores] == ["4", "5"]


def test_who_is_forgotten_has_nothing_on_its_way(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    platform.instead["/token"] = lambda: Response(status_code=503)
    handed_in(opened, come_in(opened, platform))
    send_all(opened)
    opened.desk.forget(["ada"])
    assert opened.desk.lti is not None

    assert opened.desk.lti.queue.open("sums") == []
    assert opened.desk.lti.queue.assignments() == []


# ---- Failures ----------------------------------------------------------------------------------


#: Seconds between one try and the next. Every failure waits so; one of them shows how it goes on.
WAITS = (30, 60, 120, 240, 480, 960, 1920, 3600, 3600)


@pytest.mark.parametrize(
    ("path", "status", "why", "waits"),
    [
        ("/token", 400, "127.0.0.1 answered with status 400 when the desk asked for leave", 2),
        ("/token", 200, "127.0.0.1 gave the desk no leave to send marks.", 2),
        ("/lines/4/scores", 500, "127.0.0.1 answered with status 500 to the mark.", len(WAITS)),
        ("/lines/4/scores", 307, "127.0.0.1 answered with status 307 to the mark.", 2),
    ],
)
def test_what_does_not_arrive_is_told_and_sent_again_later(
    path: str, status: int, why: str, waits: int, opened: OpenDesk, platform: LearningPlatform
) -> None:
    headers = {"Location": "/elsewhere"}
    platform.instead[path] = lambda: Response("<b>x</b>", status_code=status, headers=headers)
    handed_in(opened, come_in(opened, platform))
    send_all(opened)
    for tries, wait in enumerate(WAITS[:waits], 1):
        opened.clock.go(seconds=wait - 1)
        send_all(opened)
        assert platform.requests.count(path) == tries
        opened.clock.go(seconds=1)
        send_all(opened)
        assert platform.requests.count(path) == tries + 1
    page = figures(opened)

    assert why in page
    assert "<b>x" not in page
    assert "/elsewhere" not in platform.requests
    del platform.instead[path]
    opened.clock.go(hours=1)
    send_all(opened)
    assert points(platform) == [full(opened)]


def test_a_platform_that_is_away_is_told(opened: OpenDesk, platform: LearningPlatform) -> None:
    visit = come_in(opened, platform)
    assert opened.desk.lti is not None
    line = replace(opened.desk.lti.queue.lines("sums")["ada"], address="http://127.0.0.1:1/4")
    opened.desk.lti.queue.remember(line)
    handed_in(opened, visit)
    send_all(opened)

    assert "127.0.0.1 does not answer" in figures(opened)


def test_leave_that_ended_early_is_asked_for_again(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    visit = come_in(opened, platform)
    handed_in(opened, visit, ex_1_1_1=WRONG)
    send_all(opened)
    handed_in(opened, visit)
    platform.instead["/lines/4/scores"] = lambda: Response(status_code=401)
    send_all(opened)
    del platform.instead["/lines/4/scores"]
    opened.clock.go(minutes=2)
    send_all(opened)

    assert platform.requests.count("/token") == 2
    assert len(points(platform)) == 2


def test_a_mark_waits_for_the_next_start(open_it: Open, platform: LearningPlatform) -> None:
    opened = open_it()
    platform.instead["/token"] = lambda: Response(status_code=503)
    handed_in(opened, come_in(opened, platform))
    send_all(opened)
    opened.desk.close()
    del platform.instead["/token"]

    again = open_it()
    again.clock.go(minutes=1)
    send_all(again)
    send_all(again)
    assert len(platform.scores) == 1
    again.desk.close()
    once_more = open_it()
    once_more.clock.go(minutes=5)
    send_all(once_more)
    assert len(platform.scores) == 1


def test_a_mark_whose_arrival_is_not_known_is_sent_again_with_a_later_time(
    opened: OpenDesk, platform: LearningPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process ends here."""

    def kill(*_: object) -> None:
        raise Killed

    handed_in(opened, come_in(opened, platform))
    assert opened.desk.lti is not None
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(opened.desk.lti.queue, "finish", kill)
        send_all(opened)
    assert "The desk ended while it was sent." in figures(opened)
    opened.clock.go(minutes=1)
    send_all(opened)
    first, second = platform.scores

    # With the same time the platform would refuse it, again and again.
    assert first["timestamp"] < second["timestamp"]
    assert {**first, "timestamp": ""} == {**second, "timestamp": ""}
    assert opened.desk.lti.queue.open("sums") == []


def test_a_mark_arrives_after_a_later_one_that_somebody_gave_on_the_platform(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    given = opened.clock.now + timedelta(seconds=10)
    own = {"userId": "7", "line": "4", "timestamp": f"{given.isoformat()}Z", "scoreGiven": 0.0}
    platform.scores.append(own)
    handed_in(opened, come_in(opened, platform))
    send_all(opened)
    assert "answered with status 409 to the mark" in figures(opened)
    opened.clock.go(minutes=1)
    send_all(opened)

    assert points(platform) == [0.0, full(opened)]


def test_a_platform_that_is_not_configured_any_more_is_told(
    course: Course, open_it: Open, platform: LearningPlatform
) -> None:
    opened = open_it()
    handed_in(opened, come_in(opened, platform))
    other = {**platform.entry, "client_id": "another"}
    policy = replace(POLICY, url=URL, lti_platforms=(other,), lti_send="at once")
    changed = open_desk(course, policy, opened.clock.now)
    send_all(changed)

    assert "Its platform is not in c.Desk.lti_platforms any more." in figures(changed)


def test_the_desk_sends_by_itself(
    opened: OpenDesk, platform: LearningPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from processes import waited_for

    monkeypatch.setattr("nbjudge.basics.repeated_work.PAUSE", 0.01)
    handed_in(opened, come_in(opened, platform))
    opened.desk.start()
    try:
        waited_for(lambda: bool(platform.scores))
    finally:
        opened.desk.close()

    assert points(platform) == [full(opened)]
