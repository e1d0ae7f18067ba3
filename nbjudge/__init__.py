"""Grades any nbgrader course: tests run outside the student's process, kernels in a sandbox.

The modules directly in this package go to students with every release: `checks` compares an answer
with what was expected, `probes` measures what only the answer itself can tell. The folders are the
judge's own; each says what it is for and what it may import.
"""

__version__ = "0.1.0"
