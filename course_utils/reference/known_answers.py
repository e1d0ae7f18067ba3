"""The known answers of the course: mistakes, each with a sentence of advice, and other styles.

They are in the folder `known`, one file per exercise; `read_known` describes their format.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, RandomSampler, TensorDataset, default_collate

from course_utils import data, probes, reference
from course_utils.reference.examine import EXERCISES
from nbjudge import checks
from nbjudge.judge.known_file import Known, read_known
from nbjudge.remote import Remote

__all__ = ["Known", "answers_of", "define", "mistakes", "solutions", "styles"]

KNOWN = Path(__file__).parent / "known"


def mistakes(grade_id: str) -> tuple[Known, ...]:
    """Return the wrong answers that students give to an exercise; none if none are known.

    Parameters
    ----------
    grade_id : str
        The grade_id of the answer cell: "ex_1_2_1".
    """
    return _known_of_kind(grade_id, "mistake")


def styles(grade_id: str) -> tuple[Known, ...]:
    """Return right answers to an exercise that are written in another style than the reference."""
    return _known_of_kind(grade_id, "style")


def solutions(grade_id: str) -> tuple[Known, ...]:
    """Return the notebook's own answer, and its variants of which other answers are edits."""
    return _known_of_kind(grade_id, "solution")


@functools.cache
def _known_of_kind(grade_id: str, kind: str) -> tuple[Known, ...]:
    path = KNOWN / f"{grade_id}.diff"
    return tuple(one for one in read_known(path) if one.kind == kind) if path.exists() else ()


def define(known: Known | str, grade_id: str) -> dict[str, Any]:
    """Run an answer cell in a new namespace, and return the namespace.

    Parameters
    ----------
    known : Known or str
        The answer, or the source of its cell. It is trusted.
    grade_id : str
        The exercise, which determines what the notebook has defined before: its imports, and right
        answers to the earlier exercises.
    """
    source = known if isinstance(known, str) else known.source
    namespace = {"__name__": "__main__", **_surroundings(grade_id)}
    _run_known(source, namespace)
    return namespace


def answers_of(known: Known | str, grade_id: str) -> tuple[Any, ...]:
    """Return the arguments of an exercise's examination, as this answer cell defines them."""
    source = known if isinstance(known, str) else known.source
    namespace = define(source, grade_id)
    if grade_id == "ex_1_4_2":
        namespace["dataloader"] = _LoaderOfCell(source, namespace)
    return tuple(namespace[symbol] for symbol in EXERCISES[grade_id].symbols)


def _run_known(source: str, namespace: dict[str, Any]) -> None:
    exec(compile(source, "<known answer>", "exec", dont_inherit=True), namespace)


def _surroundings(grade_id: str) -> dict[str, Any]:
    tools: dict[str, Any] = {"np": np, "check": checks, "data": data}
    if not grade_id.startswith("ex_1_5"):
        tools |= {"probes": probes, "torch": torch, "Dataset": Dataset, "DataLoader": DataLoader}
    if grade_id.startswith("ex_2"):
        tools |= {"nn": nn, "F": functional}
        tools |= {"RandomSampler": RandomSampler, "default_collate": default_collate}
    if grade_id == "ex_1_4_2":
        tools["dataset"] = data.preterm_dataset()
    return {**tools, **_earlier_answers(grade_id)}


def _earlier_answers(grade_id: str) -> dict[str, Any]:
    """Return right answers to the exercises before this one in its notebook."""
    order = list(EXERCISES)
    return {
        symbol: getattr(reference, symbol)
        for earlier in order[: order.index(grade_id)]
        if _chapter(earlier) == _chapter(grade_id)
        for symbol in EXERCISES[earlier].symbols
        if hasattr(reference, symbol)
    }


def _chapter(grade_id: str) -> str:
    parts = grade_id.split("_")
    return "ex_1_5" if parts[1:3] == ["1", "5"] else f"ex_{parts[1]}"


class _LoaderOfCell(Remote):
    """A data loader that keeps the cell that made it, which the test of 1.4.2 runs again.

    In a notebook the probe `loader_with` finds that cell in the history. There is none here, so the
    loader answers the probe itself, like an object in another process.
    """

    def __init__(self, source: str, namespace: dict[str, Any]) -> None:
        self._source = source
        self._namespace = namespace
        self._loader = namespace["dataloader"]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._loader)

    def __len__(self) -> int:
        return len(self._loader)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def _probe_(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if name != "loader_with":
            here = (self._loader if value is self else value for value in arguments)
            return getattr(probes, name)(*here, **keywords)
        _, X, y = arguments
        namespace = {**self._namespace, "dataset": TensorDataset(X, y)}
        _run_known(self._source, namespace)
        return namespace["batch_size"], namespace["dataloader"]

    def _plain_(self) -> Any:
        return self

    def _kind_(self) -> str:
        return type(self._loader).__name__
