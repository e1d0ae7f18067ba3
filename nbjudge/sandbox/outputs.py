"""What a graded notebook keeps of what its cells write and show: one budget for the whole of it.

A cell's outputs are bounded twice: `CellOutputs` refuses frames before anybody parses them, and
`OutputBudget` counts what the notebook then holds, since a message can change many outputs.
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

#: Outputs of one notebook that are kept.
MOST_CELL_OUTPUTS = 5000
#: Frames of one cell that are read, and JSON values in them: each takes far more when parsed.
MAX_TRACEBACK = 10_000
MAX_OUTPUT_VALUES = 200_000
#: What a message of Jupyter's has to hold, by its kind, for an output that is like it.
OUTPUT_PARTS = {
    "stream": ("name", "text"),
    "display_data": ("data", "metadata"),
    "execute_result": ("data", "metadata", "execution_count"),
    "error": ("ename", "evalue", "traceback"),
}
CLEAR, UPDATE = "clear_output", "update_display_data"
DISPLAY_PARTS = OUTPUT_PARTS["display_data"]
#: What of an output may be any JSON, by its type.
JSON = re.compile(r"^application/(.*\+)?json$")


class CellOutputs:
    """What one cell shows, as frames tell it: added, changed by its id, and cleared.

    Parameters
    ----------
    room : int
        Bytes of all frames that are read. What clears them makes room again.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        #: As a notebook has them.
        self.outputs: list[NotebookNode] = []
        #: Whether something was refused.
        self.is_cut = False
        self._bytes = self._values = self._frames = 0
        #: What all outputs of a name have in common.
        self._by_id: dict[str, dict[str, NotebookNode]] = {}
        self._is_cleared_later = False

    def has_room(self, kind: str, size: int) -> bool:
        """Say whether there is room for a frame, before it is read.

        Parameters
        ----------
        kind : str
            Of the message that it carries.
        size : int
            In bytes.
        """
        if kind == CLEAR:
            self._bytes = self._values = self._frames = 0
        self._bytes += size
        self._frames += 1
        fits = self._bytes <= self._room and self._frames <= MAX_TRACEBACK
        self.is_cut |= not fits
        return fits

    def take(self, kind: str, content: bytes) -> None:
        """Do what a message says; one that no kernel of Jupyter's sends is passed over."""
        self._values += count_values(content)
        if self._values > MAX_OUTPUT_VALUES:
            self.is_cut = True
            return
        # A kernel can send anything, and it raises whatever its parsing raises.
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
        if shared is not None:  # all outputs of one name are changed by the last of them
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
    """What a notebook may still keep of its outputs.

    Parameters
    ----------
    bytes : int
        Of all outputs, as they are written to the file.
    """

    bytes: int
    #: How many outputs.
    outputs: int = field(default_factory=lambda: MOST_CELL_OUTPUTS)
    #: Of how many cells something is left out.
    cut: int = 0

    def __post_init__(self) -> None:
        mostly = f"{self.bytes / 2**20:g} MB" if self.bytes >= 2**20 else f"{self.bytes} bytes"
        #: Why outputs are left out, as the end of a sentence.
        self.reason = f"a notebook may show {mostly}, and {self.outputs} outputs"

    def keep(
        self, cell: NotebookNode, outputs: Iterable[NotebookNode], *, is_cut: bool = False
    ) -> None:
        """Give a cell those outputs that a file can hold and that fit, and say so if some do not.

        Parameters
        ----------
        cell : NotebookNode
        outputs : iterable of NotebookNode
        is_cut : bool
            Whether some are left out already.
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
    """Return an output of a notebook, without nbformat's look at each, which takes half a ms."""
    output: NotebookNode = from_dict({"output_type": kind, **parts})  # type: ignore[no-untyped-call]
    return output


def _join_printed(outputs: Iterable[NotebookNode]) -> Iterator[NotebookNode]:
    """Join what was printed piece by piece."""
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
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _size_of_output(output: NotebookNode) -> int | None:
    """Return the bytes of an output; None if no notebook can hold it: a kernel can send anything.

    What cannot be held is half of a surrogate pair, say, or NaN.
    """
    with suppress(Exception):
        content = json.dumps(output, ensure_ascii=False, allow_nan=False).encode()
        if is_valid(output):
            return len(content)
    return None


def is_valid(output: Mapping[str, Any]) -> bool:
    """Say whether something is an output by nbformat's schema, which takes many times as long."""
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
    """Say whether JSON's schema takes something for an integer: 2.0 is one, and true is none."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)
