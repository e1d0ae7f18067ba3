"""Make the student versions of assignments, and prove that they give nothing away.

It imports `grading` and below.
"""
