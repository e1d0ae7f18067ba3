"""The fork server (warm parent) that forks kernels, and the processes that watch over them.

It imports `shell` and below.
"""
