"""Kernels from outside: walls, limits, workspaces, sessions.

It imports `fork_server`, `course` and below.
"""
