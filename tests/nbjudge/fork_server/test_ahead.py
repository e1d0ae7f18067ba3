"""What a fork server imports because a course's notebooks do."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from nbjudge.fork_server.ahead import MOST_MODULES, import_ahead, worth_importing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is forked there")


def one() -> int:
    return 1


def test_only_modules_that_many_know_are_imported_ahead() -> None:
    assert worth_importing(["pandas", "theirs", "os.path"]) == ("os.path", "pandas")


def test_a_module_that_a_notebook_may_write_is_not_imported_ahead() -> None:
    assert worth_importing(["queue", "pandas"], ["Write `queue.py`."]) == ("pandas",)


def test_nothing_is_imported_ahead_where_it_is_asked_what_is_imported() -> None:
    assert worth_importing(["pandas"], ["import sys\nassert 'pandas' not in sys.modules"]) == ()


def test_no_notebook_is_taken_for_a_test_by_what_it_imports() -> None:
    assert worth_importing(["pandas", "pytest"]) == ("pandas",)


def test_no_more_is_imported_ahead_than_a_request_can_name() -> None:
    assert len(worth_importing(f"os.{number}" for number in range(1000))) == MOST_MODULES


def test_what_is_imported_ahead_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)

    assert import_ahead(["colorsys", "there_is_no_such_module"], one)
    assert "colorsys" in sys.modules
    assert not import_ahead(["colorsys"], one)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("import os\nos._exit(0)", id="ends"),
        pytest.param("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", id="is ended"),
    ],
)
def test_what_ends_its_process_is_not_imported_ahead(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ends_here.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)

    assert not import_ahead(["ends_here"], one)
    assert "ends_here" not in sys.modules


def test_what_starts_a_thread_is_not_imported_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import threading, time\nthreading.Thread(target=time.sleep, args=[60], daemon=True)"
    (tmp_path / "starts_one.py").write_text(f"{source}.start()\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert not import_ahead(["starts_one"], threading.active_count)
    assert "starts_one" not in sys.modules
