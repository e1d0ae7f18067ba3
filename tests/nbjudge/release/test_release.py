import base64
import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook

import nbjudge
from nbjudge.course.course import Course
from nbjudge.course.gradebook import marks_of_class, versions
from nbjudge.exceptions import CourseError, ReleaseError
from nbjudge.grading.solution_proof import digest, find, keep
from nbjudge.judge.plans import TestPlan
from nbjudge.release import release as making
from nbjudge.release import source
from nbjudge.release.dry_run import dry_run
from nbjudge.release.release import drift, make_release
from nbjudge.release.verify import verify_release

TINY = Path(__file__).parents[2] / "courses" / "tiny"


def tiny_course(folder):
    root = Path(shutil.copytree(TINY, folder)).resolve()
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("\nc.Plug.house_rules = True\n")
    return Course(root)


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def edited(path, edit):
    notebook = source.read_source(path)
    edit(notebook)
    path.write_text(source.notebook_text(notebook), encoding="utf-8", newline="\n")


def replaced(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8", newline="\n")


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The tiny course, released once; tests may read it."""
    course = tiny_course(tmp_path_factory.mktemp("course") / "tiny")
    make_release(course, "sums")
    return course


@pytest.fixture
def course(released, tmp_path):
    """A copy of the released course, with its gradebook, to spoil."""
    return Course(Path(shutil.copytree(released.root, tmp_path / "tiny")).resolve())


def sums(course, folder="release"):
    return course.root / folder / "sums" / "sums.ipynb"


# ---- What a release holds ----------------------------------------------------------------------


def test_students_get_the_modules_of_a_package_and_none_of_its_folders(released):
    package = Path(nbjudge.__file__).parent
    got = released.root / "release" / "sums" / "nbjudge"
    assert {p.name for p in got.iterdir()} == {p.name for p in package.glob("*.py")}


def test_an_exercise_to_repair_is_released_as_its_starter(released):
    starter = source.by_grade_id(source.read_source(sums(released)))["ex_1_1_2"].source
    assert starter.startswith("def mean(numbers):")
    assert starter.endswith("return sum(numbers) / count")


def test_the_readme_names_the_notebooks_and_what_to_hand_in(released):
    readme = (released.root / "release" / "sums" / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# Sums\n\n- `sums.ipynb`: Sums\n")
    assert "give back `sums.ipynb`" in readme


def test_releasing_again_changes_no_byte_and_no_cell_in_the_gradebook(course):
    first, cells = contents(course.root / "release"), versions(course, "sums")

    make_release(course, "sums")
    with_the_same_gradebook = contents(course.root / "release")
    assert versions(course, "sums") == cells
    (course.root / "gradebook.db").unlink()
    make_release(course, "sums")

    assert with_the_same_gradebook == first
    assert contents(course.root / "release") == first


def test_a_test_that_was_at_fault_is_tried_again_by_the_next_release(course):
    """What it lacked may have been installed since."""
    kept = find(course, "sums", digest(versions(course, "sums")))
    plans = {**kept.plans["sums"], "test_ex_1_1_2": TestPlan(fault="it lacks a module")}
    keep(course, "sums", replace(kept, plans={"sums": plans}))

    assert not any(make_release(course, "sums").proof.faults.values())


def test_nbgraders_own_command_makes_the_same_release(course):
    ours = contents(course.root / "release")
    shutil.rmtree(course.root / "release")

    nbgrader(course, "generate_assignment", "sums")

    assert contents(course.root / "release") == ours


def nbgrader(course, *arguments):
    """Run nbgrader's command in a course, as if its environment were not activated."""
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course.root,
        env={**os.environ, "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_unknown_assignment_is_refused_with_those_that_exist(released):
    with pytest.raises(CourseError, match=r"No assignment 'products'.*There is: sums"):
        make_release(released, "products")


# ---- What stands in the way of a release -------------------------------------------------------


def test_once_there_are_submissions_a_new_cell_is_refused_and_the_old_release_stays(course):
    before = contents(course.root / "release")
    with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}", "tiny") as book:
        book.add_student("ada")
        with warnings.catch_warnings(action="ignore"):
            book.add_submission("sums", "ada")
    new = {"grade": False, "grade_id": "new", "locked": True, "schema_version": 3,
           "solution": False}  # fmt: skip
    cell = new_code_cell("1", id="new", metadata={"nbgrader": new})
    edited(sums(course, "source"), lambda notebook: notebook.cells.append(cell))

    with pytest.raises(ReleaseError, match=r"submissions associated with it\. .*new gradebook\.db"):
        make_release(course, "sums")

    assert contents(course.root / "release") == before


def with_source(old, new):
    return lambda cell: cell.update(source=cell.source.replace(old, new))


WRITTEN = "When a few numbers are far from the rest, the mean stands where none of them is."
HINT = new_markdown_cell("Think of `return sum( numbers ) / len(numbers)`.", id="hint")
BAD_SOURCES = {
    "the solution in an untagged cell": (
        lambda nb: nb.cells.append(new_code_cell("x = 0\nx = x\nrunning=running+number", id="u")),
        r"cell 12 \('u'\) gives away the solution of 1.1.1 .*: running = running \+ number",
    ),
    "a line of it in Markdown": (
        lambda nb: nb.cells.append(HINT),
        r"cell 12 \('hint'\) gives away the solution of 1.1.2",
    ),
    "an attachment": (
        lambda nb: nb.cells[0].update(
            attachments={"a.svg": {"image/svg+xml": base64.b64encode(WRITTEN.encode()).decode()}}
        ),
        r"cell 1 \('title'\) gives away the solution of 1.1.3",
    ),
    "no points": (
        lambda nb: source.by_grade_id(nb)["test_ex_1_1_2"].metadata.nbgrader.update(points=0),
        r"cell 9 \('test_ex_1_1_2'\) is worth 0 points: give it points",
    ),
    "no hidden test": (
        lambda nb: source.by_grade_id(nb)["test_ex_1_1_2"].update(
            source="assert mean([2, 4]) == 3"
        ),
        r"cell 9 \('test_ex_1_1_2'\) has no hidden test",
    ),
    "another pattern of ids": (
        lambda nb: source.by_grade_id(nb)["test_ex_1_1_2"].metadata.nbgrader.update(
            grade_id="mean"
        ),
        r"cell 9 \('mean'\) is a test by another name",
    ),
}


@pytest.mark.parametrize(("spoil", "told"), BAD_SOURCES.values(), ids=BAD_SOURCES)
def test_a_source_is_refused_for_and_nothing_is_written(course, spoil, told):
    before = contents(course.root)
    edited(sums(course, "source"), spoil)

    with pytest.raises(ReleaseError, match=told):
        make_release(course, "sums")

    now = contents(course.root)
    assert [name for name in now.keys() | before if now.get(name) != before.get(name)] == [
        Path("source", "sums", "sums.ipynb")
    ]


def test_elsewhere_a_line_that_the_source_itself_shows_is_advice(course):
    """It is found in the release where the header of the course has pushed it."""
    settings = "c.Plug.house_rules = False\nc.IncludeHeaderFooter.header = 'source/header.ipynb'\n"
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write(settings)
    header = new_notebook(cells=[new_code_cell("return sum(numbers) / len(numbers)", id="top")])
    (course.root / "source" / "header.ipynb").write_text(source.notebook_text(header))
    shown = new_code_cell("running = 0\nrunning = running + number", id="shown")
    edited(sums(course, "source"), lambda nb: nb.cells.append(shown))

    made = make_release(course, "sums")

    assert made.shows_secrets
    assert made.advice == (
        "sums.ipynb, cell 1 ('top') shows a line that is also one of a solution, a hidden test or "
        "a mark scheme: return sum(numbers) / len(numbers). So does 1 more. See whether that gives "
        "an answer away; if not, leave it.",
    )


OWN_DELIMITERS = {
    "BEGIN SOLUTION": ("ClearSolutions.begin_solution_delimeter", "<answer>"),
    "END SOLUTION": ("ClearSolutions.end_solution_delimeter", "</answer>"),
    "BEGIN HIDDEN TESTS": ("ClearHiddenTests.begin_test_delimeter", "<unseen>"),
    "END HIDDEN TESTS": ("ClearHiddenTests.end_test_delimeter", "</unseen>"),
    "BEGIN MARK SCHEME": ("ClearMarkScheme.begin_mark_scheme_delimeter", "<scheme>"),
    "END MARK SCHEME": ("ClearMarkScheme.end_mark_scheme_delimeter", "</scheme>"),
}


@pytest.fixture
def delimited(tmp_path):
    """The tiny course with delimiters of its own, in its cells and its settings."""
    course = tiny_course(tmp_path / "tiny")
    with (course.root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        for usual, (setting, own) in OWN_DELIMITERS.items():
            config.write(f"c.{setting} = {own!r}\n")
            replaced(sums(course, "source"), usual, own)
    return course


def test_a_course_with_delimiters_of_its_own_is_released_as_any_other(delimited, released):
    before = sums(delimited, "source").read_bytes()

    made = make_release(delimited, "sums")

    assert sums(delimited).read_bytes() == sums(released).read_bytes()
    assert sums(delimited, "source").read_bytes() == before
    assert not any(made.proof.faults.values()) and not made.advice


def test_what_stands_between_delimiters_of_its_own_is_not_given_away(delimited):
    shown = new_code_cell("running = 0\nrunning = running + number", id="shown")
    edited(sums(delimited, "source"), lambda nb: nb.cells.append(shown))

    with pytest.raises(ReleaseError, match=r"gives away the solution of 1\.1\.1"):
        make_release(delimited, "sums")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "old", "new", "told"),
    [
        ("ex_1_1_1", "return running", "return running + 1", "1.*6|does not pass it"),
        (
            "test_ex_1_1_2",
            "### END",
            "from nbjudge.stand_ins.guard import ex_0\n### END",
            "ex_0",
        ),
        ("test_ex_1_1_2", "assert mean([7]) == 7", "assert 7 == 7", None),
    ],
    ids=["a solution that fails its test", "an examination that is not there", "a change"],
)
def test_a_solution_must_pass_its_tests(course, cell, old, new, told):
    before = contents(course.root / "release")
    edited(sums(course, "source"), lambda nb: with_source(old, new)(source.by_grade_id(nb)[cell]))

    if told is None:
        make_release(course, "sums")
        return
    with pytest.raises(ReleaseError, match=rf"cannot mark: the course's own solution .*{told}"):
        make_release(course, "sums")
    assert contents(course.root / "release") == before


