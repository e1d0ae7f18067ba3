"""What all tests have in common: no network, and no setting of the shell that would change them."""

import os
from pathlib import Path

# Read by the tests' own processes and by every kernel that they start.
os.environ["COURSE_OFFLINE"] = "1"
for name in ("COURSE_QUICK", "MPLBACKEND", "NBGRADER_EXECUTION"):
    os.environ.pop(name, None)
if folder := os.environ.get("COURSE_DATA_DIR"):
    os.environ["COURSE_DATA_DIR"] = str(Path(folder).resolve())
