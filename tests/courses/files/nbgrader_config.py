"""A course of the tests in which answers write files, configured as any course is."""

from nbjudge.hooks import configure

c = get_config()  # noqa: F821 (nbgrader provides it)
configure(c)
c.CourseDirectory.course_id = "files"
