"""Learning platforms by LTI 1.3: whose word lets somebody in, and where marks are sent.

Its checks are written out on PyJWT, as the known libraries for tools fetch what a platform names
without bounds. It may import the desk's modules; of `web/` only `lti_routes` does, by which people
come in.
"""
