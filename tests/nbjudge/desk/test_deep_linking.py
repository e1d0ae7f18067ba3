"""A teacher chooses in the platform which assignment a link is to, and who may not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from html import escape, unescape
from typing import Any
from urllib.parse import urlencode

import httpx2 as httpx
import jwt
import pytest
from browsing import PATIENCE
from desk_visits import POLICY, OpenDesk, open_desk
from desks import enrol
from serving_desks import free_port, serve
from starlette.responses import HTMLResponse, Response

from nbjudge.course.course import Course
from nbjudge.course.gradebook import open_gradebook
from nbjudge.desk.marking import utc_now

pytest.importorskip("lti1p3platform", reason="no platform: pip install lti1p3platform")
from learning_platform import (
    CLAIM,
    CLIENT,
    DEPLOYMENT,
    ISSUER,
    LearningPlatform,
    running_platform,
)

URL = "https://desk.example.org"
DATA = "https://purl.imsglobal.org/spec/lti-dl/claim/data"


@pytest.fixture
def platform() -> Iterator[LearningPlatform]:
    with running_platform() as platform:
        yield platform


@pytest.fixture
def opened(course: Course, platform: LearningPlatform) -> OpenDesk:
    enrol(course, ("ada", "Ada", "Lovelace"))
    with open_gradebook(course) as gradebook:
        gradebook.update_or_create_student("ada", lms_user_id="7")
        gradebook.db.commit()
    policy = replace(POLICY, url=URL, lti_platforms=(platform.entry,))
    opened = open_desk(course, policy, utc_now())
    platform.meet(opened)
    return opened


Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(opened: OpenDesk, platform: LearningPlatform) -> Ask:
    """Return what has the platform ask a teacher which assignment a link is to."""

    def ask(*, claims: Mapping[str, Any] | None = None, **choice: Any) -> httpx.Response:
        said = {"roles": ("Instructor",), "custom": {}, "choice": choice, "claims": claims}
        return platform.launch(opened.visit(), **said)

    return ask


def answer_in(page: str) -> str:
    found = re.search(r'name="JWT" value="([^"]+)"', page)
    assert found is not None, page
    return unescape(found[1])


def test_a_teacher_chooses_an_assignment(
    opened: OpenDesk, ask: Ask, platform: LearningPlatform
) -> None:
    page = ask()
    token = answer_in(page.text)
    (link,) = platform.configuration.validate_deeplinking_resp({"JWT": token})
    with open_gradebook(opened.desk.course) as gradebook:
        worth = gradebook.find_assignment("sums").max_score

    assert page.status_code == 200
    assert "Link to sums" in page.text
    assert f'action="{ISSUER}/choice"' in page.text
    assert (link["type"], link["title"]) == ("ltiResourceLink", "sums")
    assert link["url"] == f"{URL}/assignments/sums"
    assert link["custom"] == {"assignment": "sums"}
    assert link["lineItem"]["scoreMaximum"] == worth


def test_the_answer_says_what_the_platform_compares(ask: Ask, platform: LearningPlatform) -> None:
    token = answer_in(ask(extra_data={"csrf": "x"}).text)
    told = jwt.decode(token, options={"verify_signature": False})

    assert (told["iss"], told["aud"]) == (CLIENT, ISSUER)
    assert told[f"{CLAIM}deployment_id"] == DEPLOYMENT
    assert told[f"{CLAIM}message_type"] == "LtiDeepLinkingResponse"
    assert told[DATA] == {"csrf": "x"}
    assert len(told["nonce"]) > 40


def test_what_was_chosen_leads_a_student_there(
    opened: OpenDesk, ask: Ask, platform: LearningPlatform
) -> None:
    token = answer_in(ask().text)
    (link,) = platform.configuration.validate_deeplinking_resp({"JWT": token})
    target = {f"{CLAIM}target_link_uri": link["url"]}
    answer = platform.launch(opened.visit(), custom=link["custom"], claims=target)

    assert answer.headers["location"] == "/assignments/sums"


def test_a_platform_that_makes_no_columns_is_told_of_none(
    ask: Ask, platform: LearningPlatform
) -> None:
    token = answer_in(ask(more={"accept_lineitem": False}).text)
    (link,) = platform.configuration.validate_deeplinking_resp({"JWT": token})

    assert "lineItem" not in link


def test_the_page_is_shown_in_a_frame_of_the_platform_and_sends_there_alone(ask: Ask) -> None:
    policy = ask().headers["content-security-policy"].split("; ")

    assert f"frame-ancestors {ISSUER}" in policy
    assert f"form-action {ISSUER}" in policy
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy


def test_nobody_is_logged_in_by_choosing(opened: OpenDesk, platform: LearningPlatform) -> None:
    visit = opened.visit()
    said = {"roles": ("Instructor",), "choice": {}}
    page = platform.launch(visit, **said)

    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    assert visit.get("/class").status_code == 401
    assert ("was asked what a link opens") in [note[2] for note in opened.desk.store.notes(3)]


def test_the_browser_is_known_again_in_a_frame(
    opened: OpenDesk, platform: LearningPlatform
) -> None:
    cookie = platform.begin(opened.visit()).headers["set-cookie"].split("; ")

    assert {"Secure", "HttpOnly", "SameSite=none", "Partitioned"} <= set(cookie)


@pytest.mark.browser
@pytest.mark.slow
def test_a_teacher_chooses_in_a_frame_of_the_platform(
    course: Course, platform: LearningPlatform, strict_browser: Any
) -> None:
    # To a browser these are two sites, as a platform and a desk are.
    desk_url = f"http://localhost:{free_port()}"
    platform.registration.set_launch_url(f"{desk_url}/lti/launch")
    platform.registration.set_deeplink_launch_url(f"{desk_url}/lti/launch")
    entry = {**platform.entry, "auth_login_url": f"{platform.address}/auth"}
    opened = open_desk(course, replace(POLICY, url=desk_url, lti_platforms=(entry,)), utc_now())
    platform.meet(opened)
    chosen: list[str] = []

    def show(_: dict[str, str], __: dict[str, str]) -> Response:
        login = {"iss": ISSUER, "client_id": CLIENT, "login_hint": "1"}
        query = urlencode({**login, "target_link_uri": f"{desk_url}/lti/launch"})
        return HTMLResponse(f'<iframe src="{escape(f"{desk_url}/lti/login?{query}")}"></iframe>')

    def send_back(query: dict[str, str], _: dict[str, str]) -> Response:
        choice = {"deep_link_return_url": f"{platform.address}/choice"}
        form = platform.form_for(query, roles=("Instructor",), custom={}, choice=choice)
        fields = "".join(f'<input name="{name}" value="{word}">' for name, word in form.items())
        start = f'<form method="post" action="{desk_url}/lti/launch">{fields}</form>'
        return HTMLResponse(f"{start}<script>document.forms[0].submit()</script>")

    def take(_: dict[str, str], form: dict[str, str]) -> Response:
        links = platform.configuration.validate_deeplinking_resp(form)
        chosen.extend(link["title"] for link in links)
        return HTMLResponse("<p>It is added.</p>")

    platform.pages = {"/frame": show, "/auth": send_back, "/choice": take}
    with serve(opened.desk):
        page = strict_browser.new_context().new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(f"{platform.address}/frame")
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Link to sums").click()
        frame.get_by_text("It is added.").wait_for()

    assert chosen == ["sums"]


# ---- Who may not ---------------------------------------------------------------------------------


def refused(opened: OpenDesk, answer: httpx.Response, message: str) -> None:
    assert answer.status_code == 403
    assert message in answer.text
    assert "JWT" not in answer.text
    assert opened.desk.store.notes(1)[0][2] == "sent somebody who was refused"
    # The platform may show that in its frame, and nobody else.
    assert f"frame-ancestors {ISSUER}" in answer.headers["content-security-policy"].split("; ")


@pytest.mark.parametrize("roles", [("Learner",), ("Mentor",), ()])
def test_who_does_not_teach_cannot_choose(
    roles: tuple[str, ...], opened: OpenDesk, platform: LearningPlatform
) -> None:
    answer = platform.launch(opened.visit(), roles=roles, choice={})

    refused(opened, answer, "Only teachers of this course can choose")


@pytest.mark.parametrize(
    "address",
    [
        "http://moodle.example.org/choice",
        "javascript:alert(1)",
        "https://moodle.example.org;script-src * /choice",
        "https://moodle.example.org,evil.example/choice",
        "https://user@moodle.example.org/choice",
        "//moodle.example.org/choice",
        "",
        "https://[::1/choice",
    ],
)
def test_an_answer_goes_to_an_address_with_tls_alone(
    address: str, opened: OpenDesk, ask: Ask
) -> None:
    answer = ask(deep_link_return_url=address)

    refused(opened, answer, "does not say where a choice goes")


def test_a_platform_that_takes_no_links_is_refused(opened: OpenDesk, ask: Ask) -> None:
    refused(opened, ask(accept_types={"html"}), "does not take a link to an assignment")


@pytest.mark.parametrize("more", [{"accept_types": "ltiResourceLink"}, {"accept_types": None}])
def test_settings_that_cannot_be_are_refused(
    more: Mapping[str, Any], opened: OpenDesk, ask: Ask
) -> None:
    refused(opened, ask(more=more), "does not take a link to an assignment")


def test_more_than_can_be_sent_back_is_refused(opened: OpenDesk, ask: Ask) -> None:
    refused(opened, ask(extra_data={"x": "y" * 10_001}), "more than the desk can send back")


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({f"{CLAIM}context": {"id": "13"}}, "does not know this course"),
        ({f"{CLAIM}deployment_id": "2"}, "does not know this place"),
        ({"aud": "another"}, "meant for another tool"),
        ({f"{CLAIM}target_link_uri": "https://evil.example/"}, "no page of the desk"),
    ],
)
def test_a_choice_that_is_not_for_the_desk_is_refused(
    claims: Mapping[str, Any], message: str, opened: OpenDesk, ask: Ask
) -> None:
    refused(opened, ask(claims=claims), message)


def test_a_choice_is_asked_for_once(opened: OpenDesk, platform: LearningPlatform) -> None:
    visit = opened.visit()
    form = platform.form(platform.begin(visit), roles=("Instructor",), choice={})
    assert platform.send(visit, form).status_code == 200

    refused(opened, platform.send(visit, form), "it was used already")
