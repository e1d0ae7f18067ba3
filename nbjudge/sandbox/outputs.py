"""What a graded notebook keeps of what its cells write and show: one budget for the whole of it.

A cell's outputs are bounded twice: `Intake` refuses messages before anybody parses them, and
`OutputBudget` counts what the notebook then holds, since a message can change many outputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode

from nbjudge.basics.json_bounds import count_values

__all__ = ["Intake", "OutputBudget"]

OUTPUTS = frozenset(["stream", "display_data", "execute_result", "error", "update_display_data"])
CLEAR = "clear_output"
#: What a client has to know beside the outputs; the rest is for people who sit before a notebook.
NEEDED = frozenset(["status", CLEAR])
#: Outputs of one notebook that are kept.
MOST_OUTPUTS = 5000
#: Messages of one cell that are read, and JSON values in them: each takes far more when parsed.
MAX_MESSAGES = 10_000
MAX_VALUES = 200_000


class Intake:
    """Decides which messages of one cell are parsed.

    Parameters
    ----------
    room : int
        Bytes of all that are outputs.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        #: Whether an output was refused.
        self.is_cut = False
        self._clear()

    def _clear(self) -> None:
        self._bytes = self._values = self._messages = 0

    def admits(self, kind: str, size: int, content: bytes) -> bool:
        """Say whether a message is needed, and there is room for it.

        Parameters
        ----------
        kind : str
            Its type.
        size : int
            Of all its parts, in bytes.
        content : bytes
            Its JSON.
        """
        if kind == CLEAR:
            self._clear()
        if kind not in OUTPUTS:
            return kind in NEEDED
        self._bytes += size
        self._messages += 1
        # What does not fit by its size is not looked at.
        if self._bytes <= self._room and self._messages <= MAX_MESSAGES:
            self._values += count_values(content)
            if self._values <= MAX_VALUES:
                return True
        self.is_cut = True
        return False


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
    outputs: int = field(default_factory=lambda: MOST_OUTPUTS)
    #: Of how many cells something is left out.
    cut: int = 0

    def __post_init__(self) -> None:
        mostly = f"{self.bytes / 2**20:g} MB" if self.bytes >= 2**20 else f"{self.bytes} bytes"
        #: Why outputs are left out, as the end of a sentence.
        self.reason = f"a notebook may show {mostly}, and {self.outputs} outputs"

    def keep(self, cell: NotebookNode, *, is_cut: bool = False) -> None:
        """Leave a cell the outputs that a file can hold and that fit, and say so if some do not.

        Parameters
        ----------
        cell : NotebookNode
        is_cut : bool
            Whether some are left out already.
        """
        kept = []
        for output in _join(cell.outputs):
            if (size := _size(output)) is None:
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
                nbformat.v4.new_output(  # type: ignore[no-untyped-call]
                    "display_data", data={"text/plain": f"The rest is left out: {self.reason}."}
                )
            )


def _join(outputs: Iterable[NotebookNode]) -> Iterator[NotebookNode]:
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


def _size(output: NotebookNode) -> int | None:
    """Return the bytes of an output; None if no notebook can hold it: a kernel can send anything.

    What cannot be held is half of a surrogate pair, say, or NaN.
    """
    with suppress(Exception):
        content = json.dumps(output, ensure_ascii=False, allow_nan=False).encode()
        nbformat.validate(output, ref="output", version=4, version_minor=5)
        return len(content)
    return None
