"""Of a submitted notebook only the text of its cells is believed; the course restores the rest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode

from nbjudge.course.cells import CourseCell
from nbjudge.intake.restore import Restored, restore_notebook


def owned(name: str, kind: str = "code", points: float = 2.0) -> CourseCell:
    """Return a cell of the course: a test, an answer, a task or a helper, by its name."""
    is_test, is_answer = name.startswith("test"), name.startswith(("ex", "say"))
    is_graded = is_test or name.startswith("say")
    return CourseCell(
        grade_id=name,
        cell_type="markdown" if name.startswith(("say", "task")) else kind,
        source=f"# {name} of the course",
        locked=not is_answer,
        grade=is_graded,
        solution=is_answer,
        task=name.startswith("task"),
        points=points if is_graded else 0.0,
    )


COURSE = [
    owned(name)
    for name in ("imports", "ex_1", "test_ex_1", "data", "ex_2", "test_ex_2", "task", "say_3")
]


def cell(name: str, source: str = "", **metadata: Any) -> dict[str, Any]:
    """Return a submitted cell; a name of the course's is its grade id."""
    marks = {"nbgrader": {"grade_id": name}} if name in {c.grade_id for c in COURSE} else {}
    text = source or f"# {name} of the student"
    return {"cell_type": "code", "source": text, "metadata": {**marks, **metadata}}


def restore(*names: str | dict[str, Any]) -> Restored:
    cells = [cell(name) if isinstance(name, str) else name for name in names]
    return restore_notebook("sums.ipynb", cells, COURSE)


def order(found: Restored) -> list[str]:
    """Return the cells' names: of the course's their ids, of the student's the first word."""
    return [
        c.metadata.get("nbgrader", {}).get("grade_id") or c.source.split()[1] for c in found.cells
    ]


ALL = [c.grade_id for c in COURSE]


def test_an_untouched_order_stays() -> None:
    found = restore(*ALL)

    assert order(found) == ALL
    assert (found.problems, found.notes) == ((), ())


def test_cells_of_the_students_own_keep_their_places() -> None:
    with_own = ["a", "imports", "b", "ex_1", "c", "test_ex_1", "d", "data", "ex_2", "e"]
    with_own += ["test_ex_2", "task", "f", "say_3", "g"]

    assert order(restore(*with_own)) == with_own


@pytest.mark.parametrize(
    ("handed_in", "expected"),
    [
        (  # a test at the top
            ["test_ex_1", "imports", "ex_1", "a", "data", "ex_2", "test_ex_2", "task", "say_3"],
            ["imports", "ex_1", "a", "test_ex_1", "data", "ex_2", "test_ex_2", "task", "say_3"],
        ),
        (  # a test at the end, after a cell that redefines its name
            ["imports", "ex_1", "data", "ex_2", "test_ex_2", "task", "say_3", "a", "test_ex_1"],
            ["imports", "ex_1", "test_ex_1", "data", "ex_2", "test_ex_2", "task", "say_3", "a"],
        ),
        (  # two tests exchanged
            ["imports", "ex_1", "test_ex_2", "a", "data", "ex_2", "test_ex_1", "task", "say_3"],
            ["imports", "ex_1", "a", "test_ex_1", "data", "ex_2", "test_ex_2", "task", "say_3"],
        ),
        (  # the other test pushed between an answer, its mending and its test
            ["imports", "ex_1", "test_ex_2", "a", "test_ex_1", "data", "ex_2", "task", "say_3"],
            ["imports", "ex_1", "a", "test_ex_1", "data", "ex_2", "test_ex_2", "task", "say_3"],
        ),
        (  # answers exchanged with their tests: each test follows its answer
            ["imports", "ex_2", "test_ex_2", "ex_1", "test_ex_1", "data", "task", "say_3"],
            ["imports", "ex_2", "test_ex_2", "task", "ex_1", "test_ex_1", "data", "say_3"],
        ),
        (  # a helper at the end
            ["ex_1", "test_ex_1", "data", "ex_2", "test_ex_2", "task", "say_3", "imports"],
            ["imports", "ex_1", "test_ex_1", "data", "ex_2", "test_ex_2", "task", "say_3"],
        ),
    ],
)
def test_the_courses_cells_stand_in_the_courses_places(
    handed_in: list[str], expected: list[str]
) -> None:
    found = restore(*handed_in)

    assert order(found) == expected
    assert "had cells in another place" in found.notes[0]


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("test_ex_1", ["imports", "ex_1", "a", "test_ex_1", "data", "ex_2", "b", "test_ex_2"]),
        ("test_ex_2", ["imports", "ex_1", "a", "test_ex_1", "data", "ex_2", "b", "test_ex_2"]),
        ("imports", ["imports", "ex_1", "a", "test_ex_1", "data", "ex_2", "b", "test_ex_2"]),
        ("data", ["imports", "ex_1", "a", "test_ex_1", "data", "ex_2", "b", "test_ex_2"]),
        ("ex_1", ["imports", "a", "test_ex_1", "data", "ex_2", "b", "test_ex_2"]),
        ("say_3", ["imports", "ex_1", "a", "test_ex_1", "data", "ex_2", "b", "test_ex_2"]),
    ],
)
def test_what_is_missing_comes_back(missing: str, expected: list[str]) -> None:
    here = ["imports", "ex_1", "a", "test_ex_1", "data", "ex_2", "b", "test_ex_2", "task", "say_3"]

    found = restore(*(name for name in here if name != missing))

    assert order(found) == [*expected, "task", "say_3"]


