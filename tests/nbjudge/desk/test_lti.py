"""Coming in from a learning platform by LTI 1.3, and what forgers try on the way.

Each refusal fails without the check that it names.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from desk_visits import POLICY, OpenDesk, open_desk
from desks import enrol
from nbgrader.api import Gradebook
from starlette.responses import RedirectResponse, Response

from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook
from nbjudge.desk.desk_policy import read_policy
from nbjudge.desk.marking import utc_now
from nbjudge.exceptions import CourseError

pytest.importorskip("lti1p3platform", reason="no platform: pip install lti1p3platform")
from learning_platform import (
    CLAIM,
    CLIENT,
    LAUNCH,
    LearningPlatform,
    key_pair,
    running_platform,
)

URL = "https://desk.example.org"


def number(course: Course, **numbers: str) -> None:
    """Give students their numbers on the platform."""

    def change(gradebook: Gradebook) -> None:
        for student, on_platform in numbers.items():
            gradebook.update_or_create_student(student, lms_user_id=on_platform)

    with open_gradebook(course) as gradebook:
        change(gradebook)
        gradebook.db.commit()


@pytest.fixture
def platform() -> Iterator[LearningPlatform]:
    with running_platform() as platform:
        yield platform


Open = Callable[..., OpenDesk]


@pytest.fixture
def open_it(course: Course, platform: LearningPlatform) -> Open:
    """Return what opens a desk on the platform, with changes to its registration there."""
    enrol(course, ("ada", "Ada", "Lovelace"), ("eve", "Eve", ""))
    number(course, ada="7", eve="8")

    def open_it(**replaced: object) -> OpenDesk:
        policy = replace(POLICY, url=URL, lti_platforms=({**platform.entry, **replaced},))
        opened = open_desk(course, policy, utc_now())
        platform.meet(opened)
        return opened

    return open_it


@pytest.fixture
def opened(open_it: Open) -> OpenDesk:
    return open_it()


def refused(opened: OpenDesk, answer: Any, message: str, status: int = 403) -> None:
    """Make sure that nobody came in, that it was told why, and that it was noted."""
    assert answer.status_code == status, answer.text
    assert message in answer.text
    assert "desk=" not in answer.headers.get("set-cookie", "")
    notes = opened.desk.store.notes(1)
    assert notes[0][2] == "sent somebody who was refused"
    assert message in escape(notes[0][3])


# ---- Coming in ---------------------------------------------------------------------------------


def test_a_student_comes_to_the_assignment_of_the_link(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    visit = opened.visit()
    answer = platform.launch(visit)

    assert answer.headers["location"] == "/assignments/sums"
    page = visit.get("/assignments/sums").text
    assert "You are here as Ada Lovelace" in page
    assert visit.hand_in().status_code == 200
    assert [each.student for each in opened.desk.store.that_count("sums")] == ["ada"]


def test_the_platform_is_asked_as_lti_says(opened: OpenDesk, platform: LearningPlatform) -> None:
    began = platform.begin(opened.visit())
    address = urlsplit(began.headers["location"])
    query = parse_qs(address.query)

    assert (address.netloc, address.path) == ("moodle.example.org", "/auth")
    assert query["redirect_uri"] == [LAUNCH]
    assert query["response_mode"] == ["form_post"]
    assert query["login_hint"] == ["7"]
    assert query["state"] != query["nonce"]
    cookie = began.headers["set-cookie"]
    assert query["state"][0] not in cookie
    assert {"Secure", "HttpOnly", "SameSite=none"} <= set(cookie.split("; "))


def test_a_path_says_the_assignment_as_well(opened: OpenDesk, platform: LearningPlatform) -> None:
    target = {f"{CLAIM}target_link_uri": f"{URL}/assignments/sums"}
    answer = platform.launch(opened.visit(), custom={}, claims=target)

    assert answer.headers["location"] == "/assignments/sums"


def test_without_an_assignment_a_student_comes_to_the_top(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    assert platform.launch(opened.visit(), custom={}).headers["location"] == "/"


def test_an_instructor_comes_to_the_class(opened: OpenDesk, platform: LearningPlatform) -> None:
    visit = opened.visit()
    answer = platform.launch(visit, user="1", roles=("Instructor",))

    assert answer.headers["location"] == "/class/sums"
    assert visit.get("/class/sums").status_code == 200
    assert visit.get("/class").status_code == 200


def test_who_teaches_elsewhere_is_a_student_here(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    elsewhere = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"
    roles = {f"{CLAIM}roles": [elsewhere, "Learner"]}
    visit = opened.visit()
    platform.launch(visit, claims=roles)

    assert visit.get("/class").status_code == 404


def test_who_teaches_another_course_of_the_platform_does_not_see_the_class(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    other = {f"{CLAIM}context": {"id": "13"}}
    answer = platform.launch(opened.visit(), roles=("Instructor",), claims=other)

    refused(opened, answer, "does not know this course")


def test_a_grader_ceases_to_be_one_with_the_platforms_word(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    visit, later = opened.visit(), opened.visit()
    platform.launch(visit, user="7", roles=("Instructor",))
    assert visit.get("/class").status_code == 200
    platform.launch(later, user="7", roles=("Learner",))

    assert visit.get("/class").status_code == 401


def test_a_platforms_word_on_a_grader_ends(opened: OpenDesk, platform: LearningPlatform) -> None:
    visit = opened.visit()
    platform.launch(visit, user="1", roles=("Instructor",))
    opened.clock.go(hours=13)

    assert visit.get("/class").status_code == 401


# ---- Who it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("student_id", "claims"),
    [
        ("sub", {"sub": "eve"}),
        ("email", {"email": "eve"}),
        ("lis_person_sourcedid", {f"{CLAIM}lis": {"person_sourcedid": "eve"}}),
        ("custom.student", {f"{CLAIM}custom": {"assignment": "sums", "student": "eve"}}),
    ],
)
def test_the_course_says_which_word_is_the_id(
    student_id: str, claims: Mapping[str, Any], open_it: Open, platform: LearningPlatform
) -> None:
    opened = open_it(student_id=student_id)
    visit = opened.visit()
    platform.launch(visit, claims=claims)

    assert "You are here as Eve" in visit.get("/").text


@pytest.mark.parametrize(
    ("student_id", "claims", "message"),
    [
        ("lms_user_id", {"sub": "99"}, "knows nobody with the number on the platform"),
        ("lms_user_id", {"sub": "ada"}, "knows nobody with the number on the platform"),
        ("sub", {"sub": "Ada"}, "knows nobody with the id"),
        ("email", {"email": "<b>x</b>"}, "&lt;b&gt;x&lt;/b&gt;"),
        ("lis_person_sourcedid", {}, "does not tell the desk your lis_person_sourcedid"),
        (
            "custom.student",
            {f"{CLAIM}custom": {"student": "$Person.sourcedId"}},
            "does not tell the desk your custom.student",
        ),
    ],
)
def test_nobody_is_guessed(
    student_id: str,
    claims: Mapping[str, Any],
    message: str,
    open_it: Open,
    platform: LearningPlatform,
) -> None:
    opened = open_it(student_id=student_id)
    answer = platform.launch(opened.visit(), claims={"name": "Ada Lovelace", **claims})

    assert answer.status_code == 403
    assert message in answer.text
    assert "<b>x" not in answer.text


def test_one_number_of_two_students_lets_in_neither(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    number(opened.desk.course, eve="7")
    opened.clock.go(seconds=10)

    refused(opened, platform.launch(opened.visit()), "knows several people")


def test_who_is_neither_student_nor_teacher_is_refused(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    answer = platform.launch(opened.visit(), roles=("Mentor",))

    refused(opened, answer, "neither student nor teacher")


# ---- Forgers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"iss": "https://evil.example"}, "from another learning platform"),
        ({"aud": "another"}, "meant for another tool"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, "meant for another tool"),
        ({"aud": [CLIENT, "another"], "azp": None}, "meant for another tool"),
        ({"azp": "another"}, "meant for another tool"),
        ({f"{CLAIM}deployment_id": "2"}, "does not know this place"),
        ({f"{CLAIM}deployment_id": None}, "does not know this place"),
        ({f"{CLAIM}context": {"id": "13"}}, "does not know this course"),
        ({f"{CLAIM}context": {"id": "<b>x</b>"}}, "&lt;b&gt;x&lt;/b&gt;"),
        ({f"{CLAIM}context": None}, "does not know this course"),
        ({f"{CLAIM}version": "1.1"}, "does not speak LTI 1.3"),
        ({f"{CLAIM}message_type": "LtiSubmissionReviewRequest"}, "another kind of launch"),
        ({f"{CLAIM}message_type": "LtiDeepLinkingRequest"}, "does not say where a choice goes"),
        ({"sub": ""}, "does not say who you are"),
        ({"nbf": 2**40}, "from the future"),
        ({f"{CLAIM}target_link_uri": "https://evil.example/lti/launch"}, "no page of the desk"),
        ({f"{CLAIM}target_link_uri": f"{URL}.evil.example/"}, "no page of the desk"),
        ({f"{CLAIM}target_link_uri": f"{URL}@evil.example/"}, "no page of the desk"),
        ({f"{CLAIM}target_link_uri": f"{URL}//evil.example/"}, "no page of the desk"),
        ({f"{CLAIM}target_link_uri": f"{URL}/assignments/a/../../x"}, "no page of the desk"),
    ],
)
def test_a_launch_that_is_not_for_the_desk_is_refused(
    claims: Mapping[str, Any], message: str, opened: OpenDesk, platform: LearningPlatform
) -> None:
    refused(opened, platform.launch(opened.visit(), claims=claims), message)


def test_an_assignment_that_there_is_not_is_refused(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    for name in ("differences", "//evil.example", "../class"):
        answer = platform.launch(opened.visit(), custom={"assignment": name})
        refused(opened, answer, "There is no assignment", 404)


def test_a_nonce_of_another_login_is_refused(opened: OpenDesk, platform: LearningPlatform) -> None:
    refused(opened, platform.launch(opened.visit(), nonce="x" * 43), "not the one that was begun")


@pytest.mark.parametrize(("lasts", "is_in"), [(-30, True), (-90, False)])
def test_a_launch_ends(
    lasts: int, is_in: bool, opened: OpenDesk, platform: LearningPlatform
) -> None:
    answer = platform.launch(opened.visit(), lasts=lasts)

    if is_in:  # by less than two clocks may differ
        assert answer.status_code == 303
    else:
        refused(opened, answer, "out of date")


def test_a_launch_of_a_clock_that_is_ahead_is_refused(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    opened.clock.go(minutes=-5)

    refused(opened, platform.launch(opened.visit()), "from the future")


def test_a_launch_counts_once(opened: OpenDesk, platform: LearningPlatform) -> None:
    visit = opened.visit()
    began = platform.begin(visit)
    cookies = dict(visit.client.cookies)
    form = platform.form(began)
    assert platform.send(visit, form).status_code == 303

    again = opened.visit()  # another desk's process would know it, too
    for name, value in cookies.items():
        again.client.cookies.set(name, value, domain="desk.example.org", path="/lti")
    refused(opened, platform.send(again, form), "used already")


def test_a_launch_counts_in_the_browser_where_it_was_begun(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    mallory, victim = opened.visit(), opened.visit()
    form = platform.form(platform.begin(mallory))

    refused(opened, platform.send(victim, form), "was not begun in this browser")
    platform.begin(victim)  # and has a cookie of a login of its own
    refused(opened, platform.send(victim, form), "was not begun in this browser")
    assert platform.send(mallory, form).status_code == 303  # nobody used it up


def test_a_login_that_took_too_long_is_refused(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    visit = opened.visit()
    began = platform.begin(visit)
    opened.clock.go(minutes=11)

    refused(opened, platform.send(visit, platform.form(began, lasts=3600)), "ten minutes ago")


def test_a_forged_signature_is_refused(opened: OpenDesk, platform: LearningPlatform) -> None:
    visit = opened.visit()
    form = platform.form(platform.begin(visit))
    header = jwt.get_unverified_header(form["id_token"])
    claims = jwt.decode(form["id_token"], options={"verify_signature": False})
    token = jwt.encode(
        claims, key_pair(which=1)[0], algorithm="RS256", headers={"kid": header["kid"]}
    )

    answer = platform.send(visit, {**form, "id_token": token})
    refused(opened, answer, "not signed by your learning platform")


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(claims: bytes, public: str, name: str) -> str:
    return f"{part(json.dumps({'alg': 'none', 'kid': name}).encode())}.{part(claims)}."


def by_public_key(claims: bytes, public: str, name: str) -> str:
    """Return a token that the platform's public key signs, which everybody has."""
    text = f"{part(json.dumps({'alg': 'HS256', 'kid': name}).encode())}.{part(claims)}"
    return f"{text}.{part(hmac.digest(public.encode(), text.encode(), hashlib.sha256))}"


