"""Grade a class: plan what has to be graded, have workers grade it, and save the marks.

It imports `judge` and below.
"""