def test_tests_have_the_courses_text_and_answers_the_students() -> None:
    found = restore(*ALL)

    text = {name: c.source for name, c in zip(order(found), found.cells, strict=True)}
    assert text["test_ex_1"] == "# test_ex_1 of the course"
    assert text["imports"] == "# imports of the course"
    assert text["ex_1"] == "# ex_1 of the student"


def test_a_missing_written_answer_is_as_it_was_released() -> None:
    found = restore(*ALL[:-1])

    assert found.cells[-1].source == "# say_3 of the course"


def test_what_a_submission_says_of_the_courses_cells_counts_for_nothing() -> None:
    forged = cell("test_ex_1", tags=["skip-execution", "raises-exception"])
    forged["cell_type"] = "raw"
    forged["metadata"]["nbgrader"] |= {"points": 100, "grade": False, "solution": True}

    found = restore("imports", "ex_1", forged)

    test = found.cells[2]
    assert test.cell_type == "code"
    assert test.metadata == {"nbgrader": COURSE[2].metadata}


def test_of_two_cells_with_one_id_the_last_counts_and_the_other_is_the_students_own() -> None:
    found = restore("imports", cell("ex_1", "# first"), cell("ex_1", "# second"), *ALL[2:])

    assert [c.source for c in found.cells[1:3]] == ["# first", "# second"]
    assert "nbgrader" not in found.cells[1].metadata
    assert "twice: the last one counts" in found.notes[0]


NAMES = st.lists(st.sampled_from([*ALL, "a", "b"]), max_size=14)


@settings(deadline=None, derandomize=True)
@given(NAMES)
def test_whatever_came_each_of_the_courses_cells_is_there_once_and_in_order(
    names: list[str],
) -> None:
    cells = restore(*names).cells
    found = [c.metadata.get("nbgrader", {}).get("grade_id", "") for c in cells]

    courses = [name for name in found if name and not name.startswith("ex")]
    assert sorted(courses) == sorted(name for name in ALL if not name.startswith("ex"))
    for number in (1, 2):
        if f"ex_{number}" in names:
            answer, test = found.index(f"ex_{number}"), found.index(f"test_ex_{number}")
            assert answer < test
            between = found[answer + 1 : test]
            assert not [name for name in between if name.startswith(("ex", "say"))]


@settings(deadline=None, derandomize=True)
@given(NAMES)
def test_restoring_twice_changes_nothing_more(names: list[str]) -> None:
    once = restore(*names)

    assert restore_notebook("sums.ipynb", once.cells, COURSE).cells == once.cells


def one(**content: Any) -> NotebookNode:
    """Return what becomes of a cell of the student's own, above the course's."""
    own = {"cell_type": "code", "source": "", "metadata": {}, **content}
    return restore_notebook("sums.ipynb", [own, *map(cell, ALL)], COURSE).cells[0]


@pytest.mark.parametrize(
    ("kind", "believed"),
    [
        ("code", "code"),
        ("raw", "raw"),
        ("markdown", "markdown"),
        ("heading", "markdown"),
        ("Code", "markdown"),
        (None, "markdown"),
        (["code"], "markdown"),
    ],
)
def test_a_cell_of_an_odd_type_is_text(kind: object, believed: str) -> None:
    assert one(cell_type=kind).cell_type == believed


@pytest.mark.parametrize(
    ("source", "believed"),
    [
        ("x = 1\n", "x = 1\n"),
        (["x = 1\n", "y = 2"], "x = 1\ny = 2"),
        (["x", 7, None, "y"], "xy"),
        ([], ""),
        ("half \ud83d of a pair", "half ? of a pair"),
        (["\udc00", "é 🙂"], "?é 🙂"),
        (7, ""),
        (None, ""),
        ({"x": 1}, ""),
    ],
)
def test_a_text_is_what_can_be_read_of_it(source: object, believed: str) -> None:
    assert one(source=source).source == believed


def test_a_cell_without_anything_is_an_empty_text() -> None:
    found = restore_notebook("sums.ipynb", [{}, *map(cell, ALL)], COURSE).cells[0]

    assert found == {"cell_type": "markdown", "id": "cell-0", "metadata": {}, "source": ""}


