"""What the formgrader is started with."""

from __future__ import annotations

import pytest

from nbjudge.cli.open_formgrader import allow_root
from nbjudge.exceptions import CourseError


@pytest.mark.parametrize(
    "options", [[], ["--port=9999"], ["--ip=127.0.0.1"], ["--ServerApp.ip", "localhost"]]
)
def test_root_may_serve_the_own_machine(options: list[str]) -> None:
    assert allow_root(options) == ["--allow-root", *options]


@pytest.mark.parametrize("options", [["--ip=0.0.0.0"], ["--ip", "192.0.2.7"], ["--ip="]])
def test_root_serves_no_other_machine_by_accident(options: list[str]) -> None:
    with pytest.raises(CourseError, match="As root the formgrader serves this machine alone"):
        allow_root(options)
    assert allow_root([*options, "--allow-root"]) == [*options, "--allow-root"]
