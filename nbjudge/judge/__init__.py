"""A test and its verdict, and one notebook from bytes to marks.

It imports `sandbox`, `intake` and below.
"""
