"""Verify and read launches: the signed messages with which a learning platform sends somebody.

A launch can only lead to a page of the desk, never to another site.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import jwt

from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.desk.lti.deep_linking import CLAIM, Question, read_question
from nbjudge.desk.lti.key_sets import KeySets
from nbjudge.desk.lti.learning_platforms import LearningPlatform, is_web_address
from nbjudge.desk.store import Refused

__all__ = ["SCORE", "Launch", "assignment_of", "own_path", "read_launch"]

NAMES_CLAIM = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"
SCORES_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
VERSION, MESSAGE, CHOOSING = "1.3.0", "LtiResourceLinkRequest", "LtiDeepLinkingRequest"
DEEP_LINKING_CLAIM = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
NEEDED_CLAIMS = ("iss", "aud", "exp", "iat", "nonce", "sub")
#: Seconds by which the platform's clock may differ from the desk's.
CLOCK_SKEW = 60
#: The most characters of a claim's text; a longer one counts as empty.
LONGEST_CLAIM = 2000
#: Paths, other than assignments, that a launch may lead to: the start page, and the launch itself.
ANYWHERE = ("", "/", "/lti/launch")
ASSIGNMENTS_PATH = "/assignments/"


@dataclass(frozen=True)
class Launch:
    """A verified launch: a person from a platform, and what they come for.

    Parameters
    ----------
    subject : str
        The person's user number on the platform.
    roles : frozenset of str
    email, sourcedid : str
    custom : mapping of str to str
        The link's custom parameters.
    target : str
        The address that the link leads to.
    line : str
        The address of the line item for this link's mark; empty if the platform takes none.
    context : str
        The platform's id of the course.
    names : str
        The address of the course's list of members; empty if the platform does not share it.
    question : Question, optional
        For a deep linking launch: the request to choose an assignment.
    """

    subject: str
    roles: frozenset[str] = frozenset()
    email: str = ""
    sourcedid: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    line: str = ""
    context: str = ""
    names: str = ""
    question: Question | None = None


def read_launch(
    token: str, platform: LearningPlatform, nonce: str, key_sets: KeySets, now: datetime
) -> Launch:
    """Verify a launch completely, and return what it says.

    Parameters
    ----------
    token : str
        The id token, as the browser sent it.
    platform : LearningPlatform
        The platform at which this login began.
    nonce : str
        The nonce with which it began.
    key_sets : KeySets
    now : datetime
        In UTC, without a time zone.

    Raises
    ------
    Refused
        If any check fails; the message says which, and repeats nothing of an unverified token.
    """
    claims = _verify(token, platform, key_sets)
    _require_time(claims, now)
    _require_party(claims, platform)
    if not hmac.compare_digest(_word(claims, "nonce").encode(), nonce.encode()):
        raise Refused("This launch is not the one that was begun here. Open it again.", 403)
    if _word(claims, f"{CLAIM}version") != VERSION:
        raise Refused("Your learning platform does not speak LTI 1.3.", 403)
    kind = _word(claims, f"{CLAIM}message_type")
    if kind not in (MESSAGE, CHOOSING):
        message = "The desk can only be opened by a link, and this is another kind of launch."
        raise Refused(message, 403)
    subject = _word(claims, "sub")
    if not subject:
        raise Refused("Your learning platform does not say who you are.", 403)
    roles = claims.get(f"{CLAIM}roles")
    custom = _mapping_in(claims, f"{CLAIM}custom")
    return Launch(
        subject=subject,
        roles=frozenset(each for each in roles if isinstance(each, str))
        if isinstance(roles, list)
        else frozenset(),
        email=_word(claims, "email"),
        sourcedid=_word(_mapping_in(claims, f"{CLAIM}lis"), "person_sourcedid"),
        custom={name: _word(custom, name) for name in custom},
        target=_word(claims, f"{CLAIM}target_link_uri"),
        line=_line_address(_mapping_in(claims, SCORES_CLAIM)),
        context=_word(_mapping_in(claims, f"{CLAIM}context"), "id"),
        names=_names_address(_mapping_in(claims, NAMES_CLAIM)),
        question=read_question(
            _mapping_in(claims, DEEP_LINKING_CLAIM), _word(claims, f"{CLAIM}deployment_id")
        )
        if kind == CHOOSING
        else None,
    )


def _verify(token: str, platform: LearningPlatform, key_sets: KeySets) -> Mapping[str, Any]:
    """Return the claims of a token, once its signature, issuer and audience are verified."""
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != "RS256":
            raise Refused("This launch is not signed the way learning platforms sign theirs.", 403)
        key = key_sets.key(platform, str(header.get("kid", "")))
        return jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=platform.client_id,
            issuer=platform.issuer,
            # `_require_time` checks the times, by the desk's own clock.
            options={
                "require": list(NEEDED_CLAIMS),
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidIssuerError as error:
        raise Refused("This launch is from another learning platform.", 403) from error
    except jwt.InvalidAudienceError as error:
        raise Refused("This launch is meant for another tool.", 403) from error
    except jwt.MissingRequiredClaimError as error:
        raise Refused("Your learning platform leaves out what a launch needs.", 403) from error
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise Refused("This launch is not signed by your learning platform.", 403) from error


def _require_time(claims: Mapping[str, Any], now: datetime) -> None:
    """Check that a launch is valid now: neither expired nor from the future."""
    seconds = now.replace(tzinfo=UTC).timestamp()
    ends, began = claims["exp"], claims["iat"]
    starts = claims.get("nbf", began)
    times = (ends, began, starts)
    if not all(isinstance(time, int | float) and not isinstance(time, bool) for time in times):
        raise Refused("This launch does not say when it was made.", 403)
    if seconds > ends + CLOCK_SKEW:
        raise Refused("This launch is out of date. Open it again.", 403)
    if max(began, starts) > seconds + CLOCK_SKEW:
        message = "This launch is from the future: the clock here or at your platform is wrong."
        raise Refused(message, 403)


def _require_party(claims: Mapping[str, Any], platform: LearningPlatform) -> None:
    """Check that a launch is meant for this desk, this deployment and this course."""
    audience, party = claims["aud"], claims.get("azp")
    is_shared = isinstance(audience, list) and len(audience) > 1
    if (party is not None or is_shared) and party != platform.client_id:
        raise Refused("This launch is meant for another tool.", 403)
    if _word(claims, f"{CLAIM}deployment_id") not in platform.deployment_ids:
        message = (
            "The desk does not know this place of your learning platform. Ask your instructor to "
            "write its deployment id to c.Desk.lti_platforms."
        )
        raise Refused(message, 403)
    # Any teacher on the platform can add the desk to a course of their own.
    context = _word(_mapping_in(claims, f"{CLAIM}context"), "id")
    if context not in platform.context_ids:
        message = (
            f"The desk does not know this course of {platform.host}, {context!r}. Ask your "
            "instructor to write it to context_ids in c.Desk.lti_platforms, if it is this one."
        )
        raise Refused(message, 403)


def _word(claims: Mapping[str, Any], name: str) -> str:
    """Return the text of a claim; empty if there is none, or only an unfilled placeholder."""
    found = claims.get(name)
    if not isinstance(found, str) or len(found) > LONGEST_CLAIM:
        return ""
    # A platform leaves variables that it has no value for as they are, such as $Person.sourcedId.
    return "" if found.startswith("$") else found


def _mapping_in(claims: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = claims.get(name)
    return found if isinstance(found, dict) else {}


def _line_address(told: Mapping[str, Any]) -> str:
    """Return the address of the line item, if the desk may send scores to it; otherwise empty."""
    line, scopes = _word(told, "lineitem"), told.get("scope")
    may = isinstance(scopes, list) and SCORE in scopes
    return line if may and is_web_address(line) else ""


def _names_address(told: Mapping[str, Any]) -> str:
    """Return the address of a course's list of members; empty if there is none."""
    address = _word(told, "context_memberships_url")
    return address if is_web_address(address) else ""


