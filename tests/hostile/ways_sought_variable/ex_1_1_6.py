def square(n):
    return n * n


def squares(n):
    square(n)
    return expected
