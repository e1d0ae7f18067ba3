"""How the known answers of an exercise are written, and what is refused."""

from __future__ import annotations

import difflib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbjudge.exceptions import CourseError
from nbjudge.judge.known_file import Known, read_known

SOLUTION = """\
# %% solution
def area(a, b):
    a = abs(a)

    b = abs(b)
    c = a * b
    return c
"""


def read(text: str) -> tuple[Known, ...]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ex_0.diff")
        path.write_text(text, encoding="utf-8")
        return read_known(path)


def edited(*edit: str) -> list[str]:
    """Return the lines of the solution after an edit."""
    *_, known = read("\n".join([SOLUTION, "# %% mistake: edited", *edit]))
    return known.source.splitlines()


def test_a_file_is_read_cell_by_cell() -> None:
    text = (
        "# Two answers, and this.\n\n# %% style: first one\nx = 1\n\n# a comment\n"
        'y = "# %% z"\n\n\n# %% mistake: second\n# It says\n# this.\nx = 2\n'
    )

    assert read(text) == (
        Known("first one", "", 'x = 1\n\n# a comment\ny = "# %% z"\n', "style"),
        Known("second", "It says this.", "x = 2\n", "mistake"),
    )


def test_a_file_with_nothing_in_it_has_no_answers() -> None:
    assert read("") == ()


def test_a_line_is_replaced() -> None:
    assert edited("-    return c", "+    return -c") == [
        *("def area(a, b):", "    a = abs(a)", "", "    b = abs(b)", "    c = a * b"),
        "    return -c",
    ]


def test_lines_are_removed_and_added_in_several_places() -> None:
    edit = ("-    a = abs(a)", "-", "-    b = abs(b)", "...", "     c = a * b", "+", "+    c /= 2")

    assert edited(*edit) == ["def area(a, b):", "    c = a * b", "", "    c /= 2", "    return c"]


def test_lines_that_stay_say_where() -> None:
    text = "# %% solution\nx = 1\ny = 2\nx = 1\n\n# %% mistake: m\n y = 2\n-x = 1\n+x = 3\n"

    assert read(text)[1].source == "x = 1\ny = 2\nx = 3\n"


def test_an_empty_line_of_an_edit_is_one_that_stays() -> None:
    assert edited("-    a = abs(a)", "", "     b = abs(b)")[:3] == [
        *("def area(a, b):", "", "    b = abs(b)"),
    ]


def test_a_part_is_looked_for_below_the_one_before() -> None:
    text = "# %% solution\nx = 1\ny = 2\nx = 1\n\n# %% mistake: m\n-y = 2\n...\n-x = 1\n+x = 3\n"

    assert read(text)[1].source == "x = 1\nx = 3\n"


@pytest.mark.parametrize("base", ["style: other", "mistake: other", "solution: other"])
def test_an_edit_may_be_of_any_answer_that_stands_whole_also_further_down(base: str) -> None:
    text = f"# %% mistake: m (from: other)\n# Why?\n-x = 1\n+x = 2\n\n# %% {base}\nx = 1\ny = 1\n"

    assert read(text)[0] == Known("m", "Why?", "x = 2\ny = 1\n", "mistake")


WHOLE = "# %% style: s\nx = 1\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("# %% mistake\nx = 1\n", 1, "after # %% there has to be solution, mistake: NAME or"),
        ("# %% slip: m\nx = 1\n", 1, "after # %% there has to be solution, mistake: NAME or"),
        (f"{WHOLE}\n# %% mistake: s\nx = 2\n", 5, '"s" has the name of an answer before'),
        ("# %% mistake: m\n# Why?\n\n# %% style: s\nx = 1\n", 1, '"m" has no code'),
        (f"{WHOLE}# %% mistake: m (from: s)\nx = 2\n", 4, '"m" is complete, so it is not an edit'),
        (
            f"{WHOLE}# %% mistake: m\n-x = 1\n",
            *(4, '"m" is from "solution", which is not in the file'),
        ),
        (f"{WHOLE}# %% mistake: m (from: S)\n-x = 1\n", 4, '"m" is from "S", which is not in'),
        ("# %% mistake: m (from: m)\n-x = 1\n", 2, '"m" is from "m", which is an edit itself'),
        (
            "# %% mistake: m (from: n)\n-x = 1\n\n# %% mistake: n (from: m)\n-x = 1\n",
            *(2, '"m" is from "n", which is an edit itself: a base is whole'),
        ),
    ],
)
def test_a_file_that_is_not_written_so_is_refused(text: str, line: int, said: str) -> None:
    with pytest.raises(CourseError) as refused:
        read(text)

    assert str(refused.value).startswith(f"ex_0.diff, line {line}: {said}")


@pytest.mark.parametrize(
    ("edit", "line", "said"),
    [
        (["-    return d"], 10, 'removes or keeps lines that "solution" has not.'),
        (["-    return"], 10, 'removes or keeps lines that "solution" has not.'),
        (
            ["-    c = a * b", "-    b = abs(b)"],
            10,
            'removes or keeps lines that "solution" has not',
        ),
        (["-    return c", "...", "-    c = a * b"], 12, "has not below the lines before"),
        (["-    c = a * b", "...", "     c = a * b", "+"], 12, "has not below the lines before"),
        (
            ["+    return d"],
            10,
            'fits "solution" in 7 places: add a line that stays, above or below',
        ),
        (["-    return c", "+    return c"], 10, "changes nothing here."),
        (["-    a = abs(a)", "...", "     c = a * b"], 12, "changes nothing here."),
        (["-    return c", "return d"], 11, "is an edit, and here begins with none of - +"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(edit: list[str], line: int, said: str) -> None:
    with pytest.raises(CourseError) as refused:
        edited(*edit)

    assert str(refused.value).startswith(f'ex_0.diff, line {line}: "edited" ')
    assert said in str(refused.value)


def test_a_place_that_is_there_twice_is_refused() -> None:
    text = "# %% solution\nx = 1\ny = 2\nx = 1\n\n# %% mistake: m\n-x = 1\n"

    with pytest.raises(CourseError, match='line 7: "m" fits "solution" in 2 places: add a line'):
        read(text)


lines_of_code = st.lists(
    st.sampled_from(["x = 1", "    y = 2", "", "-3", "...", "# z"]), max_size=9
)


@given(lines_of_code, lines_of_code)
def test_any_two_answers_differ_by_an_edit(before: list[str], after: list[str]) -> None:
    before, after = (["top = 0", *lines, "end = 0"] for lines in (before, [*after, "new = 0"]))
    edit = [line[0] + line[2:] for line in difflib.ndiff(before, after) if line[0] != "?"]

    text = "\n".join(["# %% solution", *before, "# %% mistake: m", *edit])

    assert read(text)[1].source.splitlines() == after