def test_a_broken_starter_is_told_by_its_notebook_and_cell(course):
    replaced(sums(course, "source"), "### END STARTER", "# end of the starter")
    with pytest.raises(ReleaseError, match=r"sums\.ipynb: Cell 'ex_1_1_2' .*no 'END STARTER'"):
        make_release(course, "sums")


def append(name, text):
    def tamper(folder):
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)

    return tamper


def in_cell(name, **changes):
    def tamper(folder):
        edited(folder / "sums.ipynb", lambda nb: source.by_grade_id(nb)[name].update(changes))

    return tamper


def in_metadata(folder):
    scheme = {"note": "1 point: a few extreme numbers move the mean."}
    edited(folder / "sums.ipynb", lambda nb: nb.cells[0].metadata.update(scheme))


HIDDEN = 'assert total([]) == 0, "the sum of nothing is 0"'
LEAKS = {
    "a line of a solution in any file": (
        append("notes/tips.txt", "# running  =  running+number\n"),
        r"notes/tips.txt gives away the solution of 1.1.1 \(sums.ipynb\): running = ",
    ),
    "a solution left in its cell": (
        in_cell("ex_1_1_1", source="def total(numbers):\n    running = running + number"),
        r"sums.ipynb, cell 4 \('ex_1_1_1'\) gives away the solution of 1.1.1",
    ),
    "a hidden test in an output": (
        in_cell("set-up", outputs=[new_output("stream", text=HIDDEN)]),
        r"sums.ipynb, cell 2 \('set-up'\) gives away a hidden test of 1.1.1",
    ),
    "a mark scheme in metadata": (in_metadata, "gives away the mark scheme of 1.1.3"),
    "a written answer": (
        append("README.md", WRITTEN),
        "README.md gives away the solution of 1.1.3",
    ),
    "a marker": (append("README.md", "### END HIDDEN TESTS"), "still has 'END HIDDEN TESTS'"),
    "a folder of a package": (
        append("nbjudge/judge/__init__.py", ""),
        "nbjudge/judge/ is a folder of nbjudge",
    ),
    "an import of the course's own modules": (
        append("nbjudge/checks.py", "\nfrom nbjudge import seeds, judge\n"),
        "checks.py mentions a module that students do not have: .*judge",
    ),
    "a relative import of the course's own modules": (
        append("nbjudge/checks.py", "\nfrom .course import course\n"),
        "checks.py mentions a module that students do not have: from .course",
    ),
    "a callable that is an answer": (
        append("nbjudge/seeds.py", "\n\ndef _added(numbers):\n    return sum(numbers)\n"),
        r"`_added` \(nbjudge/seeds.py\) is an answer to 1\.1\.1",
    ),
    "a missing file": (
        lambda folder: (folder / "README.md").unlink(),
        "README.md is missing",
    ),
    "outputs": (in_cell("set-up", execution_count=3), "has outputs or execution counts"),
    "another cell id": (in_cell("set-up", id="other"), "has other cell ids than its source"),
    "another form of the file": (append("sums.ipynb", "\n"), "not written in sorted"),
    "a stub that does not name its function": (
        in_cell("ex_1_1_1", source="raise NotImplementedError()"),
        r"cell 4 \('ex_1_1_1'\) does not name 'total'",
    ),
    "a stub with other arguments": (
        in_cell("ex_1_1_1", source="def total(values): ..."),
        r"cell 4 \('ex_1_1_1'\) has total\(values\), its solution \(numbers\)",
    ),
    "a stub that is not Python": (
        in_cell("ex_1_1_1", source="def total(numbers)"),
        r"cell 4 \('ex_1_1_1'\) is not Python",
    ),
    "a starter that was lost": (
        in_cell("ex_1_1_2", source="def mean(numbers): ..."),
        r"cell 8 \('ex_1_1_2'\) is not its starter",
    ),
}


