"""Coming in by a JupyterHub whose service the desk is, instead of by a personal link.

It may import the rest of the desk, and the libraries of the extra `nbjudge[hub]`; only the desk's
application imports it, where the course says that there is a hub.
"""
