"""Workers that do the jobs: processes on this machine, or those of a Dask cluster.

It imports `jobs` and `conditions` of `grading`, and what these may import.
"""