@pytest.mark.parametrize(("tamper", "told"), LEAKS.values(), ids=LEAKS)
def test_a_release_is_refused_for(course, tamper, told):
    tamper(course.root / "release" / "sums")
    with pytest.raises(ReleaseError, match=told) as refusal:
        verify_release(course, "sums")
    assert "must not go out" in str(refusal.value)


def test_lines_that_tell_nothing_and_lines_of_the_open_source_are_no_secrets(course):
    tamper = append(
        "README.md", "return running\ndef total(numbers):\nimport math\nrunning = 0.0\n"
    )
    tamper(course.root / "release" / "sums")
    verify_release(course, "sums")


def test_everything_found_is_told_at_once(course):
    folder = course.root / "release" / "sums"
    append("README.md", "### END SOLUTION")(folder)
    append("nbjudge/judge/right.py", "")(folder)
    with pytest.raises(ReleaseError) as refusal:
        verify_release(course, "sums")
    assert str(refusal.value).count("\n  - ") == 2


# ---- Drift -------------------------------------------------------------------------------------


def test_a_release_that_was_just_made_has_not_drifted(released):
    assert drift(released) == []


def test_drift_names_every_file_and_leaves_the_course_alone(course):
    folder = course.root / "release" / "sums"
    replaced(sums(course, "source"), "1 + 2 + 3 is 6", "one and two and three is six")
    (folder / "README.md").unlink()
    (folder / "extra.txt").write_text("x", encoding="utf-8")
    before = contents(course.root)

    assert drift(course) == [
        "release/sums/README.md is missing",
        "release/sums/extra.txt should not be there",
        "release/sums/sums.ipynb differs from what source/ gives",
    ]
    assert contents(course.root) == before


