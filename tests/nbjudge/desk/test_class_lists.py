"""Who is in the class, as a learning platform or a hub has it, and what either may answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from desk_visits import POLICY, OpenDesk, open_desk
from desks import enrol
from processes import waited_for
from starlette.responses import RedirectResponse, Response
from typer.testing import CliRunner

from nbjudge.cli.commands import app
from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook, people_of
from nbjudge.desk import due_dates
from nbjudge.desk.class_lists import platform_names
from nbjudge.desk.marking import utc_now

pytest.importorskip("lti1p3platform", reason="no platform: pip install lti1p3platform")
from learning_platform import CONTEXT, LearningPlatform, member, running_platform

URL = "https://desk.example.org"
GRACE = {"given_name": "Grace", "family_name": "Hopper"}


@pytest.fixture
def platform() -> Iterator[LearningPlatform]:
    with running_platform() as platform:
        platform.forgive_clocks()
        yield platform


Open = Callable[..., OpenDesk]


@pytest.fixture
def open_it(course: Course, platform: LearningPlatform) -> Open:
    """Return what opens a desk on the platform, of a course with Ada and somebody without name."""
    enrol(course, ("ada", "Ada", "Lovelace"), ("bo", "", ""))

    def open_it(*, has_come: bool = True, **replaced: object) -> OpenDesk:
        entry = {**platform.entry, "student_id": "sub", **replaced}
        policy = replace(POLICY, url=URL, lti_platforms=(entry,), lti_roster=True)
        opened = open_desk(course, policy, utc_now())
        platform.meet(opened)
        if has_come:
            said = {"user": "1", "roles": ("Instructor",), "names": "", "lasts": 10**6}
            assert platform.launch(opened.visit(), **said).status_code == 303
        return opened

    return open_it


@pytest.fixture
def opened(open_it: Open) -> OpenDesk:
    return open_it()


def read(opened: OpenDesk) -> str:
    """Read the class by the page's button, and return the page."""
    visit = opened.instructor()
    page = visit.post("/class/read", {"csrf": visit.token})
    assert page.status_code == 200
    return page.text


def known(opened: OpenDesk) -> dict[str, str]:
    """Return whom the gradebook knows, by id."""
    with open_gradebook(opened.desk.course) as gradebook:
        return {person.id: person.name for person in people_of(gradebook)}


# ---- The platform's names ------------------------------------------------------------------------


