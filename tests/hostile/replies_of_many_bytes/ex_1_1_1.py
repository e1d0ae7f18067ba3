def total(numbers):
    return bytes(2**21)
