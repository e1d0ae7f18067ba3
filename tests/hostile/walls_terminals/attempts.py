import os


def try_many_terminals():
    opened = []
    try:
        for _ in range(40):
            opened += os.openpty()
    finally:
        for end in opened:
            os.close(end)
    return True
