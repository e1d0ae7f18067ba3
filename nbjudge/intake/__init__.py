"""Submissions on their way in: unpack, collect, find, read, sanitise and restore them.

It imports `course` and below.
"""
