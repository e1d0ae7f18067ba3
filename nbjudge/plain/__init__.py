"""What may cross between a test and a kernel as data, and how each kind of it is taken apart.

Both sides have it, so nothing in it is secret. It imports no room.
"""
