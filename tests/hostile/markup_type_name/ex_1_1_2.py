Loud = type("<script>alert(1)</script>\x1b[2J[bold]{}%s", (), {})


def mean(numbers):
    return Loud()
