"""A course: its folders, configuration, gradebook and cells. It imports `basics`."""
