"""Grading a notebook with real kernels: what a cell or an answer can do to the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_core.utils import run_sync
from nbformat import NotebookNode

from course_utils.autograde.grade import Graded, _Run, grade_notebook
from course_utils.autograde.kernels import Session
from course_utils.autograde.limits import Limits
from course_utils.autograde.workplace import environment

pytestmark = pytest.mark.slow

LIMITS = Limits(cell_seconds=3, call_seconds=3, output_bytes=2**20)


def notebook(*sources: str) -> NotebookNode:
    """Return a notebook; a source that starts with `# test 1.1` is the test of that exercise."""
    cells = []
    for source in sources:
        cell = nbformat.v4.new_code_cell(source)  # type: ignore[no-untyped-call]
        if source.startswith("# test"):
            name = f"test_ex_{source.split()[2].replace('.', '_')}"
            cell.metadata.nbgrader = {"grade": True, "solution": False, "points": 2.0}
            cell.metadata.nbgrader["grade_id"] = name
        cells.append(cell)
    return nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call, no-any-return]


def grade(*sources: str, limits: Limits = LIMITS, **settings: Any) -> Graded:
    return grade_notebook(notebook(*sources), limits=limits, **settings)


def marks(graded: Graded) -> dict[str, float]:
    return {name.removeprefix("test_ex_"): v.mark for name, v in graded.verdicts.items()}


def shown(cell: NotebookNode) -> str:
    """Return all text of a cell's outputs."""
    return " ".join(
        out.get("text") or out.get("evalue") or out.get("data", {}).get("text/plain", "")
        for out in cell.outputs
    )


FIRST = ("def double(x):\n    return 2 * x", "# test 1.1\nassert double(4) == 8, 'no double'")
LAST = ("def half(x):\n    return x / 2", "# test 1.2\nassert half(double(3)) == 3")
NEXT = ("def half(x):\n    return x / 2", "# test 1.3\nassert half(3) == 1.5")


def test_cells_run_in_the_kernel_and_tests_do_not() -> None:
    look = "import sys\nprint('In' in dir(), 'no ' 'double' in str(In), 'pytest' in sys.modules)"

    graded = grade(*FIRST, *LAST, look)

    assert marks(graded) == {"1_1": 2, "1_2": 2}
    assert shown(graded.notebook.cells[-1]) == "True False False\n"
    assert [cell.execution_count for cell in graded.notebook.cells] == [1, 2, 3, 4, 5]


def test_a_wrong_answer_gets_the_message_of_its_test() -> None:
    graded = grade("def double(x):\n    return x", FIRST[1])

    assert marks(graded) == {"1_1": 0}
    (output,) = graded.notebook.cells[1].outputs
    assert (output.output_type, output.evalue) == ("error", "✗ Exercise 1.1: no double.")
    assert output.traceback == [output.evalue]


def test_a_part_of_the_marks_is_told_as_nbgrader_reads_it() -> None:
    graded = grade("x = 1", "# test 1.1\nx * 0.5")

    kinds = [out.output_type for out in graded.notebook.cells[1].outputs]
    assert kinds == ["stream", "execute_result"]
    assert "0.5 of 2 points" in shown(graded.notebook.cells[1])
    assert graded.notebook.cells[1].outputs[1].data["text/plain"] == "0.5"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("import os\ndef double(x):\n    os._exit(3)", "the kernel died"),
        ("import os\ndef double(x):\n    os.kill(os.getpid(), 9)", "the kernel died"),
        ("def double(x):\n    while True:\n        pass", "no result came within 3 s"),
        ("import ctypes\ndef double(x):\n    ctypes.string_at(0)", "the kernel died"),
        (
            "def double(x):\n    while True:\n        print('x' * 100_000, flush=True)",
            "it wrote more than 1 MB",
        ),
    ],
)
def test_a_fatal_answer_costs_its_exercise_and_no_other(answer: str, why: str) -> None:
    graded = grade("base = 10", answer, FIRST[1], *NEXT, "print(base)")

    assert marks(graded) == {"1_1": 0, "1_3": 2}
    assert shown(graded.notebook.cells[-1]) == "10\n"
    assert graded.remarks == (f"1.1 was stopped in its test: {why}.",)
    assert why in graded.verdicts["test_ex_1_1"].reason


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("import os\nos._exit(0)", "the kernel died"),
        ("while True:\n    pass", "it ran longer than 3 s"),
        (
            "while True:\n    try:\n        while True:\n            pass\n"
            "    except KeyboardInterrupt:\n        pass",
            "could not be stopped",
        ),
        ("while True:\n    print('x' * 10_000)", "it wrote more than 1 MB"),
    ],
)
def test_a_fatal_cell_is_left_out_and_the_rest_is_graded(cell: str, why: str) -> None:
    graded = grade(*FIRST, cell, *LAST)

    assert marks(graded) == {"1_1": 2, "1_2": 2}
    (remark,) = graded.remarks
    assert why in remark
    assert why in shown(graded.notebook.cells[2])


def test_a_kernel_that_ends_between_two_cells_is_replaced_and_nobody_is_blamed() -> None:
    answer, test = notebook(*FIRST).cells
    run = _Run({}, LIMITS)
    run.execute(answer)

    assert run._session is not None
    run_sync(run._session._manager.shutdown_kernel)(now=True)
    verdict = run.judged(test)
    run.end()

    assert verdict.mark == 2
    assert run.remarks == ["A kernel ended between two cells, and was replaced."]