def test_of_a_code_cell_only_text_and_tags_are_believed() -> None:
    forged = {"outputs": [{"output_type": "stream"}], "execution_count": 7, "attachments": {}}

    found = one(id="mine", source="x", metadata={"tags": ["b", "a"], "trusted": True}, **forged)

    assert found == {
        "cell_type": "code",
        "id": "mine",
        "metadata": {"tags": ["a", "b"]},
        "source": "x",
        "execution_count": None,
        "outputs": [],
    }


@pytest.mark.parametrize(
    ("tags", "believed"),
    [
        (["b", "a", "b"], {"tags": ["a", "b"]}),
        (["a,b", "", 7, ["c"], "d"], {"tags": ["d"]}),
        ("abc", {}),
        (None, {}),
        ([], {"tags": []}),
    ],
)
def test_tags_are_texts_without_commas_each_once(tags: object, believed: dict[str, Any]) -> None:
    assert one(metadata={"tags": tags}).metadata == believed


@pytest.mark.parametrize("metadata", [None, 7, [], "tags", {"nbgrader": "ex_1"}])
@pytest.mark.parametrize("marks", [None, [], {"grade_id": 7}, {"grade_id": None}])
def test_metadata_of_another_kind_says_nothing(metadata: object, marks: object) -> None:
    for said in (metadata, {"nbgrader": marks}):
        assert one(metadata=said).metadata == {}


PICTURES = {"a.png": {"image/png": "AAAA"}, "b.png": {"image/png": "BBBB", "image/jpeg": "C"}}


def test_pictures_stay_in_text_alone() -> None:
    assert one(cell_type="markdown", attachments=PICTURES).attachments == PICTURES
    assert "attachments" not in one(cell_type="code", attachments=PICTURES)
    assert "attachments" not in one(cell_type="raw", attachments=PICTURES)


@pytest.mark.parametrize(
    "attachments",
    [
        None,
        [],
        "a.png",
        {"a.png": "AAAA"},
        {"a.png": {"image/png": ["AAAA"]}},
        PICTURES | {"c.png": {"image/png": 7}},
        PICTURES | {"c.png": {"image/png": "A", "image/jpeg": None}},
    ],
)
def test_pictures_of_another_form_are_left_out(attachments: object) -> None:
    assert "attachments" not in one(cell_type="markdown", attachments=attachments)


def ids(*wanted: object) -> list[str]:
    """Return the ids of cells of the student's own that came with these."""
    own = [{"id": name, "cell_type": "code", "source": "", "metadata": {}} for name in wanted]
    found = restore_notebook("sums.ipynb", [*own, *map(cell, ALL)], COURSE).cells
    assert len({c.id for c in found}) == len(found)
    return [c.id for c in found[: len(own)]]


def test_a_cells_id_stays_if_it_can_be_one() -> None:
    fit = ["a", "A-b_9", "x" * 64]

    assert ids(*fit) == fit
    assert ids("", "x" * 65, "a b", "a.b", None, 7, ["a"], "a\n") == [f"cell-{n}" for n in range(8)]


def test_no_two_cells_have_one_id() -> None:
    assert ids("a", "a", "b", "a") == ["a", "cell-1", "b", "cell-3"]
    assert ids("cell-2", "cell-2_", "cell-2") == ["cell-2", "cell-2_", "cell-2__"]


def test_a_cell_that_was_put_back_has_its_grade_id_for_an_id_unless_that_is_taken() -> None:
    taken = cell("a") | {"id": "test_ex_1"}

    found = restore_notebook(
        "sums.ipynb", [taken, *(cell(n) for n in ALL if "test" not in n)], COURSE
    )

    by_name = dict(zip(order(found), (c.id for c in found.cells), strict=True))
    assert by_name["test_ex_2"] == "test_ex_2"
    assert by_name["test_ex_1"] == "test_ex_1_"


def test_a_students_cells_without_the_courses_are_kept_in_front_of_its_tests() -> None:
    found = restore("a", "b")

    assert order(found)[:1] == ["imports"]
    assert [name for name in order(found) if name in ("a", "b")] == ["a", "b"]
    assert order(found)[-1] == "say_3"


def test_as_few_of_the_courses_cells_as_possible_are_moved() -> None:
    moved = ["imports", "ex_1", "test_ex_1", "data", "ex_2", "say_3", "test_ex_2", "task"]

    found = restore("task", *(name for name in moved if name != "task"))

    assert order(found) == ["imports", "ex_1", "test_ex_1", "data", "ex_2", "test_ex_2", "task",
                            "say_3"]  # fmt: skip
    assert found.notes == ("'sums.ipynb' had cells in another place: the check of 2, task.",)
