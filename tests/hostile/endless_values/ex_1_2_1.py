import itertools


class Momentum:
    def __init__(self, learning_rate, beta):
        pass

    def __call__(self, w1, w2, w1_grad, w2_grad):
        return itertools.repeat(w1 - w1_grad)
