"""A course whose tests reach an answer in all the ways there are, configured by two lines."""

from nbjudge.hooks import configure

c = get_config()  # noqa: F821 (nbgrader provides it)
configure(c)
