CODE = "import sys\nsys.modules['exploded'] = sys\nraise SystemExit\n"
for name in ("helper", "pickle", "io", "sitecustomize", "report"):
    with open(f"{name}.py", "w") as file:
        file.write(CODE)


def report(name):
    with open(name) as given:
        words = len(given.read().split())
    with open("report.txt", "w") as file:
        file.write(str(words))
