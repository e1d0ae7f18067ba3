"""The HTML page of a class report: numbers, sentences and pictures."""

from __future__ import annotations

from nbjudge.basics.sentences import duration
from nbjudge.basics.text import clean_characters, cut
from nbjudge.pages.frame import pages_of
from nbjudge.report import pictures
from nbjudge.report.findings import (
    interval,
    meaning_of_discrimination,
    run_time,
    what_stands_out,
    with_sign,
)
from nbjudge.report.statistics import LEAST_STUDENTS, MOST_WAITING, Numbers

__all__ = ["page"]

#: How many rows of the table of mistakes are shown before it is unfolded.
MOST_MISTAKES = 15
#: How many groups of wrong answers without a known mistake are shown, and characters of an answer.
MOST_UNNAMED, MOST_OF_ANSWER = 8, 2000


def page(found: Numbers, *, is_anonymous: bool = False) -> str:
    """Return the HTML page of a report.

    Parameters
    ----------
    found : Numbers
    is_anonymous : bool
        Whether the numbers are those of a class without names, which the page then says.
    """
    of_two = {(pair.one.key, pair.other.key): pair.correlation.r for pair in found.pairs}
    told = [each for each in found.exercises if each.discrimination.r is not None]
    return pages_of(__file__).render(
        "report.html.j2",
        found=found,
        is_anonymous=is_anonymous,
        findings=what_stands_out(found),
        mistakes=found.mistakes[:MOST_MISTAKES],
        rarer=found.mistakes[MOST_MISTAKES:],
        unnamed=found.unnamed[:MOST_UNNAMED],
        more_unnamed=sum(group.students for group in found.unnamed[MOST_UNNAMED:]),
        tests_took=sum(sum(each.test_times.all) for each in found.exercises if each.test_times),
        code=_show_answer,
        together=[each.exercise for each in told],
        of_two=of_two,
        timed=[each for each in found.exercises if each.times is not None],
        marks_picture=pictures.draw_marks(found),
        difficulty_picture=pictures.difficulty(found),
        discrimination_picture=pictures.discrimination(found),
        together_picture=pictures.draw_together(found),
        times_picture=pictures.run_times(found),
        duration=duration,
        line=_on_one_line,
        reading=meaning_of_discrimination,
        running=run_time,
        interval=interval,
        with_sign=with_sign,
        least=LEAST_STUDENTS,
        most_waiting=f"{MOST_WAITING:.0%}".replace("%", " %"),
    )


def _show_answer(answer: str) -> str:
    return clean_characters(cut(answer.strip("\n"), MOST_OF_ANSWER)).expandtabs(4)


def _on_one_line(text: str) -> str:
    return " ".join(clean_characters(text).split())
