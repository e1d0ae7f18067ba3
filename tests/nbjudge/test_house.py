"""The structure of the judge: it knows nothing of a course, and its rooms stand on each other."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbjudge

HOUSE = Path(nbjudge.__file__).parent
#: From the ground up: a room imports only rooms before it, and modules directly in the package.
FLOORS = (
    *("basics", "plain", "kernel", "shell", "fork_server", "course", "intake", "term"),
    *("sandbox", "confinement", "stand_ins", "judge", "trial", "grading", "mistakes"),
    *("release", "pages", "hooks", "feedback", "report", "similar", "export", "proof"),
    *("desk", "cli"),
)
#: What courses use, and the judge does without.
LIBRARIES = {"course_utils", "torch", "seaborn", "pooch", "requests", "ipywidgets", "pandas"}
#: What the course beside it is about.
TOPICS = ("course_utils", "preterm", "omniglot", "momentum", "rmsprop", "siamese", "dice_loss")
MODULES = sorted(HOUSE.rglob("*.py"))
#: How many modules a room has at most.
ROOMY = 11


def imports(path: Path) -> Iterator[str]:
    """Yield the full names of the modules that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def room(name: str) -> str:
    """Return the room that a module of the judge is in; of those directly in the package, ''."""
    first = name.split(".")[1:2]
    return first[0] if first and (HOUSE / first[0]).is_dir() else ""


def name_of(path: Path) -> str:
    return str(path.relative_to(HOUSE))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_of_the_judge_knows_nothing_of_a_course(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lower()

    assert not {name.partition(".")[0] for name in imports(path)} & LIBRARIES
    assert not [topic for topic in TOPICS if topic in text]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_imports_only_rooms_below_it(path: Path) -> None:
    own = room("nbjudge." + ".".join(path.relative_to(HOUSE).parts))
    below = FLOORS[: FLOORS.index(own)] if own else ()
    used = {room(name) for name in imports(path) if name.startswith("nbjudge.")}

    assert used <= {"", own, *below}


def test_every_room_has_its_floor_says_what_it_is_for_and_is_not_crowded() -> None:
    rooms = {path.parent.name: path for path in HOUSE.glob("*/__init__.py")}

    assert rooms.keys() == set(FLOORS)
    for name, path in rooms.items():
        about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert about
        assert "import" in about, f"{name} does not say what it may import"
    for path in HOUSE.rglob("__init__.py"):
        name = name_of(path.parent)
        modules = [module for module in path.parent.glob("*.py") if module != path]
        assert len(modules) <= ROOMY, f"{name} has {len(modules)} modules"


def test_no_two_modules_have_one_name() -> None:
    course = HOUSE.parent / "course_utils"
    names = [path.stem for path in MODULES if path.stem != "__init__"]
    names += [path.stem for path in course.rglob("*.py") if path.stem != "__init__"]
    twice = sorted({name for name in names if names.count(name) > 1})

    # What every course has beside the judge's own: probes; and what its exercises are named after.
    assert set(twice) <= {"probes"} | {path.stem for path in course.glob("reference/examine/*.py")}


def test_the_package_on_its_own_holds_every_room_and_all_that_is_no_code() -> None:
    told = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    packages = told["setuptools"]["packages"]
    patterns = told["setuptools"]["package-data"]["nbjudge"]
    others = {path for path in HOUSE.glob("*/templates/**/*") if path.is_file()}

    rooms = {path.parent.relative_to(HOUSE.parent) for path in HOUSE.rglob("__init__.py")}
    assert set(packages) == {".".join(path.parts) for path in rooms}
    assert others <= {path for pattern in patterns for path in HOUSE.glob(pattern)}
    assert {path.name for path in others} >= {"base.html.j2", "notebook.html.j2", "report.html.j2"}
