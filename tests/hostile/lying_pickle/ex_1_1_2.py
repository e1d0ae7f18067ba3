class Becoming:
    def __init__(self, numbers):
        self.mean = sum(numbers) / len(numbers)

    def __reduce__(self):
        return float, (self.mean,)


def mean(numbers):
    return Becoming(numbers)
