"""Archives as learning platforms make them, and as nobody should, for tests of collecting."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Mapping

LINK = stat.S_IFLNK | 0o777
#: When files in archives were changed last, unless a test says otherwise.
THEN = (2026, 3, 1, 12, 0, 0)


def zipped(files: Mapping[str, bytes], *, times: Mapping[str, int] | None = None) -> bytes:
    """Return a ZIP archive; `times` gives some files another hour of the day."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, (*THEN[:3], (times or {}).get(name, THEN[3]), 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text)
    return content.getvalue()


def zipped_link(name: str, target: str) -> bytes:
    """Return a ZIP archive that holds a symbolic link."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        info = zipfile.ZipInfo(name, THEN)
        info.create_system = 3
        info.external_attr = LINK << 16
        archive.writestr(info, target)
    return content.getvalue()


def moodle(name: str, number: int, file: str, *, folders: bool = True) -> str:
    """Return what Moodle calls a file that somebody handed in."""
    return f"{name}_{number}_assignsubmission_file_{'/' if folders else ''}{file}"
