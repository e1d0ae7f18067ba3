"""What all tests have in common: no network, and no setting of the shell that would change them."""

import os
import sysconfig
from pathlib import Path

# nbgrader starts `alembic` by name to make a gradebook, also where no environment is activated.
os.environ["PATH"] = os.pathsep.join(
    [sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)]
)

# Read by the tests' own processes and by every kernel that they start.
os.environ["COURSE_OFFLINE"] = "1"
for name in ("COURSE_QUICK", "MPLBACKEND", "NBGRADER_EXECUTION"):
    os.environ.pop(name, None)
if folder := os.environ.get("COURSE_DATA_DIR"):
    os.environ["COURSE_DATA_DIR"] = str(Path(folder).resolve())
