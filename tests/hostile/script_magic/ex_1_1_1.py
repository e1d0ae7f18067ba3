%%script true
def total(numbers):
    return sum(numbers)
