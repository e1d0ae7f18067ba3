"""Kernels as the grader uses them: the sandbox, limits, workspaces, sessions.

It imports `fork_server`, `course` and below.
"""
