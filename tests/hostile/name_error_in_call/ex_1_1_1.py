def total(numbers):
    raise NameError("name 'total' is not defined", name="total")