def test_who_is_new_on_the_platform_is_entered_with_a_name(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    platform.members += [member("grace", **GRACE), member("ada"), member("bo", name="Bo B")]
    page = read(opened)

    assert known(opened) == {"ada": "Ada Lovelace", "bo": "Bo B", "grace": "Grace Hopper"}
    assert "3 students in course 12 of moodle.example.org" in page
    notes = [note[1:] for note in opened.desk.store.notes(3)]
    assert ("instructor", "had the class list read", "") in notes
    assert ("the desk", "entered students", "course 12 of moodle.example.org: 1") in notes


def test_who_was_entered_can_come_in(
    opened: OpenDesk, platform: LearningPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_dates, "FRESH_SECONDS", -1.0)
    platform.members.append(member("grace", **GRACE))
    read(opened)
    visit = opened.visit()

    said = {"user": "grace", "lasts": 10**6, "names": ""}
    assert platform.launch(visit, **said).status_code == 303
    assert "You are here as Grace Hopper" in visit.get("/").text


def test_a_name_that_the_gradebook_has_stays(opened: OpenDesk, platform: LearningPlatform) -> None:
    platform.members.append(member("ada", given_name="Mallory", email="mallory@example.org"))
    read(opened)

    with open_gradebook(opened.desk.course) as gradebook:
        (ada,) = people_of(gradebook, ["ada"])
    assert (ada.name, ada.email) == ("Ada Lovelace", "")


def test_the_night_knows_who_left(opened: OpenDesk, platform: LearningPlatform) -> None:
    before = opened.instructor().get("/class/sums/figures").text
    assert "<li>Ada Lovelace (ada)</li>" in before.split("Who has not")[1]
    platform.members += [member("bo"), member("ada", status="Inactive")]
    page = read(opened)
    night = opened.instructor().get("/class/sums/figures").text
    missing, absent = night.split("Who has not")[1].split("not in the class any more")

    assert "in none of these" in page
    assert "<li>bo</li>" in missing
    assert "Ada" not in missing
    assert "<li>Ada Lovelace (ada)</li>" in absent
    assert "ada" in known(opened)  # nobody is ever removed


def test_who_teaches_or_only_looks_on_is_no_student(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    platform.members += [
        member("mia", "Instructor"),
        member("tom", "Learner", "Instructor"),
        member("mum", "Mentor"),
        member("del", status="Deleted"),
        {"user_id": "eve", "roles": ["Learner"]},
    ]
    read(opened)

    assert known(opened).keys() == {"ada", "bo", "eve"}


def test_who_came_as_a_teacher_is_no_student_whatever_the_list_says(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    said = {"user": "tim", "roles": ("Instructor",), "names": "", "lasts": 10**6}
    assert platform.launch(opened.visit(), **said).status_code == 303
    opened.clock.go(hours=13)  # by then nobody sees the class by that launch
    said["user"] = "tess"
    assert platform.launch(opened.visit(), **said).status_code == 303
    # Moodle 4.5 lists a non-editing teacher so, whom its launches call an instructor.
    platform.members += [member("tim", "Learner"), member("tess", "Learner"), member("eve")]
    read(opened)

    assert known(opened).keys() == {"ada", "bo", "eve"}


def test_a_long_list_is_read_page_by_page(opened: OpenDesk, platform: LearningPlatform) -> None:
    platform.page = 3
    platform.members += [member(f"s{number}") for number in range(10)]
    page = read(opened)

    assert platform.requests.count("/names") == 4
    assert "10 students in" in page
    assert len(known(opened)) == 12


def test_a_number_that_nobody_has_is_told(open_it: Open, platform: LearningPlatform) -> None:
    opened = open_it(student_id="lms_user_id")
    with open_gradebook(opened.desk.course) as gradebook:
        gradebook.update_or_create_student("bo", lms_user_id="7")
        gradebook.db.commit()
    platform.members += [member("7", name="Bo B"), member("9", name="<b>Eve</b>")]
    page = read(opened)

    assert "&lt;b&gt;Eve&lt;/b&gt; (9) is not in the gradebook" in page
    assert known(opened) == {"ada": "Ada Lovelace", "bo": "Bo B"}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ((member("../x"),), "has an id that cannot be a folder&#39;s name"),
        ((member("ADA"),), "is written ada in the gradebook"),
        ((member("x", name="X"), member("x", name="Y")), "is on the list more than once"),
        ((member("y" * 300),), "has an id that cannot be a folder&#39;s name"),
    ],
)
def test_an_id_that_cannot_be_is_left_out(
    told: tuple[dict[str, Any], ...], why: str, opened: OpenDesk, platform: LearningPlatform
) -> None:
    platform.members += [member("bo"), *told]

    assert why in read(opened)
    assert known(opened).keys() == {"ada", "bo"}


def test_an_address_says_nothing_about_who_somebody_is(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    with open_gradebook(opened.desk.course) as gradebook:
        gradebook.update_or_create_student("ada", email="ada@example.org")
        gradebook.db.commit()
    platform.members.append(member("eve", name="Eve", email="ada@example.org"))
    read(opened)

    assert known(opened) == {"ada": "Ada Lovelace", "bo": "", "eve": "Eve"}


def told(*members: object, context: str = CONTEXT, **headers: str) -> Callable[[], Response]:
    content = json.dumps({"id": "x", "context": {"id": context}, "members": members})
    return lambda: Response(content, headers=headers)


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        (lambda: Response(status_code=500), "answered with status 500 when asked for the names"),
        (lambda: RedirectResponse("/elsewhere"), "answered with status 307"),
        (lambda: Response(b"<html>"), "did not answer with the names"),
        (lambda: Response(b"[" * 100_000), "did not answer with the names"),
        (lambda: Response(b'{"members": {"x": 1}}'), "did not answer with the names"),
        (told(5), "did not answer with the names"),
        (told(member("eve"), context="13"), "with the names of another course"),
        (told({"user_id": 5, "roles": ["Learner"]}), "names no student of course 12 with sub"),
        (told({"user_id": "eve", "roles": "Learner"}), "names no student of course 12 with sub"),
        (told(member("eve"), Link='</names>; rel="next"'), "has no end"),
        (
            told(member("eve"), Link='<http://127.0.0.1:1/x>; rel="next"'),
            "goes on at another address",
        ),
        (told(member("eve"), Link='<file:///etc>; rel="next"'), "goes on at another address"),
        (lambda: Response(b" " * (2**22 + 1)), "answered more than 4096 KB"),
    ],
)
def test_an_answer_that_is_no_list_changes_nothing(
    instead: Callable[[], Response], message: str, opened: OpenDesk, platform: LearningPlatform
) -> None:
    platform.instead["/names"] = instead
    page = read(opened)

    assert "It cannot be read now" in page
    assert message in page
    assert known(opened).keys() == {"ada", "bo"}
    assert "/elsewhere" not in platform.requests


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        ({"MOST_PAGES": 2}, "has no end"),
        ({"WHOLE_LIST_SECONDS": -1.0}, "has no end"),
        ({"MOST_PEOPLE": 5}, "5 people"),
    ],
)
def test_a_list_without_end_is_given_up(
    bound: Mapping[str, Any],
    message: str,
    opened: OpenDesk,
    platform: LearningPlatform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in bound.items():
        monkeypatch.setattr(platform_names, name, value)
    platform.page = 2
    platform.members += [member(f"s{number}") for number in range(10)]

    assert message in read(opened)
    assert known(opened).keys() == {"ada", "bo"}


def test_what_was_read_before_stays_when_it_cannot_be_read_again(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    platform.members.append(member("bo"))
    read(opened)
    platform.instead["/token"] = lambda: Response(status_code=400)
    opened.clock.go(hours=2)
    page = read(opened)

    assert "1 student in" in page
    assert "answered with status 400 when the desk asked for leave to read the names" in page
    assert opened.desk.absent() == {"ada"}


def test_before_anybody_has_come_it_is_not_known_where_the_names_are(
    open_it: Open, platform: LearningPlatform
) -> None:
    opened = open_it(has_come=False)

    assert "It is not known yet where the names" in read(opened)
    assert opened.desk.absent() == set()
    assert platform.requests == []


def test_an_address_without_tls_is_not_taken_for_the_names(
    open_it: Open, platform: LearningPlatform
) -> None:
    opened = open_it(has_come=False)
    said = {"roles": ("Instructor",), "names": "http://evil.example/names", "lasts": 10**6}
    assert platform.launch(opened.visit(), **said).status_code == 303

    assert "It is not known yet where the names" in read(opened)


def test_a_word_that_the_list_does_not_have_is_told(open_it: Open) -> None:
    opened = open_it(student_id="custom.student", has_come=False)

    assert "known by custom.student, which it does not tell" in read(opened)


def test_who_is_forgotten_is_on_no_list(opened: OpenDesk, platform: LearningPlatform) -> None:
    platform.members += [member("ada"), member("bo"), member("../x")]
    read(opened)
    opened.desk.forget(["ada", "../x"])
    ((_, found),) = opened.desk.class_lists.lists()

    assert (found.students, found.left_out) == (("bo",), ())


def test_students_cannot_have_the_class_read(opened: OpenDesk, platform: LearningPlatform) -> None:
    ada = opened.student("ada")
    requests = list(platform.requests)

    assert ada.post("/class/read", {"csrf": ada.token}).status_code == 404
    assert opened.instructor().post("/class/read", {"csrf": "x"}).status_code == 403
    assert platform.requests == requests


def test_a_list_is_read_again_when_it_is_old(opened: OpenDesk, platform: LearningPlatform) -> None:
    platform.members.append(member("bo"))
    reading = opened.desk.class_lists
    for minutes, times in ((0, 1), (59, 1), (1, 2)):
        opened.clock.go(minutes=minutes)
        reading.read_old()
        assert platform.requests.count("/names") == times
    platform.instead["/names"] = lambda: Response(status_code=500)
    for minutes, times in ((60, 3), (9, 3), (1, 4)):
        opened.clock.go(minutes=minutes)
        reading.read_old()
        assert platform.requests.count("/names") == times


def test_the_desk_reads_by_itself(opened: OpenDesk, platform: LearningPlatform) -> None:
    platform.members.append(member("grace", **GRACE))
    opened.desk.start()
    try:
        waited_for(lambda: "grace" in known(opened))
    finally:
        opened.desk.close()


# ---- The command ---------------------------------------------------------------------------------


def call(course: Course) -> Any:
    return CliRunner().invoke(app, ["--course", str(course.root), "desk", "--roster"])


def configure(course: Course, *lines: str) -> None:
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("\n".join(["", *lines, ""]))


def test_the_command_reads_the_class(
    opened: OpenDesk, course: Course, platform: LearningPlatform
) -> None:
    platform.members += [member("grace", **GRACE), member("bo", name="Bo B"), member("../x")]
    entry = {**platform.entry, "student_id": "sub"}
    configure(
        course,
        f"c.Desk.url = {URL!r}",
        f"c.Desk.lti_platforms = [{entry!r}]",
        "c.Desk.lti_roster = True",
    )
    result = call(course)

    assert result.exit_code == 3
    assert "added    grace\nnamed    bo\n" in result.stdout
    assert "course 12 of moodle.example.org: 2 students, 1 of them new" in result.stdout
    assert "Left out: ../x (../x) has an id that cannot be a folder's name." in result.stderr


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "There is no list of the class to read"),
        ("c.Desk.lti_roster = True", "c.Desk.lti_roster needs a learning platform"),
        ("c.Desk.hub_groups = ['x']", "c.Desk.hub_groups needs a hub"),
    ],
)
def test_without_a_list_the_command_says_so(line: str, message: str, course: Course) -> None:
    configure(course, line)

    assert message in call(course).output


