print("y" * 900_000)
