"""Class lists: read who is in the class from a learning platform or from groups of a JupyterHub.

New students are entered into the gradebook; the lists themselves are stored in the desk's database,
for the graders' pages. It may import the rest of the desk except `web/`, and every room below; only
the desk's service and `lti/` import it.
"""
