"""The course `steps` of the tests: the settings of the real course, word for word.

They are read with this file's own `c` and `__file__`, so a copy of it is a course too.
"""

from pathlib import Path

import course_utils

settings = Path(course_utils.__file__).parents[1] / "nbgrader_config.py"
exec(settings.read_text(encoding="utf-8"))
