"""A course's folders, its configuration, its gradebook and its cells. It imports `basics`."""
