expected = 5
