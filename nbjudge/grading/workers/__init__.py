"""Those who do the jobs: processes of this machine, or a cluster's.

It imports `grading`'s jobs and conditions, and what they may import.
"""
