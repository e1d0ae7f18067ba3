"""The desk's settings: the section `Desk` of a course's `nbgrader_config.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from traitlets.config import Config, Configurable

from nbjudge.basics.settings import make_setting, read_settings, traits_of
from nbjudge.exceptions import CourseError
from nbjudge.intake.unpack import MEGABYTE
from nbjudge.term.deadlines import read_term
from nbjudge.term.late_policy import LatePolicy

__all__ = ["LEVELS", "SENDING", "DeskPolicy", "DeskSettings", "read_policy"]

#: How much of a result a student is shown, from least to most.
LEVELS = ("nothing", "checks", "marks", "mistakes", "feedback")
#: When marks are sent to a learning platform.
SENDING = ("never", "published", "at once")


@dataclass(frozen=True)
class DeskPolicy:
    """What students may hand in at the desk, and what they are shown when."""

    url: str = make_setting(
        "http://127.0.0.1:8400",
        "Address under which people reach the desk, as they type it; behind a proxy with TLS that "
        "begins with https. No other host's name is answered.",
    )
    database: str = make_setting(
        "",
        "Address of the desk's database, as SQLAlchemy has it: postgresql+psycopg2://…; by default "
        "the file desk.db in the course's folder.",
    )
    graders: tuple[str, ...] = make_setting(
        ("instructor",), "Who may see the class: each gets a link of their own."
    )
    hub: bool = make_setting(
        False,
        "Whether people come in by the JupyterHub whose service the desk is: a student's id is the "
        "name there, and so is a grader's. Personal links work as well.",
    )
    hub_groups: tuple[str, ...] = make_setting(
        (),
        "Groups of the hub whose people are the class: they are read every hour, and who is new is "
        "entered into the gradebook.",
    )
    lti_platforms: tuple[Mapping[str, object], ...] = make_setting(
        (),
        "Learning platforms that people come in from by LTI 1.3, each with issuer, client_id, "
        "auth_login_url, auth_token_url, jwks_url, deployment_ids, context_ids, and student_id: "
        "which of the platform's claims holds the id in the gradebook.",
    )
    lti_roster: bool = make_setting(
        False,
        "Whether the class is read from the platform, every hour: names of students, and who is "
        "in the class; who is new is entered into the gradebook. Nobody is ever removed.",
    )
    lti_send: str = make_setting(
        "published",
        "When marks are sent to the platform: never; published, which is when nobody can hand in "
        "any more, or at once where there is no deadline; or at once. Never before the student "
        "sees the mark at the desk.",
    )
    late_replaces: bool = make_setting(
        False,
        "Whether what comes after the deadline counts before what came in time. Otherwise it is "
        "kept, and counts only where nothing came in time.",
    )
    attempts: int = make_setting(
        0, "How often one assignment can be handed in; 0 is as often as one likes."
    )
    attempts_per_hour: int = make_setting(
        20, "How often one student can hand in within an hour, all assignments together."
    )
    cool_down_seconds: int = make_setting(5, "Seconds between two hand-ins of one student.")
    shows_before: str = make_setting(
        "marks",
        "What a student is shown until the deadline: nothing; checks, which are those that the "
        "notebook itself shows; marks; mistakes, which is marks and why points are missing; or "
        "feedback, which is the whole page.",
    )
    shows_after: str = make_setting(
        "feedback", "The same, once nobody can hand in any more: extensions and grace are over."
    )
    megabytes: int = make_setting(
        50, "Size of what one hand-in may hold, as it is sent and as it is unpacked."
    )
    files: int = make_setting(200, "How many files one hand-in may hold.")
    upload_seconds: int = make_setting(120, "Seconds that one upload may take.")
    timezone: str = make_setting("UTC", "Of the course: c.Term.timezone.", elsewhere=True)
    grace_minutes: float = make_setting(0.0, "c.LatePolicy.grace_minutes.", elsewhere=True)

    @property
    def bytes(self) -> int:
        """The largest size of one hand-in, in bytes."""
        return self.megabytes * MEGABYTE

    @property
    def grace(self) -> timedelta:
        """How long after the deadline a hand-in still counts as in time."""
        return timedelta(minutes=self.grace_minutes)

    @property
    def is_encrypted(self) -> bool:
        """Whether people reach the desk by TLS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def origin(self) -> str:
        """Scheme, host and port of the desk's address."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def host(self) -> str:
        """The name of the desk's host, without a port."""
        return urlsplit(self.url).hostname or ""

    @property
    def base(self) -> str:
        """The path prefix of all of the desk's pages; empty if it has a host to itself."""
        return urlsplit(self.url).path.rstrip("/")


class DeskSettings(Configurable):
    """The desk, where students hand in over the web: `course desk`."""

    locals().update(traits_of(DeskPolicy))


DeskSettings.__name__ = "Desk"  # traitlets finds the section by the class's name


def read_policy(config: Config) -> DeskPolicy:
    """Return the desk's settings from a configuration.

    Raises
    ------
    CourseError
        If a setting has an impossible value; the message says which, and what is allowed.
    traitlets.TraitError
        If a setting has the wrong type.
    """
    policy = DeskPolicy(
        **read_settings(DeskPolicy, DeskSettings(config=config)),
        timezone=read_term(config).timezone or "UTC",
        grace_minutes=LatePolicy(config=config).grace_minutes,
    )
    if problem := _problem_of_policy(policy):
        raise CourseError(f"The desk cannot be opened: {problem} in nbgrader_config.py.")
    return policy


def _problem_of_policy(policy: DeskPolicy) -> str:
    """Return what is wrong with a policy, as the middle of a sentence; empty if nothing is."""
    try:
        parts = urlsplit(policy.url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_address = is_address and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        is_address = False
    if not is_address:
        return f"c.Desk.url is {policy.url!r}; write an address such as https://desk.example.org"
    for name in ("shows_before", "shows_after"):
        if (level := getattr(policy, name)) not in LEVELS:
            return f"c.Desk.{name} is {level!r}; write one of {', '.join(LEVELS)}"
    if policy.lti_send not in SENDING:
        return f"c.Desk.lti_send is {policy.lti_send!r}; write one of {', '.join(SENDING)}"
    if policy.hub_groups and not policy.hub:
        return "c.Desk.hub_groups needs a hub; set c.Desk.hub"
    if policy.lti_roster and not policy.lti_platforms:
        return "c.Desk.lti_roster needs a learning platform; write it to c.Desk.lti_platforms"
    for name in ("attempts", "cool_down_seconds"):
        if getattr(policy, name) < 0:
            return f"c.Desk.{name} is below 0; write 0 or more"
    for name in ("attempts_per_hour", "megabytes", "files", "upload_seconds"):
        if getattr(policy, name) < 1:
            return f"c.Desk.{name} is below 1; write 1 or more"
    return ""
