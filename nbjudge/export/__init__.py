"""Marks out to learning platforms and to tables. It imports `course` and below."""
