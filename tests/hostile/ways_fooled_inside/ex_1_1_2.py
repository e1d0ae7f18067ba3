def sort(items):
    pass
