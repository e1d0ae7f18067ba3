"""Checks of a course and a machine: self-check of marks, fairness, and the doctor.

It imports `release` and below.
"""
