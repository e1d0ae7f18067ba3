"""Read and check `c.Desk.lti_platforms`, the learning platforms that a course is on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from nbjudge.basics.settings import with_tuples
from nbjudge.desk.desk_policy import DeskPolicy
from nbjudge.exceptions import CourseError

__all__ = ["LearningPlatform", "is_web_address", "origin_of", "read_platforms"]

ADDRESSES = ("auth_login_url", "auth_token_url", "jwks_url")
LIST_FIELDS = ("deployment_ids", "context_ids")
NEEDED_FIELDS = ("issuer", "client_id", *ADDRESSES, *LIST_FIELDS)
#: The claims, beside custom parameters, that can hold a student's id in the gradebook.
CLAIMS = ("lms_user_id", "sub", "email", "lis_person_sourcedid")
CUSTOM = "custom."
LOOPBACK = ("127.0.0.1", "::1", "localhost")
#: A host and its port, of characters that are safe in a header.
HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")


@dataclass(frozen=True)
class LearningPlatform:
    """A learning platform, and the desk's registration there.

    Parameters
    ----------
    issuer, client_id : str
        The platform's name for itself, and its name for the desk.
    auth_login_url, auth_token_url, jwks_url : str
        Where people log in, where the desk gets access tokens, and where the platform's keys are.
    deployment_ids : tuple of str
        The deployments of the desk on the platform.
    context_ids : tuple of str
        The platform's courses that belong to this course; launches from other courses are refused.
    student_id : str
        The claim that holds the student's id in the gradebook.
    """

    issuer: str
    client_id: str
    auth_login_url: str
    auth_token_url: str
    jwks_url: str
    deployment_ids: tuple[str, ...]
    context_ids: tuple[str, ...]
    student_id: str = "lms_user_id"

    @property
    def host(self) -> str:
        """The host of the platform, which is its name for people."""
        return urlsplit(self.issuer).hostname or self.issuer


def read_platforms(policy: DeskPolicy) -> tuple[LearningPlatform, ...]:
    """Return a course's platforms.

    Raises
    ------
    CourseError
        If the settings of a platform are wrong; the message says which, and why.
    """
    if not (policy.is_encrypted or policy.host in LOOPBACK):
        message = (
            "c.Desk.lti_platforms needs TLS, as browsers keep no cookie between two sites without: "
            "write an address that begins with https to c.Desk.url in nbgrader_config.py."
        )
        raise CourseError(message)
    found = []
    for number, told in enumerate(policy.lti_platforms, 1):
        if problem := _problem_of_platform(told):
            message = (
                f"The desk cannot be opened: platform {number} of c.Desk.lti_platforms {problem}, "
                "in nbgrader_config.py."
            )
            raise CourseError(message)
        found.append(LearningPlatform(**with_tuples(told)))
    _require_apart(found)
    return tuple(found)


def _problem_of_platform(told: Mapping[str, object]) -> str:
    """Return what is wrong with a platform, as the end of a sentence; empty if nothing is."""
    for name in told:
        if name not in (*NEEDED_FIELDS, "student_id"):
            return f"has {name!r}, which is none of {', '.join((*NEEDED_FIELDS, 'student_id'))}"
    for name in NEEDED_FIELDS:
        if not told.get(name):
            return f"has no {name}"
    for name in ("issuer", "client_id", *ADDRESSES):
        if not isinstance(told[name], str):
            return f"has a {name} that is no text: write it in quotation marks"
    for name in ADDRESSES:
        if not is_web_address(str(told[name])):
            return f"has a {name} that is no address with https"
    for name in LIST_FIELDS:
        ids = told[name]
        if not isinstance(ids, list | tuple) or not all(isinstance(id, str) and id for id in ids):
            return f"has {name} that are no list of texts, such as ['1']"
    claim = told.get("student_id", CLAIMS[0])
    if not isinstance(claim, str) or not (
        claim in CLAIMS or (claim.startswith(CUSTOM) and claim != CUSTOM)
    ):
        return f"has a student_id that is none of {', '.join(CLAIMS)} and {CUSTOM}NAME"
    return ""


def _require_apart(platforms: Sequence[LearningPlatform]) -> None:
    """Check that a client id belongs to one platform, and a user number to one student."""
    registered = Counter((each.issuer, each.client_id) for each in platforms)
    if platforms and max(registered.values()) > 1:
        raise CourseError("c.Desk.lti_platforms in nbgrader_config.py has one client_id twice.")
    by_number = {each.issuer for each in platforms if each.student_id in ("lms_user_id", "sub")}
    if len(by_number) > 1:
        message = (
            "Two platforms of c.Desk.lti_platforms know students by numbers of their own, so one's "
            "number could be another's: give one of them another student_id in nbgrader_config.py."
        )
        raise CourseError(message)


def is_web_address(text: str) -> bool:
    """Return whether the desk may send requests to an address: https, or http on this machine.

    >>> [is_web_address(text) for text in ("https://a.org/x", "http://a.org", "file:///etc")]
    [True, False, False]
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    is_plain = not (parts.username or parts.password or parts.fragment)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    is_plain = is_plain and HOST.fullmatch(parts.netloc) is not None
    return bool(host) and is_plain and is_safe and text.isascii() and text.isprintable()


def origin_of(address: str) -> str:
    """Return scheme, host and port of an address; empty unless `is_web_address` allows it.

    >>> origin_of("https://a.org:8443/x?y"), origin_of("https://a.org;b/")
    ('https://a.org:8443', '')
    """
    parts = urlsplit(address) if is_web_address(address) else None
    return f"{parts.scheme}://{parts.netloc}" if parts is not None else ""
