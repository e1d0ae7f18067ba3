"""What MkDocs does here beside its own: pages from the code, and pages that lie outside docs/.

Links are written as a code host follows them, from file to file; this makes them lead to the same
places within the site.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

from nbjudge.cli import manual
from nbjudge.pages.frame import DESIGN_TOKENS

ROOT = Path(__file__).resolve().parents[1]
#: Files of the repository that are pages of the site, and what they are called there.
BESIDE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
#: What stands for a part that is made from the code, and what makes it.
MADE = {
    "<!-- the commands -->": manual.commands,
    "<!-- the settings -->": manual.settings,
    "<!-- the limits -->": manual.limits,
}

#: What scrolls within a page when it is wide: tables, and the code of a block.
SCROLLS = re.compile(r"<table(?=[ >])|(?<=<pre>)(?:<span></span>)?<code(?=[ >])")
#: In a style sheet, what holds in light, and then what holds in dark.
ROOT_RULE = re.compile(r":root \{([^}]*)\}")
FENCE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?![a-z]+:|#)([^)\s]+)\)")
log = logging.getLogger("mkdocs.hooks")


def on_files(files: Any, config: Any) -> Any:
    """Take in the pages that a code host shows at the top of the repository."""
    for name, page in BESIDE.items():
        content = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_led(content, "", config.repo_url)))
    files.append(File.generated(config, "tokens.css", content=_tokens()))
    return files


def _tokens() -> str:
    """Return what the course's other pages are made of, in the scheme that a reader has chosen."""
    light, dark = ROOT_RULE.findall(DESIGN_TOKENS.read_text(encoding="utf-8"))
    return f':root {{{light}}}\n[data-md-color-scheme="slate"] {{{dark}}}\n'


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Fill in what is made from the code, and lead links to where the site has their targets."""
    for mark, make in MADE.items():
        if mark in markdown:
            markdown = markdown.replace(mark, make())
    if page.file.src_uri in BESIDE.values():
        return markdown
    return _led(markdown, "docs", config.repo_url)


def on_page_content(html: str, **_: Any) -> str:
    """Let the keyboard reach what scrolls, without the theme's script and before it has run."""
    return SCROLLS.sub(lambda found: f'{found[0]} tabindex="0"', html)


def on_post_page(output: str, **_: Any) -> str:
    """Give the theme's search dialogue the name that a screen reader says."""
    return output.replace('<div class="md-search"', '<div class="md-search" aria-label="Search"')


def on_post_template(output_content: str, **_: Any) -> str:
    """Do the same for the page that is shown where there is none."""
    return on_post_page(output_content)


def _led(markdown: str, folder: str, repository: str | None) -> str:
    """Rewrite the links of a page that lies in a folder of the repository.

    A link to a page of the site becomes that page's; any other file of the repository is a link
    where the configuration says where the repository can be seen, and its name alone otherwise.
    """

    def lead(found: re.Match[str]) -> str:
        text, target = found.groups()
        path, hash_sign, anchor = target.partition("#")
        place = posixpath.normpath(posixpath.join(folder, path))
        if place in BESIDE:
            return f"[{text}]({BESIDE[place]}{hash_sign}{anchor})"
        if place.startswith("docs/"):
            return f"[{text}]({place.removeprefix('docs/')}{hash_sign}{anchor})"
        if not (ROOT / place).exists():
            log.warning("a link leads to '%s', which is not in the repository", place)
        return f"[{text}]({repository.rstrip('/')}/{place})" if repository else text

    return "".join(
        part if part.startswith("```") else LINK.sub(lead, part) for part in FENCE.split(markdown)
    )