@pytest.mark.parametrize("forge", [unsigned, by_public_key])
def test_another_kind_of_signature_is_refused(
    forge: Callable[[bytes, str, str], str], opened: OpenDesk, platform: LearningPlatform
) -> None:
    visit = opened.visit()
    form = platform.form(platform.begin(visit))
    name = jwt.get_unverified_header(form["id_token"])["kid"]
    claims = base64.urlsafe_b64decode(form["id_token"].split(".")[1] + "==")
    public = platform.registration.get_platform_public_key()
    assert public is not None

    answer = platform.send(visit, {**form, "id_token": forge(claims, public, name)})
    refused(opened, answer, "not signed the way learning platforms sign theirs")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "e30.e30.", "x" * 60_000])
def test_what_is_no_token_is_refused(
    token: str, opened: OpenDesk, platform: LearningPlatform
) -> None:
    visit = opened.visit()
    form = platform.form(platform.begin(visit))

    answer = platform.send(visit, {**form, "id_token": token})
    refused(opened, answer, "not signed")


def test_a_form_that_is_too_long_is_refused(opened: OpenDesk, platform: LearningPlatform) -> None:
    answer = platform.send(opened.visit(), {"id_token": "x" * 100_000, "state": "y"})

    refused(opened, answer, "too long", 413)