# ---- A student's first run ---------------------------------------------------------------------


@pytest.mark.slow
def test_an_untouched_release_runs_with_nothing_but_missing_answers(released):
    verify_release(released, "sums", run=True)


@pytest.mark.slow
def test_errors_that_no_missing_answer_explains_are_told(course):
    cells = {
        "typo": "print(totale([1]))",
        "typo-beside-an-answer": "print(total, totale)",
        "excused": "result = total([1])",
        "excused-too": "print(result)",
        "import": "total\nimport nbjudge.judge",
        "syntax": "total(",
        "not-ours": "raise NotImplementedError()",
        "fine": "print(math.pi)",
    }
    added = [new_code_cell(text, id=name) for name, text in cells.items()]
    edited(sums(course), lambda notebook: notebook.cells.extend(added))
    found = dry_run(
        course.root / "release" / "sums",
        {"sums.ipynb": source.read_source(sums(course, "source"))},
        course.plug,
    )

    told = [finding.split("'")[1] for finding in found]
    assert told == ["typo", "typo-beside-an-answer", "import", "syntax", "not-ours"]


@pytest.mark.slow
def test_a_release_without_its_own_package_is_told(course):
    shutil.rmtree(course.root / "release" / "sums" / "nbjudge")
    found = dry_run(
        course.root / "release" / "sums",
        {"sums.ipynb": source.read_source(sums(course, "source"))},
        course.plug,
    )
    assert len(found) == 1
    assert "imports nbjudge from" in found[0]


