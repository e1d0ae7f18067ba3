"""What every page shares: frame, safe HTML, mathematics, outputs, charts.

It imports `basics` and `judge`.
"""
