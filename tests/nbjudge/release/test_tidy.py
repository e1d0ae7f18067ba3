import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from nbjudge.release import source
from nbjudge.release.tidy import tidy_notebook, untidy

TINY = Path(__file__).parents[2] / "courses" / "tiny" / "source" / "sums" / "sums.ipynb"


@pytest.fixture
def path(tmp_path):
    return Path(shutil.copy(TINY, tmp_path))


def edited(path, edit):
    notebook = source.read_source(path)
    edit(notebook)
    path.write_text(source.notebook_text(notebook), encoding="utf-8", newline="\n")


def run_by_an_editor(notebook):
    notebook.metadata.language_info.version = "3.12.1"
    notebook.metadata["widgets"] = {"state": {}}
    cell = notebook.cells[1]
    cell.execution_count = 4
    cell.outputs = [new_output("stream", text="hello")]
    cell.metadata["execution"] = {"iopub.status.busy": "2024-01-01"}


def test_the_committed_form_is_left_byte_for_byte(path):
    before = path.read_bytes()
    assert tidy_notebook(path) is False
    assert path.read_bytes() == before
    assert untidy(path) == []


def test_what_an_editor_leaves_behind_is_told_and_removed(path):
    edited(path, run_by_an_editor)

    told = "\n".join(untidy(path))
    assert "the notebook's metadata" in told
    assert "cell 2 ('set-up') has outputs or an execution count" in told
    assert "cell 2 ('set-up') has metadata that the course does not use: execution" in told

    assert tidy_notebook(path) is True
    assert path.read_bytes() == TINY.read_bytes()


def test_another_indentation_is_told_and_mended(path):
    path.write_text(path.read_text(encoding="utf-8").replace("\n ", "\n  "), encoding="utf-8")
    assert untidy(path) == ["the file is not written in sorted, indented JSON"]
    assert tidy_notebook(path) is True
    assert path.read_bytes() == TINY.read_bytes()


def test_a_cell_of_nbgraders_has_its_grade_id_for_id(path):
    edited(path, lambda notebook: notebook.cells[1].update(id="a1b2c3d4"))
    assert untidy(path) == ["cell 2 ('set-up') has the id 'a1b2c3d4'"]
    tidy_notebook(path)
    assert source.read_source(path).cells[1].id == "set-up"


def test_missing_doubled_and_colliding_ids_are_replaced_by_stable_unique_ones(path):
    def spoil(notebook):
        del notebook.cells[0]["id"]
        notebook.cells[2]["id"] = "ex_1_1_1"
        notebook.cells += [
            new_markdown_cell("same", id="twin"),
            new_markdown_cell("same", id="twin"),
        ]

    edited(path, spoil)
    again = Path(shutil.copy(path, path.with_name("again.ipynb")))

    tidy_notebook(path)
    tidy_notebook(again)

    ids = [cell.id for cell in source.read_source(path).cells]
    assert len(set(ids)) == len(ids)
    assert "twin" in ids
    assert path.read_bytes() == again.read_bytes()
    nbformat.validate(source.read_source(path))


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("test_ex_1_1_1", {"locked": False}, "is a test and must be locked"),
        ("test_ex_1_1_1", {"points": None}, "is graded and has no points"),
        ("test_ex_1_1_1", {"schema_version": 2}, "schema_version 3"),
        ("ex_1_1_1", {"locked": True}, "is an answer and must not be locked"),
        ("ex_1_1_1", {"points": 2}, "the points belong to the test"),
        ("ex_1_1_1", {"grade_id": "ex_1_1_2"}, "the grade_id 'ex_1_1_2' is used 2 times"),
        ("ex_1_1_1", {"grade_id": ""}, "has no grade_id"),
        ("ex_1_1_3", {"grade": False}, "is text, so it is a written answer"),
        ("set-up", {"locked": False}, "is neither test, answer nor locked"),
    ],
)
def test_metadata_that_break_the_contract_are_told(path, name, change, told):
    edited(path, lambda nb: source.by_grade_id(nb)[name].metadata.nbgrader.update(change))
    assert told in "\n".join(untidy(path))


def test_a_displayed_cell_may_not_be_nbgraders(path):
    edited(path, lambda nb: nb.cells[1].metadata.update(tags=["display"]))
    assert untidy(path) == [
        "cell 2 ('set-up') is tagged display, so it may not be a cell of nbgrader's"
    ]


def test_a_region_in_a_cell_that_nbgrader_does_not_keep_is_told(path):
    edited(path, lambda nb: nb.cells[0].update(source="### BEGIN MARK SCHEME\n### END MARK SCHEME"))
    assert untidy(path) == ["cell 1 ('title') has 'BEGIN MARK SCHEME' and is no cell of nbgrader's"]


def test_an_unclosed_region_is_told(path):
    cell = new_code_cell("### BEGIN SOLUTION", id="ex_9")
    cell.metadata["nbgrader"] = {
        "grade": False, "grade_id": "ex_9", "locked": False, "schema_version": 3, "solution": True,
    }  # fmt: skip
    edited(path, lambda nb: nb.cells.append(cell))
    assert "Cell 'ex_9' has 'BEGIN SOLUTION' and no 'END SOLUTION'" in untidy(path)[0]
