"""Send one score to a learning platform: LTI Assignment and Grade Services."""

from __future__ import annotations

import json
from urllib.parse import urlsplit, urlunsplit

from nbjudge.desk.lti.bounded_http import Unanswered, ask
from nbjudge.desk.lti.launches import SCORE
from nbjudge.desk.lti.learning_platforms import LearningPlatform
from nbjudge.desk.lti.scores.score_queue import Score
from nbjudge.desk.lti.service_leave import ServiceLeave

__all__ = ["ScoreService"]

SCORE_MEDIA_TYPE = "application/vnd.ims.lis.v1.score+json"


class ScoreService:
    """The client of the platforms' score services.

    Parameters
    ----------
    leave : ServiceLeave
    """

    def __init__(self, leave: ServiceLeave) -> None:
        self._leave = leave

    def send(self, platform: LearningPlatform, score: Score) -> None:
        """Send a score; when this returns, the platform has it.

        Raises
        ------
        Unanswered
            If the platform did not confirm it; it may have it all the same.
        """
        content = {
            "userId": score.line.subject,
            "scoreGiven": score.points,
            "scoreMaximum": score.max_points,
            "timestamp": score.stamp.isoformat(timespec="milliseconds") + "Z",
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
        }
        headers = {
            **self._leave.headers(platform, SCORE, "send marks"),
            "Content-Type": SCORE_MEDIA_TYPE,
        }
        address = _scores_of(score.line.address)
        answer = ask(address, data=json.dumps(content).encode(), headers=headers)
        if not answer.is_good:
            if answer.status == 401:
                self._leave.drop(platform, SCORE)
            host = urlsplit(address).hostname
            raise Unanswered(f"{host} answered with status {answer.status} to the mark.")


def _scores_of(line: str) -> str:
    """Return the address to which the scores of a line item are sent.

    >>> _scores_of("https://moodle.org/lineitems/4/lineitem?type_id=2")
    'https://moodle.org/lineitems/4/lineitem/scores?type_id=2'
    """
    parts = urlsplit(line)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/scores"))
