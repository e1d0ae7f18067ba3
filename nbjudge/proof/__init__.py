"""That it all holds: self-check, fairness, and what this machine protects.

It imports `release` and below.
"""
