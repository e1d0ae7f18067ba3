def total(numbers):
    for _ in range(200):
        print("2.0" * 2**15)
    return 0


while True:
    try:
        print("2.0" * 2**15)
    except KeyboardInterrupt:
        break
