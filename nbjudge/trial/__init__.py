"""Find out how each test of a course has to run, by trying it in each way.

It imports `judge` and below.
"""