def test_a_test_that_borrows_a_name_is_told(course):
    replaced(sums(course, "source"), '"import math\\n",\n    "\\n",\n    "assert', '"assert')

    with pytest.raises(
        ReleaseError, match=r"cell 5 \('test_ex_1_1_1'\) uses 'math'.*import it there"
    ):
        verify_release(course, "sums")


# ---- What has not changed ----------------------------------------------------------------------


class MadeAnew(ReleaseError):
    """The release would be made anew."""


def made_anew(*_):
    raise MadeAnew


def test_what_has_not_changed_is_not_made_again_and_tells_the_same(course, monkeypatch):
    first = make_release(course, "sums")
    monkeypatch.setattr(making, "generate", made_anew)

    assert make_release(course, "sums") == first


def stray(name):
    return lambda course: course.root.joinpath(name).write_text("x", encoding="utf-8")


def remove(name):
    def change(course):
        path = course.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


CHANGED = {
    "its source": lambda c: replaced(sums(c, "source"), "# A bar", "# The bar"),
    "a file beside its source": stray("source/sums/numbers.csv"),
    "a file for all sources": stray("source/header.ipynb"),
    "the settings": lambda c: replaced(c.root / "nbgrader_config.py", "True", "True  #"),
    "a released notebook": lambda c: replaced(sums(c), "# A bar", "# The bar"),
    "a stray file in the release": stray("release/sums/notes.txt"),
    "a deleted file of the release": remove("release/sums/README.md"),
    "no release": remove("release/sums"),
    "no gradebook": remove("gradebook.db"),
    "no proof": remove(".course_proofs/sums.json"),
    "no record": remove(".course_proofs/.sums.released"),
    "a damaged record": stray(".course_proofs/.sums.released"),
}


