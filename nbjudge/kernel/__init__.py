"""What runs in the process of a student's code, beside it: nothing here is secret.

It imports no room.
"""
