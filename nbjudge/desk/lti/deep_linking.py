"""LTI deep linking: inside the platform, a teacher chooses which assignment a link leads to.

The platform asks with a special kind of launch. The desk shows the teacher one form per assignment;
the chosen form carries the desk's signed reply back to the platform through the browser.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from nbjudge.desk.lti.learning_platforms import LearningPlatform, is_web_address, origin_of
from nbjudge.desk.lti.tool_key import ToolKey
from nbjudge.desk.store import Refused

__all__ = ["CLAIM", "Question", "answer_to", "frame_policy", "read_question"]

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/"
LINK_TYPE = "ltiResourceLink"
#: How long a teacher may take to choose.
QUESTION_LIFE = timedelta(hours=1)
#: The most characters of data that the desk sends back to a platform.
LONGEST_DATA = 10_000


@dataclass(frozen=True)
class Question:
    """A platform's request to choose the assignment that a link leads to.

    Parameters
    ----------
    address : str
        Where the reply goes.
    deployment : str
        The deployment id of the request.
    takes_line : bool
        Whether the platform makes a line item (a column for marks) for a link with a maximum.
    data : object
        What the platform wants back unchanged; None if nothing.
    """

    address: str
    deployment: str
    takes_line: bool = True
    data: Any = None


def read_question(settings: Mapping[str, Any], deployment: str) -> Question:
    """Return the request in a launch's deep linking settings.

    Parameters
    ----------
    settings : mapping
        From a launch whose signature was verified.
    deployment : str

    Raises
    ------
    Refused
        If the desk cannot reply to it.
    """
    address, data = settings.get("deep_link_return_url"), settings.get("data")
    if not isinstance(address, str) or not is_web_address(address):
        raise Refused("Your learning platform does not say where a choice goes, by https.", 403)
    accepts = settings.get("accept_types")
    if not isinstance(accepts, list) or LINK_TYPE not in accepts:
        raise Refused("Your learning platform does not take a link to an assignment here.", 403)
    if len(json.dumps(data)) > LONGEST_DATA:
        raise Refused("Your learning platform sends more than the desk can send back.", 403)
    return Question(address, deployment, settings.get("accept_lineitem") is not False, data)


def answer_to(
    question: Question,
    platform: LearningPlatform,
    key: ToolKey,
    url: str,
    assignment: str,
    max_points: float,
    now: datetime,
) -> str:
    """Return the desk's signed reply: a link to an assignment.

    Parameters
    ----------
    question : Question
    platform : LearningPlatform
        The platform that asks.
    key : ToolKey
    url : str
        The desk's address.
    assignment : str
    max_points : float
        The points of the whole assignment.
    now : datetime
        In UTC, without a time zone.
    """
    link: dict[str, Any] = {
        "type": LINK_TYPE,
        "title": assignment,
        "url": f"{url.rstrip('/')}/assignments/{quote(assignment, safe='')}",
        "custom": {"assignment": assignment},
        # The desk's other pages refuse to be shown in a frame.
        "window": {"targetName": "_blank"},
    }
    if question.takes_line and max_points > 0:
        link["lineItem"] = {
            "label": assignment,
            "resourceId": assignment,
            "scoreMaximum": max_points,
        }
    began = now.replace(tzinfo=UTC)
    claims: dict[str, Any] = {
        "iss": platform.client_id,
        "aud": platform.issuer,
        "iat": began,
        "exp": began + QUESTION_LIFE,
        "nonce": secrets.token_urlsafe(32),
        f"{CLAIM}deployment_id": question.deployment,
        f"{CLAIM}message_type": "LtiDeepLinkingResponse",
        f"{CLAIM}version": "1.3.0",
        f"{LINKING}content_items": [link],
    }
    if question.data is not None:
        claims[f"{LINKING}data"] = question.data
    return key.sign(claims)


def frame_policy(page_policy: str, frames: Iterable[str], sends_to: str = "") -> str:
    """Return the content security policy of a page that a platform may show in a frame.

    Parameters
    ----------
    page_policy : str
        The content security policy of the desk's other pages.
    frames : iterable of str
        Addresses of the platforms that may frame the page.
    sends_to : str
        The address that the page's forms go to; empty for the desk itself.
    """
    around = " ".join(sorted({origin_of(each) for each in frames} - {""})) or "'none'"
    policy = page_policy.replace("frame-ancestors 'none'", f"frame-ancestors {around}")
    target = origin_of(sends_to) or "'self'"
    return policy.replace("form-action 'self'", f"form-action {target}")
