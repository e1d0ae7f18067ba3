"""Marks on their way to learning platforms: what waits, when it may go, and the requests it takes.

It may import the desk's modules and `lti/`, but nothing of `web/`.
"""
