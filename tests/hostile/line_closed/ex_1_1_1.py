import os

os.close(get_ipython().kernel.line.fileno())


def total(numbers):
    return sum(numbers)
