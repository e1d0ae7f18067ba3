"""Turn the bytes of a submitted notebook into a notebook that the course can grade."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import nbformat

from nbjudge.basics.json_bounds import count_values
from nbjudge.course.cells import NotebookVersion
from nbjudge.exceptions import SubmissionError
from nbjudge.intake.restore import restore_notebook

__all__ = ["KERNELSPEC", "Sanitised", "sanitise_notebook"]

#: Bounds on a file's JSON values, which take far more memory once parsed, and on its cells.
MAX_JSON_VALUES, MAX_CELLS = 2_000_000, 5000
KERNELSPEC = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


@dataclass(frozen=True)
class Sanitised:
    """A notebook that the course can grade, and what was found on the way.

    Parameters
    ----------
    notebook : NotebookNode
        In notebook format 4.5: the text of the student's cells, and the course's own cells.
    problems : tuple of str
        Sentences about what a person has to check.
    notes : tuple of str
        Sentences for information only.
    """

    notebook: nbformat.NotebookNode
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def sanitise_notebook(content: bytes, version: NotebookVersion) -> Sanitised:
    """Return a submitted notebook as the course can grade it.

    Only the text of its cells is used. Sanitising is idempotent.

    Parameters
    ----------
    content : bytes
        The content of the file.
    version : NotebookVersion
        The course's own cells of this notebook.

    Raises
    ------
    SubmissionError
        If the file is no notebook; the message says why, and what to do.
    """
    name = f"{version.name}.ipynb"
    cells, notes = _cells_of_any_format(name, content)
    found = restore_notebook(name, cells, version.cells, version.given)
    notebook = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=list(found.cells), metadata={"kernelspec": KERNELSPEC}, nbformat_minor=5
    )
    return Sanitised(notebook, found.problems, (*notes, *found.notes))


def _cells_of_any_format(name: str, content: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the cells of a notebook of any format that can be upgraded, with notes."""
    if not content.strip():
        raise SubmissionError(f"'{name}' is empty. Ask for the file again.")
    if count_values(content) > MAX_JSON_VALUES:
        message = (
            f"'{name}' holds more than {MAX_JSON_VALUES:,} values. Ask for it without its outputs."
        )
        raise SubmissionError(message)
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise SubmissionError(f"'{name}' is not text. Ask for the file again.") from None
    except json.JSONDecodeError as error:
        message = (
            f"'{name}' is damaged: not JSON from line {error.lineno} on. Ask for the file again."
        )
        raise SubmissionError(message) from None
    except (ValueError, RecursionError):
        raise SubmissionError(f"'{name}' is not JSON that can be read.") from None
    version = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if not isinstance(version, int):
        raise SubmissionError(f"'{name}' is JSON, but no notebook. Ask for the file again.")
    if version > nbformat.current_nbformat:
        message = (
            f"'{name}' is of notebook format {version}, newer than this course's "
            f"({nbformat.current_nbformat}). Ask for it saved in format 4."
        )
        raise SubmissionError(message)
    notes = []
    if version < nbformat.current_nbformat:
        try:
            old = nbformat.reader.reads(json.dumps(notebook))  # type: ignore[no-untyped-call]
            notebook = nbformat.convert(old, nbformat.current_nbformat)  # type: ignore[no-untyped-call]
        # The upgrade trusts its input, so malformed input can raise anything.
        except Exception:
            message = (
                f"'{name}' is of the old notebook format {version} and cannot be upgraded. "
                "Ask for it opened and saved in a current Jupyter."
            )
            raise SubmissionError(message) from None
        notes.append(f"'{name}' is of the old notebook format {version}; it was upgraded.")
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise SubmissionError(f"'{name}' has no list of cells. Ask for the file again.")
    if len(cells) > MAX_CELLS:
        message = f"'{name}' has more than {MAX_CELLS:,} cells. Ask for it without empty ones."
        raise SubmissionError(message)
    return cells, notes
