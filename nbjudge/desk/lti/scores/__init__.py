"""Sending marks to learning platforms: the queue, the policy of when to send, and the requests.

It may import the desk's modules and `lti/`, but nothing of `web/`.
"""
