"""Read the students in a group of the JupyterHub that runs the desk as its service."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from urllib.parse import quote

from nbjudge.desk.class_lists.listed_people import Listed
from nbjudge.desk.lti.bounded_http import ask
from nbjudge.exceptions import CourseError

__all__ = ["HubGroup"]

#: Environment variables in which a hub gives its services its address and their token.
ADDRESS, TOKEN = "JUPYTERHUB_API_URL", "JUPYTERHUB_API_TOKEN"
#: The most bytes of a reply that are read.
LONGEST_GROUP = 4 * 2**20


class HubGroup:
    """A group of the hub as a class list: a student's name there is the id in the gradebook.

    Parameters
    ----------
    name : str
    graders : collection of str
        Members of the group who are not students.
    """

    by_number = False

    def __init__(self, name: str, graders: Collection[str]) -> None:
        self._name = name
        self._graders = graders

    @property
    def key(self) -> str:
        """The key of the list in the database."""
        return json.dumps(["hub", self._name])

    @property
    def label(self) -> str:
        """The name of the list, for people."""
        return f"group {self._name} of the hub"

    def read(self) -> Sequence[Listed]:
        """Return the students.

        Raises
        ------
        CourseError
            If the group cannot be read; the message says why.
        """
        address, token = os.environ.get(ADDRESS), os.environ.get(TOKEN)
        if not (address and token):
            message = (
                f"The {self.label} cannot be read here: {ADDRESS} and {TOKEN} are not in the "
                "environment. The desk that the hub has started reads it by itself."
            )
            raise CourseError(message)
        url = f"{address.rstrip('/')}/groups/{quote(self._name, safe='')}"
        headers = {"Authorization": f"token {token}", "Accept": "application/json"}
        answer = ask(url, headers=headers, longest=LONGEST_GROUP)
        if answer.status in (403, 404):
            message = (
                f"The hub has no group {self._name!r}, or does not show it to the desk: give the "
                f"desk's service a role with the scope 'read:groups!group={self._name}'."
            )
            raise CourseError(message)
        try:
            told = json.loads(answer.body) if answer.is_good else None
        except (ValueError, RecursionError):
            told = None
        users = told.get("users") if isinstance(told, dict) else None
        if not isinstance(users, list) or not all(isinstance(each, str) for each in users):
            message = f"The hub answered with status {answer.status}, and not with who is in the"
            raise CourseError(f"{message} group {self._name!r}.")
        return [Listed(each) for each in users if each not in self._graders]
