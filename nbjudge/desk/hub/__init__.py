"""Logging in through a JupyterHub that runs the desk as its service.

It may import the rest of the desk and the libraries of the extra `nbjudge[hub]`; only the desk's
application imports it, and only if `c.Desk.hub` is set.
"""
