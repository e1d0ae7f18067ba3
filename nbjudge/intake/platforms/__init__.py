"""Submissions from learning platforms: find the owner of each file; collectors for nbgrader.

It imports the modules of `intake` and below. A course's settings can name a collector, as
`nbjudge.intake.platforms.MoodleCollector`.
"""

from nbjudge.intake.platforms.collectors import COLLECTORS, CanvasCollector, MoodleCollector

__all__ = ["COLLECTORS", "CanvasCollector", "MoodleCollector"]
