"""What docs/batches.md and cluster.md tell beyond commands: what they show runs, or exists."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import dask
import doc_pages
import pytest
import yaml
from classroom import answered, hand_in, released_course
from distributed.cli import dask_scheduler, dask_ssh, dask_worker
from distributed.deploy.cluster import Cluster
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from typer.main import get_command

from nbjudge.cli.commands import app
from nbjudge.course.course import Course
from nbjudge.grading.graded import GradedIndex

ROOT = Path(__file__).parents[2]
GUIDES = [ROOT / "docs" / name for name in ("batches.md", "cluster.md")]
TEXT = "\n".join(guide.read_text(encoding="utf-8") for guide in GUIDES)
COURSE = get_command(app).commands  # type: ignore[attr-defined]
DASK = {"scheduler": dask_scheduler.main, "worker": dask_worker.main, "ssh": dask_ssh.main}
#: Longer than anything here takes, on a machine that is busy.
PATIENCE = 300


def blocks(language: str) -> list[str]:
    """Return the guides' blocks of one language."""
    return [block.content for block in doc_pages.blocks(TEXT) if block.language == language]


def block(language: str, word: str) -> str:
    """Return the one block that holds a word."""
    (found,) = (content for content in blocks(language) if word in content)
    return found


def parsed(command: Any, arguments: list[str]) -> None:
    """Take a command's arguments as it would itself, without running it."""
    command.make_context("typed", list(arguments))


def test_every_option_of_autograde_is_told() -> None:
    options = [name for each in COURSE["autograde"].params for name in each.opts if "--" in name]

    assert "--scheduler" in options
    assert [option for option in options if f"{option}" not in TEXT] == []


def test_dask_has_the_settings_that_are_set_by_variables() -> None:
    script = f"{block('bash', 'for role in')}\nenv"
    run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    lines = [line for line in run.stdout.splitlines() if line.startswith("DASK_")]
    lines += re.findall(r"`(DASK_\w+=\w+)`", TEXT)

    assert len(lines) == 10
    for line in lines:
        name = line.partition("=")[0].removeprefix("DASK_").lower().replace("__", ".")
        dask.config.get(name)  # raises a KeyError for what Dask does not know


@pytest.mark.parametrize("snippet", blocks("python"))
def test_a_snippet_is_python(snippet: str) -> None:
    ast.parse(snippet)


def test_the_gradebooks_address_is_a_setting_of_nbgrader() -> None:
    c = Config()
    exec(block("python", "db_url"), {"c": c})

    url = CourseDirectory(config=c).db_url
    assert url.startswith("postgresql+psycopg2://")


def test_a_cluster_of_dasks_has_what_the_snippet_for_slurm_uses() -> None:
    tree = ast.parse(block("python", "SLURMCluster"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }

    assert used == {"scale", "scheduler_address"}
    assert all(hasattr(Cluster, name) for name in used)


def test_the_pods_start_dask_with_options_that_it_has() -> None:
    spec = yaml.safe_load(block("yaml", "DaskCluster"))["spec"]
    for part in ("worker", "scheduler"):
        (container,) = spec[part]["spec"]["containers"]
        program, command, *arguments = container["args"]
        assert (program, command) == ("dask", part)
        with dask.config.set(scheduler_address="tcp://127.0.0.1:1"):
            parsed(DASK[command], arguments)


def test_the_image_installs_both_packages_and_a_file_that_there_are() -> None:
    image = block("dockerfile", "FROM")
    projects = [
        tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for folder in re.findall(r"--editable (\S+)", image)
    ]
    (constraints,) = re.findall(r"--constraint (\S+)", image)

    assert [project["name"] for project in projects] == ["nbjudge", "course-utils"]
    assert (ROOT / constraints).is_file()


def renamed(text: str) -> str:
    """Let what the guide says of `optimisers` be said of the tiny course's assignment."""
    return text.replace("optimisers", "sums")


@pytest.fixture
def course(tmp_path: Path) -> Course:
    made = released_course(tmp_path / "course")
    hand_in(made, "ada", answered(made))
    return made


@pytest.mark.slow
@pytest.mark.sandbox
def test_one_notebook_is_graded_from_python_as_told(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(course.root)
    namespace: dict[str, Any] = {}

    exec(renamed(block("python", "result = grade(")), namespace)

    result = namespace["result"]
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in said] == [
        [name, str(verdict.mark)] for name, verdict in result.verdicts.items()
    ]
    assert sum(verdict.mark for verdict in result.verdicts.values()) == 5
    assert None in result.scores.values()


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.sandbox
def test_the_script_for_slurm_grades_a_class(course: Course) -> None:
    environment = stand_ins(course.root)
    for word in ("openssl req", "for role in"):
        script = block("bash", word)
        (course.root / "tls.sh").write_text(script, encoding="utf-8")
        if word == "openssl req":
            run = ["bash", "tls.sh"]
            subprocess.run(run, cwd=course.root, check=True, capture_output=True, timeout=PATIENCE)
    (course.root / "job.sh").write_text(block("bash", "#SBATCH"), encoding="utf-8")

    said = run_to_its_end(["bash", "job.sh"], course.root, environment)

    assert "sums: 1 graded now" in said
    assert "ada" in GradedIndex(course, "sums").times()
    assert (course.root / "scheduler.json").read_text(encoding="utf-8").count("tls://")


def stand_ins(root: Path) -> dict[str, str]:
    """Make an environment to activate, and an `srun` that runs here; return the variables."""
    programs = root / ".venv" / "bin"
    programs.mkdir(parents=True)
    srun = programs / "srun"
    srun.write_text('#!/bin/sh\nexec "$@"\n', encoding="utf-8")
    srun.chmod(0o755)
    paths = f'"{programs}:{Path(sys.executable).parent}:$PATH"'
    (programs / "activate").write_text(f"export PATH={paths}\n", encoding="utf-8")
    (root / "course-data").mkdir()
    # The folder of data that the script looks for by default.
    return {"COURSE_OFFLINE": "1", **os.environ, "HOME": str(root), "OMP_NUM_THREADS": "1"}


def run_to_its_end(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a job and return what it said; what it leaves running is ended, as Slurm would."""
    with (folder / "said").open("w+", encoding="utf-8") as output:
        job = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = job.wait(PATIENCE)
        finally:
            os.killpg(job.pid, signal.SIGKILL)
            job.wait()
        said = (folder / "said").read_text(encoding="utf-8")
    assert status == 0, said
    return said
