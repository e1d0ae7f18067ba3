"""Collect and limit the outputs of a graded notebook's cells.

Outputs are limited twice. `CellOutputs` refuses frames of a cell before they are parsed, and
`OutputBudget` counts what the whole notebook then holds, since one message can change many outputs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode, from_dict

from nbjudge.basics.json_bounds import count_values

__all__ = ["CellOutputs", "OutputBudget", "is_valid", "new_output"]

#: Outputs that one notebook may keep.
MOST_CELL_OUTPUTS = 5000
#: Frames of one cell that are read, and JSON values in them, which take far more memory parsed.
MAX_CELL_FRAMES = 10_000
MAX_OUTPUT_VALUES = 200_000
#: The parts of each kind of Jupyter message that become an output of the same kind.
OUTPUT_PARTS = {
    "stream": ("name", "text"),
    "display_data": ("data", "metadata"),
    "execute_result": ("data", "metadata", "execution_count"),
    "error": ("ename", "evalue", "traceback"),
}
CLEAR, UPDATE = "clear_output", "update_display_data"
DISPLAY_PARTS = OUTPUT_PARTS["display_data"]
#: MIME types of which an output's data may be any JSON, and not only text.
JSON = re.compile(r"^application/(.*\+)?json$")


class CellOutputs:
    """The outputs of one cell, built from frames that add, update and clear outputs.

    Parameters
    ----------
    room : int
        Bytes of all frames that are read. Clearing the outputs makes room again.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        #: The outputs in the notebook format.
        self.outputs: list[NotebookNode] = []
        #: Whether a frame was refused.
        self.is_cut = False
        self._bytes = self._values = self._frames = 0
        #: The data and metadata that all outputs with one display id share.
        self._by_id: dict[str, dict[str, NotebookNode]] = {}
        self._is_cleared_later = False

    def has_room(self, kind: str, size: int) -> bool:
        """Return whether there is room for a frame, before it is read.

        Parameters
        ----------
        kind : str
            The type of the message that it carries.
        size : int
            Its size in bytes.
        """
        if kind == CLEAR:
            self._bytes = self._values = self._frames = 0
        self._bytes += size
        self._frames += 1
        fits = self._bytes <= self._room and self._frames <= MAX_CELL_FRAMES
        self.is_cut |= not fits
        return fits

    def take(self, kind: str, content: bytes) -> None:
        """Apply a message; an invalid one is ignored."""
        self._values += count_values(content)
        if self._values > MAX_OUTPUT_VALUES:
            self.is_cut = True
            return
        # A kernel can send anything, and parsing it can raise anything.
        with suppress(Exception):
            message = json.loads(content)
            if kind == CLEAR:
                self._is_cleared_later = bool(message["wait"])
                if not self._is_cleared_later:
                    self._clear()
            else:
                self._show(kind, message)

    def _show(self, kind: str, message: dict[str, Any]) -> None:
        name = (message.get("transient") or {}).get("display_id") if kind != "stream" else None
        shared = self._by_id.get(name) if name else None
        if kind == UPDATE and shared is None:
            return
        output = new_output(
            kind, **{part: message[part] for part in OUTPUT_PARTS.get(kind, DISPLAY_PARTS)}
        )
        if shared is not None:  # a new output changes all earlier ones with its display id
            for part, content in shared.items():
                new = dict(output[part])
                content.clear()
                content.update(new)  # type: ignore[no-untyped-call]
                output[part] = content
        if kind == UPDATE:
            return
        if self._is_cleared_later:
            self._clear()
        self.outputs.append(output)
        if name:
            self._by_id[name] = {part: output[part] for part in DISPLAY_PARTS}

    def _clear(self) -> None:
        self.outputs.clear()
        self._by_id.clear()
        self._is_cleared_later = False


