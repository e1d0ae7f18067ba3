"""LTI's deep linking: a teacher chooses, in the platform, which assignment a link is to.

The platform asks by a launch of its own kind, and the desk's answer goes back through the teacher's
browser, signed, as a form for each assignment that there is.
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
#: How long a teacher may think about it.
QUESTION_LIFE = timedelta(hours=1)
#: Characters of the longest word that a platform wants back.
LONGEST_DATA = 10_000


@dataclass(frozen=True)
class Question:
    """Which assignment a link shall be to.

    Parameters
    ----------
    address : str
        Where the answer goes.
    deployment : str
        The place of the platform that asks.
    takes_line : bool
        Whether the platform makes a column for the marks of a link, if it is told their maximum.
    data : object
        What the platform wants back as it is; None if it wants nothing.
    """

    address: str
    deployment: str
    takes_line: bool = True
    data: Any = None


def read_question(settings: Mapping[str, Any], deployment: str) -> Question:
    """Return what a platform asks.

    Parameters
    ----------
    settings : mapping
        Of a launch that the platform has signed.
    deployment : str

    Raises
    ------
    Refused
        If it cannot be answered.
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
    """Return the desk's answer, signed: a link to an assignment.

    Parameters
    ----------
    question : Question
    platform : LearningPlatform
        Which asks.
    key : ToolKey
    url : str
        The desk's address.
    assignment : str
    max_points : float
        What all of it is worth.
    now : datetime
        In UTC, without a time zone.
    """
    link: dict[str, Any] = {
        "type": LINK_TYPE,
        "title": assignment,
        "url": f"{url.rstrip('/')}/assignments/{quote(assignment, safe='')}",
        "custom": {"assignment": assignment},
        # The desk is shown in no frame.
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
    """Return the policy of a page that a platform may show in a frame of its own.

    Parameters
    ----------
    page_policy : str
        Of the desk's other pages.
    frames : iterable of str
        Addresses of the platform's.
    sends_to : str
        Where the page's forms go; they go to the desk itself if it is empty.
    """
    around = " ".join(sorted({origin_of(each) for each in frames} - {""})) or "'none'"
    policy = page_policy.replace("frame-ancestors 'none'", f"frame-ancestors {around}")
    target = origin_of(sends_to) or "'self'"
    return policy.replace("form-action 'self'", f"form-action {target}")
