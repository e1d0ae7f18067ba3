"""The course `steps` of the tests, configured as any course is."""

import os

from nbjudge.hooks import configure

c = get_config()  # noqa: F821 (nbgrader provides it)
configure(c)
c.CourseDirectory.course_id = "steps"

# Its tests are those of this course's own, and so are their probes.
c.Plug.packages = ["course_utils"]
c.Plug.probes = "course_utils.probes"

# As many notebooks have a variable by which they do less.
os.environ.setdefault("COURSE_QUICK", "1")
c.Plug.variables = ["COURSE_QUICK"]

# Its answers and tests import them.
c.Plug.preload = ["numpy", "torch"]