@pytest.mark.parametrize("change", CHANGED)
def test_what_has_changed_is_made_anew(course, monkeypatch, change):
    make_release(course, "sums")
    CHANGED[change](course)
    monkeypatch.setattr(making, "generate", made_anew)

    with pytest.raises(MadeAnew):
        make_release(course, "sums")


@pytest.mark.parametrize("name", ["grader_version", "installed_version"])
def test_other_code_makes_it_anew(course, monkeypatch, name):
    make_release(course, "sums")
    monkeypatch.setattr(making, "generate", made_anew)
    monkeypatch.setattr(making, name, lambda _: "another")

    with pytest.raises(MadeAnew):
        make_release(course, "sums")


def test_a_changed_module_of_the_judge_makes_it_anew(course, monkeypatch, tmp_path):
    folder = Path(shutil.copytree(Path(nbjudge.__file__).parent, tmp_path / "nbjudge"))
    monkeypatch.setattr(making, "package_folder", lambda _: folder)
    make_release(course, "sums")
    monkeypatch.setattr(making, "generate", made_anew)
    assert make_release(course, "sums").files

    (folder / "release" / "leaks.py").write_text("", encoding="utf-8")

    with pytest.raises(MadeAnew):
        make_release(course, "sums")


# ---- The settings, under nbgrader's own autograder ---------------------------------------------


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """A course in which nbgrader marked a whole folder, handed in with odd things in it."""
    course = tiny_course(tmp_path_factory.mktemp("marked") / "tiny")
    replaced(
        sums(course, "source"),
        '"assert total([]) == 0,',
        '"import numpy, nbjudge.judge\\n",\n'
        "    \"import os; assert os.environ['COURSE_QUICK'] == '1'\\n\",\n"
        '    "assert total([]) == 0,',
    )
    make_release(course, "sums")
    folder = course.root / "submitted" / "ada" / "sums"
    shutil.copytree(course.root / "release" / "sums", folder)
    (folder / "numpy.py").write_text("raise SystemExit", encoding="utf-8")

    def answer(notebook):
        notebook.update(source.answer(notebook, source.read_source(sums(course, "source"))))
        cells = source.by_grade_id(notebook)
        cells["ex_1_1_1"].source += (
            "\nimport sys, warnings\nplain = total\n"
            "def total(numbers):\n    warnings.warn('slow')\n    print('hm', file=sys.stderr)\n"
            "    return plain(numbers)\n"
        )
        notebook.cells.remove(cells["test_ex_1_1_2"])

    edited(folder / "sums.ipynb", answer)
    result = course.api().autograde("sums", "ada")
    assert result["success"], result
    return course


def points(course, exercise):
    [ada] = marks_of_class(course, "sums")
    return {mark.exercise: mark.points for mark in ada.marks}[exercise]


@pytest.mark.slow
def test_warnings_and_a_handed_in_numpy_and_nbjudge_cost_no_marks(marked):
    assert points(marked, "1.1.1") == 2


@pytest.mark.slow
def test_a_deleted_test_cell_comes_back_and_marks(marked):
    assert points(marked, "1.1.2") == 3


@pytest.mark.slow
def test_who_marks_a_written_answer_has_its_mark_scheme_above_it(marked):
    graded = source.read_source(marked.root / "autograded" / "ada" / "sums" / "sums.ipynb")
    assert "an example, such as incomes" in source.by_grade_id(graded)["task_1_1_3"].source
    assert "incomes" not in sums(marked).read_text(encoding="utf-8")


@pytest.mark.slow
def test_validate_tells_a_right_notebook_from_an_untouched_one(course):
    untouched = nbgrader(course, "validate", str(sums(course)))
    solved = nbgrader(course, "validate", str(sums(course, "source")))
    assert "VALIDATION FAILED ON 3 CELL(S)" in untouched
    assert "Success! Your notebook passes all the tests." in solved
