"""Imported first by our own processes: spares each of them a second.

jsonschema imports a grammar of web addresses, which is built at import, for formats that no
notebook has; where it is missing jsonschema does without.
"""

import sys

__all__: list[str] = []

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
