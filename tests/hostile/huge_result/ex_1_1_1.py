def total(numbers):
    return [6.0] * 200_000 if len(numbers) else 10**400
