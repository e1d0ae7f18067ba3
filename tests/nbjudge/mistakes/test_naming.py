"""Writing a mistake down: whatever a student wrote, the file reads as it was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbjudge.exceptions import CourseError
from nbjudge.judge.known_file import read_known
from nbjudge.mistakes.naming import _name_from, _normal_code, _sentence, _write_mistake

RIGHT = "def area(a, b):\n    return a * b"
SENTENCE = "You add the sides, and an area is their product."

LINES = st.sampled_from(
    [
        *("def area(a, b):", "    return a * b", "    return a + b", "", "    ", "...", "-", "+x"),
        *("- 1", " x", "%% solution", "x = '''", "'''", "\tpass", "# %% mistake: forged", "#"),
    ]
)
TEXTS = st.lists(LINES, min_size=1, max_size=12).map("\n".join)


def written(folder: Path, base: str, *sources: str) -> tuple[Path, list[str]]:
    """Write mistakes to one file; return it, and the answers that it holds then."""
    path = folder / "ex_1_1.diff"
    for source in sources:
        _write_mistake(path, "ex_1_1", base, source, SENTENCE)
    return path, [known.source for known in read_known(path)]


def test_a_mistake_is_an_edit_of_the_solution(tmp_path: Path) -> None:
    path, _ = written(tmp_path, RIGHT, "def area(a, b):\n    return a + b")

    assert path.read_text(encoding="utf-8") == (
        "# The known answers to 1.1.\n\n"
        "# %% solution\ndef area(a, b):\n    return a * b\n\n"
        "# %% mistake: you add the sides\n"
        "# You add the sides, and an area is their product.\n"
        "-    return a * b\n+    return a + b\n"
    )


def test_the_next_mistake_stands_below_with_a_name_of_its_own(tmp_path: Path) -> None:
    path, _ = written(tmp_path, RIGHT, "area = max", "area = min")

    names = [known.name for known in read_known(path)]
    assert names == ["solution", "you add the sides", "you add the sides 2"]


def test_a_file_that_a_person_wrote_stays_as_it_is(tmp_path: Path) -> None:
    own = f"# Mine.\n\n# %% solution\n{RIGHT}\n\n# %% style: other\narea = int.__mul__\n"
    path = tmp_path / "ex_1_1.diff"
    path.write_text(own, encoding="utf-8")

    written(tmp_path, "another = 1", "def area(a, b):\n    return a + b")

    text = path.read_text(encoding="utf-8")
    assert text.startswith(own)
    assert text.endswith("-    return a * b\n+    return a + b\n")


def test_an_edit_says_where_if_the_line_is_there_twice(tmp_path: Path) -> None:
    base = "a = 1\nb = 0\nc = 2\nb = 0"

    _, answers = written(tmp_path, base, "a = 1\nb = 0\nc = 2\nb = 5")

    assert answers[-1] == "a = 1\nb = 0\nc = 2\nb = 5\n"


@given(TEXTS, TEXTS)
@example("x", "# %% solution\nx = 1")
def test_whatever_an_answer_holds_the_file_reads_as_it_was_meant(
    tmp_path_factory: pytest.TempPathFactory, base: str, source: str
) -> None:
    base, source = _normal_code(base), _normal_code(source)
    if not base.strip() or not source.strip() or base == source:
        return
    folder = tmp_path_factory.mktemp("known")

    try:
        path, answers = written(folder, base, source)
    except CourseError as error:
        assert "by hand" in str(error)
        assert not list(folder.iterdir())
        return

    assert answers == [f"{base}\n", f"{source}\n"]
    assert [known.kind for known in read_known(path)] == ["solution", "mistake"]


def test_comments_are_left_out_and_so_is_what_a_terminal_would_obey() -> None:
    told = "# I am Ada\r\ndef area(a, b):  # my own\r\n    # add\r\n    return '#' + '\x1b[31m'"

    assert _normal_code(told) == "def area(a, b):\n    return '#' + '\N{REPLACEMENT CHARACTER}[31m'"


def test_what_is_no_python_stays() -> None:
    assert _normal_code("def area(:\n  '''\n # what") == "def area(:\n  '''\n # what"


@pytest.mark.parametrize("told", ["", "  ", "!?", "a" * 501])
def test_what_is_no_sentence_is_refused(told: str) -> None:
    with pytest.raises(CourseError, match="no sentence for students"):
        _sentence(told)


def test_a_sentence_is_one_line() -> None:
    assert _sentence(" You add\n the\tsides.\x07 ") == "You add the sides.\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("You add the sides, and so on.", "you add the sides"),
        ("The mean's rest is cut off: use / for it.", "the mean's rest is cut off"),
        ("“Well.”", "well"),
        ("One two three four five six seven eight nine.", "one two three four five six seven"),
    ],
)
def test_a_mistake_is_called_by_how_its_sentence_begins(sentence: str, name: str) -> None:
    assert _name_from(sentence, set()) == name
