"""What all HTML pages share: their frame, safe HTML, formulas, notebook outputs, charts.

It imports `basics` and `judge`.
"""
