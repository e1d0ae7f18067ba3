"""A class: what is to be graded, the workers that do it, and the marks that are saved.

It imports `judge` and below.
"""
