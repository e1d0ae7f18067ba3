"""Which packages the tests of a notebook stand on."""

from __future__ import annotations

from importlib import metadata

from nbjudge.course.cells import CourseCell, NotebookVersion
from nbjudge.trial.installed import NOT_INSTALLED, installed_packages


def version(*sources: str, language: str = "", imports: tuple[str, ...] = ()) -> NotebookVersion:
    cells = tuple(
        CourseCell(
            grade_id=f"test_{number}",
            cell_type="code",
            source=source,
            points=1.0,
            grade=True,
            solution=False,
            locked=True,
            task=False,
        )
        for number, source in enumerate(sources)
    )
    return NotebookVersion("own", cells, language=language, imports=imports)


def test_packages_are_known_by_their_modules() -> None:
    own = version("import numpy.testing as t, os", "from PIL import Image\n%timeit 1")

    found = installed_packages([own], known={"os"})

    assert found == {"PIL": metadata.version("pillow"), "numpy": metadata.version("numpy")}


def test_what_is_not_installed_has_no_version() -> None:
    assert installed_packages([version("import helpers_of_this_course")]) == {
        "helpers_of_this_course": NOT_INSTALLED
    }


def test_a_module_from_nowhere_is_no_package() -> None:
    assert installed_packages([version("import __main__")]) == {"__main__": NOT_INSTALLED}


def test_what_students_cells_import_counts_and_other_languages_do_not() -> None:
    own = version(imports=("import numpy",))
    other = version("import pandas", language="R")

    assert list(installed_packages([own, other])) == ["numpy"]
