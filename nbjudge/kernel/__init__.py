"""The judge's code inside a student's kernel: it answers requests about the student's objects.

The student's code runs in the same process, so nothing here is secret. It imports no room.
"""