def test_an_error_of_the_platforms_is_told_without_its_words(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    answer = platform.send(opened.visit(), {"error": "<script>", "state": "x"})

    refused(opened, answer, "did not let you through")
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"iss": "https://evil.example"}, "does not know this learning platform"),
        ({"client_id": "another"}, "does not know this learning platform"),
        ({"target_link_uri": "https://evil.example/"}, "no page of the desk"),
        ({"target_link_uri": "https://desk.example.org:444/"}, "no page of the desk"),
    ],
)
def test_a_login_from_elsewhere_or_to_elsewhere_is_refused(
    replaced: dict[str, str], message: str, opened: OpenDesk, platform: LearningPlatform
) -> None:
    refused(opened, platform.begin(opened.visit(), **replaced), message)


def test_a_login_without_whom_it_is_of_is_refused(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    for hint in ("", "x" * 5000):
        answer = platform.begin(opened.visit(), login_hint=hint)
        refused(opened, answer, "does not say whom it sends", 400)


def test_refusals_do_not_fill_the_disk(
    opened: OpenDesk, platform: LearningPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = opened.visit()
    monkeypatch.setattr("nbjudge.desk.lti.lti_routes.MOST_LAUNCH_NOTES", 3)
    visit = opened.visit()
    for _ in range(5):
        platform.send(visit, {"id_token": "x", "state": "y"})

    assert len(opened.desk.store.notes(10)) == 3


# ---- The platform's keys -----------------------------------------------------------------------


def huge() -> Response:
    return Response(b"[" + b"1," * 200_000, media_type="application/json")


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        (huge, "answered more than 256 KB"),
        (lambda: Response(b"[" * 100_000), "did not answer with its keys"),
        (lambda: Response(b'{"keys": 5}'), "did not answer with its keys"),
        (lambda: Response(b"<html>"), "did not answer with its keys"),
        (lambda: Response(status_code=500), "did not answer with its keys"),
        (lambda: RedirectResponse("/elsewhere"), "did not answer with its keys"),
        (lambda: Response(b'{"keys": [{"kid": 1}, 2]}'), "has no such key"),
    ],
)
def test_keys_that_are_none_are_refused(
    instead: Callable[[], Response], message: str, opened: OpenDesk, platform: LearningPlatform
) -> None:
    platform.instead["/jwks"] = instead

    refused(opened, platform.launch(opened.visit()), message)
    assert "/elsewhere" not in platform.requests


