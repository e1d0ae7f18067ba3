"""IPython's shell in a process of its own, which runs a student's cells, and the line to it.

It imports `kernel` and below.
"""
