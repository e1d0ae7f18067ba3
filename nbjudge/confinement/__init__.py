"""Confine a test in the judge process: it may use its own folder, and nothing else.

It may import the rooms of the kernel and of the course; the judge imports it.
"""
