"""A course whose tests hand over and get what goes on, configured by two lines."""

from nbjudge.hooks import configure

c = get_config()  # noqa: F821 (nbgrader provides it)
configure(c)