# ---- The hub's groups ----------------------------------------------------------------------------


@pytest.fixture
def hub(course: Course, platform: LearningPlatform, monkeypatch: pytest.MonkeyPatch) -> OpenDesk:
    """Return a desk of a hub, whose interface is any server that answers so."""
    monkeypatch.setenv("JUPYTERHUB_API_URL", f"{platform.address}/hub/api")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    enrol(course, ("ada", "Ada", "Lovelace"))
    return open_desk(course, replace(POLICY, hub_groups=("class",)))


PATH = "/hub/api/groups/class"


def test_a_group_of_the_hub_is_the_class(hub: OpenDesk, platform: LearningPlatform) -> None:
    content = '{"name": "class", "users": ["bo", "instructor"]}'
    platform.instead[PATH] = lambda: Response(content)
    hub.desk.class_lists.read_all()

    assert known(hub).keys() == {"ada", "bo"}
    assert hub.desk.absent() == {"ada"}


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        (lambda: Response(status_code=403), "does not show it to the desk"),
        (lambda: Response(status_code=404), "The hub has no group &#39;class&#39;"),
        (lambda: Response(status_code=500), "The hub answered with status 500"),
        (lambda: Response(b"<html>"), "and not with who is in the group"),
        (lambda: Response(b'{"users": [5]}'), "and not with who is in the group"),
        (lambda: Response(b" " * (2**22 + 1)), "answered more than 4096 KB"),
    ],
)
def test_a_group_that_is_none_is_told(
    instead: Callable[[], Response], message: str, hub: OpenDesk, platform: LearningPlatform
) -> None:
    platform.instead[PATH] = instead
    hub.desk.class_lists.read_all()

    assert message in hub.instructor().get("/class").text
    assert known(hub).keys() == {"ada"}


def test_a_hub_that_has_not_said_how_to_ask_it_is_told(
    hub: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN")
    hub.desk.class_lists.read_all()

    assert "are not in the environment" in hub.instructor().get("/class").text
