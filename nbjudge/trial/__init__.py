"""How each test of a course is to be run: found out by trying it in each way.

It imports `judge` and below.
"""
