"""The process that forks kernels, each in namespaces of its own. It imports `shell` and below."""
