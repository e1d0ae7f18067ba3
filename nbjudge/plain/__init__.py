"""The types of values that cross between a test and a kernel as data, and how each is encoded.

Both sides import it, so nothing in it is secret. It imports no room.
"""
