"""What a test finds of the rest of its notebook."""

from __future__ import annotations

import pytest

from nbjudge.course.cells import CourseCell, NotebookVersion, imports_of
from nbjudge.judge.surroundings import Surroundings, surroundings_of


def test_of(source: str, name: str = "t") -> CourseCell:
    return CourseCell(name, "code", source, True, True, False, False, 1.0)


test_of.__test__ = False  # type: ignore[attr-defined]


def locked(source: str, name: str = "locked") -> CourseCell:
    return CourseCell(name, "code", source, True, False, False, False, 0.0)


def answer(source: str, name: str = "a") -> CourseCell:
    return CourseCell(name, "code", source, False, False, True, False, 0.0)


def around(*cells: CourseCell, given: str = "") -> Surroundings:
    texts = frozenset({("code", given)} if given else ())
    return surroundings_of(NotebookVersion("n", cells, frozenset(), texts, imports_of([given])))


def before(*cells: CourseCell, given: str = "") -> str:
    return around(*cells, given=given).before("t")


def test_an_import_of_an_ordinary_cell_is_there() -> None:
    given = "%matplotlib inline\nimport numpy as np\nfrom math import sqrt, pi\nx = 3"

    assert before(test_of("assert np.ones(1) and sqrt(4)"), given=given) == (
        "import numpy as np\nfrom math import sqrt, pi"
    )
    assert before(test_of("assert f(x)"), given=given) == ""


def test_what_was_imported_of_a_package_is_there_as_its_attribute() -> None:
    given = "import wsgiref.headers\nfrom wsgiref.util import shift_path_info\nimport html.parser"

    assert before(test_of("import wsgiref\nassert wsgiref.headers"), given=given) == (
        "import wsgiref.headers\nfrom wsgiref.util import shift_path_info"
    )


def test_helpers_of_locked_cells_and_of_earlier_tests_are_there_with_what_they_use() -> None:
    found = before(
        locked("import math\nTOLERANCE = 1e-6\ndef near(a, b):\n    return abs(a - b) < TOLERANCE"),
        test_of("def same(a, b):\n    assert near(a, b), math.pi", "first"),
        test_of("same(f(1), 2)"),
    )

    assert found.splitlines()[:2] == ["import math", "TOLERANCE = 1e-06"]
    assert "def near(a, b):" in found
    assert "def same(a, b):" in found


def test_what_an_earlier_test_computed_is_computed_again_as_far_as_that_came() -> None:
    found = before(test_of("total = f(1)\nassert total == 3", "first"), test_of("assert total"))

    namespace: dict[str, object] = {"f": lambda x: 7}
    exec(found, namespace)
    assert namespace["total"] == 7


def test_a_function_that_a_test_takes_away_again_is_none_of_its_helpers() -> None:
    puts_back = "own = f\ndef f(x):\n    return own(x) + 1\nassert f(1) == 2\nf = own"

    found = before(answer("def f(x): ..."), test_of(puts_back, "first"), test_of("assert f(1)"))

    assert found == (
        "try:\n    own = f\n\n    def f(x):\n        return own(x) + 1\n"
        "    assert f(1) == 2\n    f = own\nexcept Exception:\n    pass"
    )


@pytest.mark.parametrize(
    "cells",
    [
        (answer("def near(a, b):\n    raise NotImplementedError"),),
        (locked("def near(a, b): ..."), answer("def near(a, b):\n    raise NotImplementedError")),
        (locked("near = compute()"),),
        (),
    ],
)
def test_what_an_answer_defines_or_a_locked_cell_computes_is_the_kernels(
    cells: tuple[CourseCell, ...],
) -> None:
    assert before(*cells, test_of("assert near(1, 1)")) == ""


def test_a_text_of_several_lines_is_the_same_when_it_runs_again() -> None:
    found = before(test_of('text = f("""a\n  b""")\nx = 1', "first"), test_of("assert text"))

    namespace: dict[str, object] = {"f": str}
    exec(found, namespace)
    assert namespace["text"] == "a\n  b"


def test_what_a_test_shows_students_is_left_behind_for_cells_that_read_it() -> None:
    shown = "total = f(1)\n### BEGIN HIDDEN TESTS\nsecret = 3\n### END HIDDEN TESTS\nassert total"
    found = around(test_of(shown))

    assert found.left_by("t", ["x = 1", "doubled = 2 * total"]) == "total = f(1)\nassert total"
    assert found.left_by("t", ["print(secret)"]) == ""
    assert found.left_by("t", ["x = totals"]) == ""
    assert found.left_by("other", ["total"]) == ""


def test_what_other_cells_define_too_is_not_left_behind() -> None:
    assert (
        around(test_of("import math\nassert f()"), given="import math").left_by("t", ["math.pi"])
        == ""
    )
    assert around(answer("f = 1"), test_of("f = 2")).left_by("t", ["print(f)"]) == ""


STOPS = "assert f(1) == 2\nimport math\ndef half(x):\n    return x / 2"


def test_what_a_test_defines_below_its_failure_is_missing_after_it() -> None:
    needs = around(test_of("import json\n" + STOPS, "first"), test_of("half(json, math)"))

    assert needs.before("t").splitlines()[:2] == ["import json", "import math"]
    assert needs.before("t", ["another"]) == needs.before("t")
    found = needs.before("t", ["first"])
    assert found.startswith("try:\n    import json\n    assert f(1) == 2\n    import math\n")
    assert found.endswith("except Exception:\n    pass\nimport json")


def test_what_is_defined_elsewhere_too_is_not_missing_after_a_failure() -> None:
    needs = around(locked("import math"), test_of(STOPS, "first"), test_of("math"))

    assert "import math" in needs.before("t", ["first"]).splitlines()


def test_what_a_test_defines_above_all_that_can_fail_is_there_after_it() -> None:
    needs = around(test_of("import math\nassert f(1)", "first"), test_of("assert math"))

    assert needs.before("t", ["first"]) == needs.before("t") == "import math"


def test_what_a_test_computes_is_taken_from_further_up_if_it_fails() -> None:
    needs = around(
        locked("x = 1"), test_of("x = f(2)\nassert x", "first"), test_of("assert g(x) == 3")
    )

    assert needs.before("t") == "try:\n    x = f(2)\n    assert x\nexcept Exception:\n    pass"
    assert needs.before("t", ["first"]) == f"x = 1\n{needs.before('t')}"
