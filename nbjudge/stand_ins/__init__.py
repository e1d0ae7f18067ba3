"""What a test meets in the place of an answer that stays in the student's kernel.

Stand-ins for its objects, the line to where they live, and a Python that knows one from what it
stands for. It imports `sandbox` and below.
"""