def test_a_notebook_that_loses_every_kernel_ends() -> None:
    dies = "import os\ndef double(x):\n    os._exit(3)"
    tests = [f"# test 1.{n}\nassert double(4) == 8" for n in range(1, 6)]

    graded = grade(dies, *tests, limits=replace(LIMITS, new_kernels=2))

    assert set(marks(graded).values()) == {0}
    assert "lost its kernel 3 times" in graded.verdicts["test_ex_1_5"].reason


def test_a_notebook_that_runs_too_long_ends() -> None:
    graded = grade(*FIRST, *LAST, limits=replace(LIMITS, notebook_seconds=0))

    assert set(marks(graded).values()) == {0}
    assert "ran longer than 0 s" in graded.verdicts["test_ex_1_1"].reason


def test_a_name_that_is_redefined_after_its_test_keeps_its_mark() -> None:
    graded = grade(*FIRST, "def double(x):\n    return 0", *NEXT, "del double")

    assert marks(graded) == {"1_1": 2, "1_3": 2}


def test_regrading_gives_the_same_to_the_last_digit() -> None:
    sources = (
        "import random\nseed = random.random()\ndef draw():\n    return seed, random.random()",
        "# test 1.1\nfrom course_utils.seeds import generator as g\nprint(draw(), g('').random())",
    )

    first, again = (grade(*sources, ingredients=("secret", "sums", "ada")) for _ in "12")

    assert shown(first.notebook.cells[1]) == shown(again.notebook.cells[1])
    other = grade(*sources, ingredients=("secret", "sums", "bob"))
    assert shown(other.notebook.cells[1]) != shown(first.notebook.cells[1])


def test_cells_with_the_skipped_tag_are_not_run() -> None:
    skipped = notebook("print(1)", *FIRST)
    skipped.cells[0].metadata.tags = ["display"]

    graded = grade_notebook(skipped, skipped="display", limits=LIMITS)

    assert graded.notebook.cells[0].outputs == []
    assert marks(graded) == {"1_1": 2}


def test_the_notebook_that_was_given_is_not_changed() -> None:
    given = notebook(*FIRST)
    before = nbformat.writes(given)  # type: ignore[no-untyped-call]

    grade_notebook(given, limits=LIMITS)

    assert nbformat.writes(given) == before  # type: ignore[no-untyped-call]


def test_outputs_that_are_none_of_jupyters_are_dropped() -> None:
    forges = (
        "from ipykernel.kernelapp import IPKernelApp\nkernel = get_ipython().kernel\n"
        "def send(kind, content):\n"
        "    kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent())\n"
        "send('stream', {'name': 'stdout', 'text': {'a': 1}})\n"
        "send('display_data', {'data': 7, 'metadata': []})\n"
        "send('comm_open', {'target_name': 'jupyter.widget', 'data': 3})\n"
        "print('still here')"
    )

    graded = grade(forges, *FIRST)

    assert marks(graded) == {"1_1": 2}
    nbformat.validate(graded.notebook)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("beside")
    (folder / "points.csv").write_text("1,2\n")
    started = Session(Limits(), {"data/points.csv": folder / "points.csv"})
    yield started
    started.close()


@pytest.fixture
def says(session: Session) -> Any:
    """Return a function that runs code in the kernel and returns what it prints."""

    def run(code: str) -> str:
        (cell,) = notebook(code).cells
        session.run(cell)
        return shown(cell).strip()

    return run


def test_the_working_folder_holds_the_data_files_and_nothing_else(says: Any) -> None:
    listed = "import os\nprint([os.path.join(f, n) for f, _, ns in os.walk('.') for n in ns])"

    assert says(listed) == "['./data/points.csv']"


@pytest.mark.parametrize("name", ["reference", "reference.mlp", "autograde", "instructor.cli"])
def test_what_is_the_courses_cannot_be_imported(says: Any, name: str) -> None:
    assert "No module named" in says(f"import course_utils.{name}")


def test_the_students_modules_can_be_imported(says: Any) -> None:
    code = "from course_utils import checks, data, plots, probes\nprint(checks.__name__)"

    assert says(code) == "course_utils.checks"


def test_nothing_names_the_course(says: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import course_utils

    root = Path(course_utils.__file__).parents[1]
    named = (
        "import os, sys\n"
        "told = [*os.environ.values(), *sys.argv, os.getcwd(), *sys.path]\n"
        f"print([t for t in told if t.rstrip('/') == {str(root)!r} or 'gradebook' in t])"
    )

    assert says(named) == "[]"
    monkeypatch.setenv("COURSE_SECRET", "top secret")
    given = environment("/home/student")
    assert "top secret" not in given.values()
    assert not given.keys() & {"USER", "PYTHONPATH", "VIRTUAL_ENV", "JPY_API_TOKEN"}


def test_a_file_beside_the_notebook_stands_for_no_module(tmp_path: Path) -> None:
    for name in ("math.json", "numpy.txt"):
        (tmp_path / name).write_text("raise SystemExit")
    session = Session(LIMITS, {"numpy.py": tmp_path / "numpy.txt"})
    (cell,) = notebook("import numpy\nprint(numpy.__name__, numpy.pi)").cells
    session.run(cell)
    session.close()

    assert "3.14159" in shown(cell)