def test_a_short_key_is_none(opened: OpenDesk, platform: LearningPlatform) -> None:
    private, public = key_pair(1024)
    platform.registration.set_platform_private_key(private).set_platform_public_key(public)
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        answer = platform.launch(opened.visit())

    refused(opened, answer, "has no such key")


def test_keys_are_asked_for_once_and_again_for_a_new_one(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    for _ in range(3):
        assert platform.launch(opened.visit()).status_code == 303
    assert platform.requests == ["/jwks"]

    private, public = key_pair(which=1)
    platform.registration.set_platform_private_key(private).set_platform_public_key(public)
    for _ in range(3):  # nobody makes the desk ask again and again
        refused(opened, platform.launch(opened.visit()), "has no such key")
    assert platform.requests == ["/jwks"]
    opened.clock.go(minutes=2)
    assert platform.launch(opened.visit(), lasts=3600).status_code == 303
    assert platform.requests == ["/jwks"] * 2


# ---- The desk's own key, and its settings ------------------------------------------------------


def test_the_desks_key_is_made_once_and_is_its_owners_alone(
    open_it: Open, platform: LearningPlatform
) -> None:
    first = open_it().visit().get("/lti/jwks").json()
    opened = open_it()
    path = opened.desk.course.root / ".desk_lti_key"

    assert opened.visit().get("/lti/jwks").json() == first
    assert set(first["keys"][0]) == {"alg", "e", "kid", "kty", "n", "use"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(CourseError, match="Others can read"):
        open_it()
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(CourseError, match="holds no key for LTI"):
        open_it()


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"client_id": ""}, "platform 1 .* has no client_id"),
        ({"client_id": 5}, "has a client_id that is no text"),
        ({"jwks_url": "http://moodle.example.org/jwks"}, "jwks_url that is no address with https"),
        ({"auth_token_url": "file:///etc/passwd"}, "auth_token_url that is no address"),
        ({"deployment_ids": "1"}, "deployment_ids that are no list"),
        ({"deployment_ids": [1]}, "deployment_ids that are no list"),
        ({"context_ids": []}, "has no context_ids"),
        ({"context_ids": "12"}, "context_ids that are no list"),
        ({"secret": "x"}, "has 'secret', which is none of"),
        ({"student_id": "name"}, "student_id that is none of"),
        ({"student_id": "custom."}, "student_id that is none of"),
    ],
)
def test_a_platform_that_cannot_be_is_told(
    replaced: Mapping[str, object], message: str, open_it: Open
) -> None:
    with pytest.raises(CourseError, match=message):
        open_it(**replaced)


