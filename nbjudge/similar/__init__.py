"""Answers that read alike, side by side. It imports `pages` and below."""
