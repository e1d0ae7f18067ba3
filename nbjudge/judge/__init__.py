"""Run a test and return its verdict; grade one notebook, from bytes to marks.

It imports `sandbox`, `intake` and below.
"""