def test_platforms_are_kept_apart(course: Course, platform: LearningPlatform) -> None:
    other = {**platform.entry, "issuer": "https://canvas.example.org"}
    for platforms, message in (
        ((platform.entry, platform.entry), "one client_id twice"),
        ((platform.entry, other), "one's number could be another's"),
    ):
        with pytest.raises(CourseError, match=message):
            open_desk(course, replace(POLICY, url=URL, lti_platforms=platforms))
    by_mail = {**other, "student_id": "email"}
    open_desk(course, replace(POLICY, url=URL, lti_platforms=(platform.entry, by_mail)))


def test_without_tls_there_is_no_lti(course: Course, platform: LearningPlatform) -> None:
    with pytest.raises(CourseError, match=r"lti_platforms needs TLS"):
        open_desk(course, replace(POLICY, lti_platforms=(platform.entry,)))


def test_platforms_stand_in_the_configuration(course: Course, platform: LearningPlatform) -> None:
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(f"\nc.Desk.lti_platforms = [{platform.entry!r}]\n")
        config.write("c.Desk.lti_send = 'now'\n")

    with pytest.raises(CourseError, match=r"c.Desk.lti_send is 'now'; write one of never"):
        read_policy(course.config())
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("c.Desk.lti_send = 'at once'\n")
    assert read_policy(course.config()).lti_platforms == (platform.entry,)


def test_without_platforms_there_is_no_such_door(course: Course) -> None:
    visit = open_desk(course).visit()

    for path in ("/lti/jwks", "/lti/login"):
        assert visit.get(path).status_code == 404
