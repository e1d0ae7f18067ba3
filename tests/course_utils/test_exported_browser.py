"""The notebooks as the web pages that nbconvert makes of them: everybody can read these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.thorough]

SOURCE = Path(__file__).parents[2] / "source"
NAMES = (
    "optimisers/optimisers",
    "loss_functions/generalised_dice",
    "loss_functions/contrastive_loss",
)


@pytest.fixture(params=NAMES)
def exported(
    request: pytest.FixtureRequest,
    browser: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """Return the page of a notebook that was run, from top to bottom, on whatever data there is."""
    monkeypatch.setenv("COURSE_QUICK", "1")
    notebook = nbformat.read(SOURCE / f"{request.param}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    # The template that keeps the texts of pictures; the newer one has no place for them.
    text, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)
    path = tmp_path / "page.html"
    path.write_text(text, encoding="utf-8")
    page = browser.new_context(bypass_csp=True).new_page()
    page.route("http*://**", lambda route: route.abort())  # MathJax: nobody waits for it here
    page.goto(path.as_uri(), wait_until="load")
    return page


def test_an_exported_notebook_hinders_nobody_and_says_what_its_pictures_show(
    exported: Any, axe: str
) -> None:
    exported.evaluate(axe)
    # How code and the numbers beside it are coloured is nbconvert's choice.
    checked = exported.evaluate("axe.run({exclude: [['.highlight'], ['.prompt']]})")
    # In a film one picture lies over another, and has nothing to say of its own.
    texts = exported.eval_on_selector_all(
        "img:not(figure img + img)", "found => found.map(image => image.alt)"
    )

    assert len(checked["passes"]) > 20
    broken = [(rule["id"], rule["nodes"][0]["html"]) for rule in checked["violations"]]
    assert broken == []
    assert len(texts) >= 5
    assert [text for text in texts if len(text.split()) < 5] == []
