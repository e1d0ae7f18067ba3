"""An nbgrader preprocessor that puts broken code for students to repair into answer cells."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

from nbjudge.exceptions import ReleaseError
from nbjudge.release import source

__all__ = ["UseStarter"]


class UseStarter(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Replace a cleared answer cell by its starter, for cells that have one.

    A starter is commented out in the source notebook, above the solution:

        ### BEGIN STARTER
        # def double(x):
        #     return x + x + x
        ### END STARTER
        ### BEGIN SOLUTION
        def double(x):
            return 2 * x
        ### END SOLUTION

    The student's cell becomes the starter without its comment signs, and nothing else. The step
    belongs after `ClearSolutions`, and before `ComputeChecksums` and `SaveCells`, so that nbgrader
    can distinguish an untouched starter from an answer.
    """

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], cell_index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the cell, with its starter for source if it has one.

        Raises
        ------
        ReleaseError
            If the starter is empty, not closed, not commented out, or not in an answer cell.
        """
        try:
            starter = source.starter(cell)
        except ReleaseError as error:
            raise ReleaseError(f"{resources['nbgrader']['notebook']}.ipynb: {error}") from None
        if starter is None:
            return cell, resources
        if is_grade(cell) or not is_solution(cell):
            message = (
                f"{resources['nbgrader']['notebook']}.ipynb: cell "
                f"'{source.grade_id(cell) or cell.id}' has a starter and is no answer cell. "
                "Make it an autograded answer, or move the starter to one."
            )
            raise ReleaseError(message)
        cell.source = starter
        return cell, resources
