"""The kernel process that runs a student's cells: IPython's shell, and its socket to the grader.

It imports `kernel` and below.
"""