def own_path(address: str, policy: DeskPolicy) -> str:
    """Return the path of an address, relative to the desk's base path.

    Raises
    ------
    Refused
        If it is not the address of a page of the desk.
    """
    try:
        parts = urlsplit(address)
        origin = f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        origin = ""
    path = parts.path.removeprefix(policy.base) if origin else ""
    is_below = origin == policy.origin and parts.path.startswith(policy.base)
    if not is_below or not (path in ANYWHERE or _name_in(path)):
        message = (
            "This link leads to no page of the desk. Ask your instructor to write an address that "
            f"begins with {policy.url.rstrip('/')}/ to it."
        )
        raise Refused(message, 403)
    return path


def _name_in(path: str) -> str:
    """Return the assignment in a path; empty if there is none."""
    name = unquote(path.removeprefix(ASSIGNMENTS_PATH)) if path.startswith(ASSIGNMENTS_PATH) else ""
    return "" if "/" in name else name


def assignment_of(launch: Launch, policy: DeskPolicy, assignments: Collection[str]) -> str:
    """Return the assignment that a launch is for; empty if it is for none in particular.

    Parameters
    ----------
    launch : Launch
        Its custom parameter `assignment` names it, or otherwise its address.
    policy : DeskPolicy
    assignments : collection of str
        The released assignments.

    Raises
    ------
    Refused
        If there is no such assignment, or if the link leads elsewhere.
    """
    name = _name_in(own_path(launch.target, policy))
    name = launch.custom.get("assignment", "") or name
    if name and name not in assignments:
        message = (
            f"There is no assignment {name!r} at the desk. Ask your instructor to release it, or "
            "to mend the link's custom parameter."
        )
        raise Refused(message, 404)
    return name