@dataclass
class OutputBudget:
    """The outputs that a notebook may still keep.

    Parameters
    ----------
    bytes : int
        Size of all outputs as they are written to the file.
    """

    bytes: int
    #: The number of outputs.
    outputs: int = field(default_factory=lambda: MOST_CELL_OUTPUTS)
    #: The number of cells of which some outputs were left out.
    cut: int = 0

    def __post_init__(self) -> None:
        mostly = f"{self.bytes / 2**20:g} MB" if self.bytes >= 2**20 else f"{self.bytes} bytes"
        #: Why outputs are left out, to complete a sentence.
        self.reason = f"a notebook may show {mostly}, and {self.outputs} outputs"

    def keep(
        self, cell: NotebookNode, outputs: Iterable[NotebookNode], *, is_cut: bool = False
    ) -> None:
        """Set a cell's outputs to those that are valid and fit; add a note if some do not fit.

        Parameters
        ----------
        cell : NotebookNode
        outputs : iterable of NotebookNode
        is_cut : bool
            Whether some were left out before.
        """
        kept = []
        for output in _join_printed(outputs):
            if (size := _size_of_output(output)) is None:
                continue
            if size > self.bytes or not self.outputs:
                is_cut = True
                break
            self.bytes -= size
            self.outputs -= 1
            kept.append(output)
        cell.outputs = kept
        if is_cut:
            self.cut += 1
            cell.outputs.append(
                new_output(
                    "display_data",
                    data={"text/plain": f"The rest is left out: {self.reason}."},
                    metadata={},
                )
            )


def new_output(kind: str, **parts: Any) -> NotebookNode:
    """Return an output of a notebook, without nbformat's validation, which takes half a ms."""
    output: NotebookNode = from_dict({"output_type": kind, **parts})  # type: ignore[no-untyped-call]
    return output


def _join_printed(outputs: Iterable[NotebookNode]) -> Iterator[NotebookNode]:
    """Yield the outputs, with consecutive ones of the same stream joined."""
    last: NotebookNode | None = None
    pieces: list[str] = []
    for output in outputs:
        is_text = output.get("output_type") == "stream" and _is_writable(output.get("text"))
        if last is not None and is_text and last.get("name") == output.get("name"):
            pieces.append(output.text)
            continue
        if last is not None:
            last.text = "".join(pieces)
            yield last
            last = None
        if is_text:
            last, pieces = output, [output.text]
        else:
            yield output
    if last is not None:
        last.text = "".join(pieces)
        yield last


def _is_writable(text: object) -> bool:
    if not isinstance(text, str):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:  # it contains a lone surrogate
        return False
    return True


def _size_of_output(output: NotebookNode) -> int | None:
    """Return the size of an output in bytes; None if no notebook file can hold it.

    A file cannot hold a lone surrogate or NaN, for example, which a kernel can send.
    """
    with suppress(Exception):
        content = json.dumps(output, ensure_ascii=False, allow_nan=False).encode()
        if is_valid(output):
            return len(content)
    return None


def is_valid(output: Mapping[str, Any]) -> bool:
    """Return whether an output is valid by nbformat's schema, whose own check is far slower."""
    kind = output.get("output_type")
    if kind not in OUTPUT_PARTS or output.keys() != {"output_type", *OUTPUT_PARTS[kind]}:
        return False
    match kind:
        case "stream":
            return isinstance(output["name"], str) and _is_text(output["text"])
        case "error":
            named = isinstance(output["ename"], str) and isinstance(output["evalue"], str)
            lines = output["traceback"]
            return named and isinstance(lines, list) and _is_text(lines)
    count = output.get("execution_count")
    return (
        (count is None or (_is_integer(count) and count >= 0))
        and isinstance(output["metadata"], dict)
        and isinstance(output["data"], dict)
        and all(_is_text(value) or JSON.search(name) for name, value in output["data"].items())
    )


def _is_text(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(line, str) for line in value)
    return isinstance(value, str)


def _is_integer(value: object) -> bool:
    """Return whether JSON Schema accepts a value as an integer: 2.0 is one, and true is not."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)
