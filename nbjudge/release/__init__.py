"""Out to students: student versions are made, and proved to give nothing away.

It imports `grading` and below.
"""
