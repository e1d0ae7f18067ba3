"""LTI 1.3: people log in from a learning platform, and marks are sent back to it.

The protocol is implemented here on PyJWT, because the usual LTI tool libraries fetch what a
platform names without bounds. It may import the desk's modules; only `lti_routes`, which handles
logins, imports `web/`.
"""
