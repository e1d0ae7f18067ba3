"""A course: its folders, configuration, gradebook, and the cells that it owns. Imports `basics`."""
