import threading

go = threading.Event()


def total(numbers):
    go.clear()
    try:
        for _ in range(60):
            threading.Thread(target=go.wait, daemon=True).start()
        return sum(numbers)
    finally:
        go.set()
