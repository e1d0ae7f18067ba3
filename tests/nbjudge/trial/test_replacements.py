"""Which tests put something in the place of what an answer may use."""

from __future__ import annotations

import pytest

from nbjudge.trial.replacements import imported_modules, replacement_in


@pytest.mark.parametrize(
    ("test", "replaced"),
    [
        ("with patch('numpy.linalg.norm'):\n    f()", "numpy.linalg.norm"),
        ("with unittest.mock.patch('__main__.g') as g:\n    f()", "__main__.g"),
        ("@mock.patch('random.random', return_value=0)\ndef t(_):\n    f()", "random.random"),
        ("with patch.object(np, 'dot') as dot:\n    f()", "np.dot"),
        ("with patch.object(np, name):\n    f()", "np.…"),
        ("with patch.dict('os.environ', a='b'):\n    f()", "os.environ"),
        ("with patch.dict(os.environ, a='b'):\n    f()", "os.environ"),
        ("with patch.multiple('random', random=g):\n    f()", "random"),
        ("monkeypatch.setattr('time.sleep', None)", "time.sleep"),
        ("np.random.rand = lambda: 0.5\nf()", "np.random.rand"),
        ("setattr(np, 'dot', None)", "np.dot"),
        ("del np.dot", "np.dot"),
        ("%timeit f()\nnp.dot = None", "np.dot"),
        ("with patch('builtins.open', fake), patch('builtins.input'):\n    f()", "builtins.open"),
    ],
)
def test_what_is_replaced_is_found(test: str, replaced: str) -> None:
    assert replacement_in(test, {"np", "os"}) == replaced


@pytest.mark.parametrize(
    "test",
    [
        "with patch('builtins.input', return_value='1'), patch('builtins.print'):\n    f()",
        "with patch('sys.stdout', new=out):\n    f()",
        "sys.stdout = out\nf()",
        "builtins.input = lambda _: '1'\nf()",
        "v = Vec(1, 2)\nv.x = 5",
        "np.random.seed(1)\nnp.ones(2)[0] = 3",
        "x = np.dot\nx.patch = 1\nf.patch('a')",
        "this is no Python",
    ],
)
def test_what_an_answer_shares_with_its_test_is_none(test: str) -> None:
    assert replacement_in(test, {"np", "sys", "builtins"}) == ""


def test_the_names_of_modules_are_those_that_a_cell_gives_them() -> None:
    cell = "%matplotlib inline\nimport numpy as np, os.path\nfrom random import random"

    assert imported_modules(cell) == {"np", "os"}
    assert imported_modules("import") == set()
