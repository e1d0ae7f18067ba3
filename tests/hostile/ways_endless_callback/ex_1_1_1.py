def twice(f, x):
    while True:
        x = f(x)
