"""Turn the text of a cell into code, as IPython does, but faster for ordinary cells.

IPython tokenises each cell twice to find what is not Python in it (`%timeit`, `loss?`), and
compiles it twice more to see whether it awaits anything. Most cells have neither, which a regular
expression can tell.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from ipykernel.compiler import get_tmp_directory, get_tmp_hash_seed
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.compilerop import CachingCompiler
from IPython.core.inputtransformer2 import TransformerManager
from traitlets import Instance

__all__ = ["CellCompiler", "CellReader", "CellShell", "murmur2"]

#: IPython's syntax, which no line of pure Python has outside strings and comments: a command at the
#: beginning (`%`, `!`, `?`, `,`, `;` or `/`), an assigned command, or a question mark at the end.
SPECIAL = re.compile(r"^\s*[%!?,;/]|=\s*[%!]|\?\W*$")
#: MurmurHash2's multiplier, and the mask of its 32-bit words.
MIX, WORD_MASK = 0x5BD1E995, 0xFFFFFFFF
USUAL_TRANSFORMERS = tuple(TransformerManager().token_transformers)  # type: ignore[no-untyped-call]


class CellReader(TransformerManager):
    """IPython's transformer of cells, which skips cells without special syntax."""

    def do_token_transforms(self, lines: list[str]) -> list[str]:
        """Return the lines of a cell as pure Python."""
        # The notebook may have added transformers of its own.
        is_usual = tuple(self.token_transformers) == USUAL_TRANSFORMERS
        if is_usual and not any(map(SPECIAL.search, lines)):
            return lines
        found: list[str] = super().do_token_transforms(lines)  # type: ignore[no-untyped-call]
        return found


class CellCompiler(CachingCompiler):
    """Names the code of a cell as ipykernel's compiler does, but with a faster hash function."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[no-untyped-call]
        self.log = None

    def get_code_name(self, raw_code: str, code: str, number: int) -> str:
        """Return the name of the file that tracebacks and warnings show."""
        if (named := os.environ.get("IPYKERNEL_CELL_NAME")) is not None:
            return named
        hashed = murmur2(raw_code.encode(), get_tmp_hash_seed())  # type: ignore[no-untyped-call]
        return f"{get_tmp_directory()}{os.sep}{hashed}.py"  # type: ignore[no-untyped-call]


def murmur2(content: bytes, seed: int) -> int:
    """Return the hash by which Jupyter and its debuggers identify a cell.

    It is MurmurHash2 for 32 bits, by Austin Appleby.
    """
    whole = len(content) // 4 * 4
    words = np.frombuffer(content[:whole], "<u4").astype(np.uint64) * MIX & WORD_MASK
    words = (words ^ words >> 24) * MIX & WORD_MASK
    hashed = seed ^ len(content)
    for word in words.tolist():
        hashed = hashed * MIX & WORD_MASK ^ word
    if rest := content[whole:]:
        hashed = (hashed ^ int.from_bytes(rest, "little")) * MIX & WORD_MASK
    hashed = (hashed ^ hashed >> 13) * MIX & WORD_MASK
    return hashed ^ hashed >> 15


class CellShell(ZMQInteractiveShell):
    """IPython's shell for kernels, with this module's transformer and compiler."""

    input_transformer_manager = Instance(CellReader, ())

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "compiler_class": CellCompiler})  # type: ignore[no-untyped-call]

    def should_run_async(
        self,
        raw_cell: str,
        *,
        transformed_cell: str | None = None,
        preprocessing_exc_tuple: Sequence[Any] | None = None,
    ) -> bool:
        """Return whether a cell awaits something and has to run in the event loop."""
        if transformed_cell is not None and not re.search("await|async", transformed_cell):
            return False
        awaits: bool = super().should_run_async(
            raw_cell,
            transformed_cell=transformed_cell,
            preprocessing_exc_tuple=preprocessing_exc_tuple,
        )
        return awaits
