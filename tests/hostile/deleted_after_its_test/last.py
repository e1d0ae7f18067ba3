del total
mean = None
