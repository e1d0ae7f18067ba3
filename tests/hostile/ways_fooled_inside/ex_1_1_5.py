def square(n):
    return n * n


def squares(n):
    return 5
