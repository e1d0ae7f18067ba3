"""From any bytes to a notebook that the course can grade, and the same one from that again."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from classroom import BAD_INPUT, SCENARIOS, answered, released_course
from nbformat import NotebookNode

from nbjudge.course.cells import NotebookVersion
from nbjudge.course.course import Course
from nbjudge.course.gradebook import versions
from nbjudge.exceptions import SubmissionError
from nbjudge.intake import sanitise
from nbjudge.intake.sanitise import KERNELSPEC, Sanitised, sanitise_notebook
from nbjudge.release import source

GRADED = [
    name
    for name, outcome in SCENARIOS.items()
    if outcome["score"] is not None and (BAD_INPUT / name / "handed_in/sums/sums.ipynb").exists()
]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return released_course(tmp_path_factory.mktemp("sanitise") / "course")


@pytest.fixture(scope="module")
def version(course: Course) -> NotebookVersion:
    return versions(course, "sums")["sums"]


def content(scenario: str) -> bytes:
    return (BAD_INPUT / scenario / "handed_in" / "sums" / "sums.ipynb").read_bytes()


def written(found: Sanitised) -> bytes:
    text: str = nbformat.writes(found.notebook)  # type: ignore[no-untyped-call]
    return text.encode()


@pytest.mark.parametrize("scenario", GRADED)
def test_what_can_be_graded_becomes_a_valid_notebook_of_the_newest_format(
    version: NotebookVersion, scenario: str
) -> None:
    notebook = sanitise_notebook(content(scenario), version).notebook

    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata == {"kernelspec": KERNELSPEC}
    here = source.by_grade_id(notebook)
    for cell in version.cells:
        assert cell.grade_id in here or not (cell.grade or cell.locked)
        if cell.grade_id in here:
            assert here[cell.grade_id].metadata.nbgrader == cell.metadata
            assert cell.solution or here[cell.grade_id].source == cell.source


@pytest.mark.parametrize("scenario", GRADED)
def test_sanitising_twice_changes_nothing_more(version: NotebookVersion, scenario: str) -> None:
    once = sanitise_notebook(content(scenario), version)

    twice = sanitise_notebook(written(once), version)

    assert written(twice) == written(once)
    assert not any("old notebook format" in note for note in twice.notes)


def test_the_same_bytes_give_the_same_bytes(version: NotebookVersion) -> None:
    first, second = (sanitise_notebook(content("format_4_0"), version) for _ in "12")

    assert written(first) == written(second)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", r"'sums\.ipynb' is empty"),
        (b" \n\t ", r"'sums\.ipynb' is empty"),
        (b"\xff\xfe{", "is not text"),
        (b'{\n"cells": [\n', "not JSON from line 3 on"),
        (b"[" * 100_000, "not JSON"),
        (b"7", "is JSON, but no notebook"),
        (b'{"nbformat": "4"}', "is JSON, but no notebook"),
        (b'{"nbformat": 99, "cells": []}', "newer than this course's"),
        (b'{"nbformat": 3, "worksheets": 7}', "cannot be upgraded"),
        (b'{"nbformat": 4, "cells": {}}', "has no list of cells"),
        (b'{"nbformat": 4, "cells": [7]}', "has no list of cells"),
        (b'{"nbformat": 4}', "has no list of cells"),
        (b'{"nbformat": 4, "cells": ' + b"9" * 5000 + b"}", "is not JSON that can be read"),
    ],
)
def test_what_is_no_notebook_is_told_in_a_sentence(
    version: NotebookVersion, content: bytes, problem: str
) -> None:
    with pytest.raises(SubmissionError, match=problem) as told:
        sanitise_notebook(content, version)

    assert "\n" not in str(told.value)


def test_a_mark_of_the_byte_order_at_the_start_is_no_fault(
    course: Course, version: NotebookVersion
) -> None:
    plain = source.notebook_text(answered(course)).encode()

    assert written(sanitise_notebook(b"\xef\xbb\xbf" + plain, version)) == written(
        sanitise_notebook(plain, version)
    )


def test_an_old_format_is_upgraded_and_noted(version: NotebookVersion) -> None:
    found = sanitise_notebook(content("format_3"), version)

    assert found.notes[0] == "'sums.ipynb' is of the old notebook format 3; it was upgraded."


def changed(notebook: NotebookNode, cell_id: str, **content: Any) -> bytes:
    (cell,) = (cell for cell in notebook.cells if cell.id == cell_id)
    cell.update(content)
    # Not by nbformat, which would repair what is wrong with it.
    return json.dumps(notebook).encode()


def test_a_picture_in_a_written_answer_stays(course: Course, version: NotebookVersion) -> None:
    picture = {"sketch.png": {"image/png": "AAAA"}}

    found = sanitise_notebook(changed(answered(course), "ex_1_1_3", attachments=picture), version)

    assert source.by_grade_id(found.notebook)["ex_1_1_3"].attachments == picture


def test_outputs_that_came_are_not_believed(course: Course, version: NotebookVersion) -> None:
    forged = {"output_type": "execute_result", "data": {"text/plain": "2"}, "metadata": {}}

    found = sanitise_notebook(changed(answered(course), "test_ex_1_1_1", outputs=[forged]), version)

    assert all(cell.get("outputs", []) == [] for cell in found.notebook.cells)


def test_what_is_missing_or_moved_is_noted_with_the_notebooks_name(
    version: NotebookVersion,
) -> None:
    found = sanitise_notebook(content("deleted_cells"), version)

    assert found.problems == ()
    assert any(note.startswith("'sums.ipynb' lacked cells") for note in found.notes)


def test_lost_ids_are_a_problem_for_a_person(version: NotebookVersion) -> None:
    found = sanitise_notebook(content("stripped_metadata"), version)

    assert "the nbgrader metadata is lost" in found.problems[0]


def test_a_file_whose_values_would_fill_memory_is_not_parsed(
    version: NotebookVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sanitise, "MAX_JSON_VALUES", 1000)
    monkeypatch.setattr(sanitise.json, "loads", lambda *_: pytest.fail("it was parsed"))

    with pytest.raises(SubmissionError, match=r"'sums\.ipynb' holds more than 1,000 values\. Ask"):
        sanitise_notebook(b"[" + b"[]," * 1000 + b"[]]", version)


def test_a_notebook_of_too_many_cells_is_refused(
    version: NotebookVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sanitise, "MAX_CELLS", 10)
    cells = [{"cell_type": "markdown", "metadata": {}, "source": ""}] * 11
    notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}

    with pytest.raises(SubmissionError, match="more than 10 cells"):
        sanitise_notebook(json.dumps(notebook).encode(), version)
