"""A notebook in another language is no silent 0: it is told, and nbgrader's own way works."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from classroom import AtOnce
from nbgrader.api import Gradebook

from nbjudge.course.cells import NotebookVersion
from nbjudge.course.course import Course
from nbjudge.exceptions import ReleaseError
from nbjudge.grading.batch import grade_assignment
from nbjudge.grading.rows import Status
from nbjudge.release.release import make_release

CONFIG = "from nbjudge.hooks import configure\nc = get_config()\nconfigure(c)\n"
#: What Jupyter knows it as. It understands Python, so that it can be tried here.
SPEC = {"name": "not-r", "display_name": "R", "language": "R"}


def cell(grade_id: str, text: str, *, grade: bool) -> Any:
    marks = {"grade_id": grade_id, "schema_version": 3, "task": False, "cell_type": "code"}
    marks |= {"grade": grade, "solution": not grade, "locked": grade}
    marks |= {"points": 2} if grade else {}
    return nbformat.v4.new_code_cell(text, metadata={"nbgrader": marks})  # type: ignore[no-untyped-call]


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """Return a course with a kernel of another language, in which ada is right and ben is not."""
    kernel = tmp_path / "jupyter" / "kernels" / "not-r"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({**SPEC, "argv": command}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    found = Course(tmp_path / "course")
    folder = found.root / "source" / "hw"
    folder.mkdir(parents=True)
    (found.root / "nbgrader_config.py").write_text(CONFIG)
    notebook = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=[
            cell("q", "### BEGIN SOLUTION\nx = 2\n### END SOLUTION", grade=False),
            cell("t", "assert x == 2", grade=True),
        ],
        metadata={"kernelspec": SPEC},
    )
    (folder / "a.ipynb").write_text(nbformat.writes(notebook))
    return found


@pytest.mark.slow
def test_another_language_is_told_at_release_and_graded_by_nbgrader_alone(course: Course) -> None:
    made = make_release(course, "hw")
    assert "'a.ipynb' is in R" in made.proof.faults["a"]["t"]
    for student, answer in (("ada", "x = 2"), ("ben", "x = 3")):
        folder = course.root / "submitted" / student / "hw"
        folder.parent.mkdir(parents=True)
        shutil.copytree(made.folder, folder)
        handed_in = nbformat.read(folder / "a.ipynb", 4)
        handed_in.cells[0].source = answer
        (folder / "a.ipynb").write_text(nbformat.writes(handed_in))

    rows = grade_assignment(course, "hw", get_pool=AtOnce())

    assert {row.status for row in rows} == {Status.NEEDS_A_PERSON}
    assert all("`nbgrader autograde` runs it" in " ".join(row.remarks) for row in rows)

    for student in ("ada", "ben"):
        result = course.api().autograde("hw", student, force=True)
        assert result["success"], result["log"]
        assert "'a.ipynb' is in R" in result["log"]
    with Gradebook(course.config().CourseDirectory.db_url) as gradebook:
        marks = {s: gradebook.find_submission("hw", s).score for s in ("ada", "ben")}
    assert marks == {"ada": 2, "ben": 0}


def test_a_kernel_that_is_not_installed_is_told(course: Course) -> None:
    known, unknown = (NotebookVersion("a", (), language="R", kernel=k) for k in ("not-r", "ir-4"))

    assert unknown.why_not_judged.startswith("'a.ipynb' is in R, which the judge does not speak: ")
    assert unknown.why_not_judged.endswith(
        ", once its kernel is installed here: Jupyter knows none called 'ir-4'"
    )
    assert known.why_not_judged.endswith(" with nothing to protect from it")


def test_a_language_whose_stub_is_not_set_is_told_with_the_setting(course: Course) -> None:
    path = course.root / "source" / "hw" / "a.ipynb"
    path.write_text(path.read_text().replace('"language": "R"', '"language": "bash"'))

    with pytest.raises(
        ReleaseError, match=r"in nbgrader_config\.py .* `c\.ClearSolutions\.code_stub"
    ):
        make_release(course, "hw")
