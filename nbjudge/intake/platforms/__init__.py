"""Submissions from a learning platform: whose each file is, and collectors for nbgrader.

It imports the modules of `intake` and below. A course names a collector as
`nbjudge.intake.platforms.MoodleCollector`.
"""

from nbjudge.intake.platforms.collectors import COLLECTORS, CanvasCollector, MoodleCollector

__all__ = ["COLLECTORS", "CanvasCollector", "MoodleCollector"]
