"""The landscapes, and the numbers that the notebook tells of walks on them."""

import functools

import numpy as np
import pytest

from course_utils import landscapes
from course_utils import reference as right

EVERY = {
    "bowl": landscapes.bowl(7.0),
    "valley": landscapes.valley(),
    "two basins": landscapes.two_basins(),
}


@pytest.mark.parametrize("landscape", EVERY.values(), ids=EVERY)
def test_a_gradient_is_that_of_its_cost(landscape):
    w1, w2, h = *np.random.default_rng(0).uniform(-2, 2, size=(2, 20)), 1e-6

    slopes = landscape.gradient(w1, w2)

    walked = (
        (landscape.cost(w1 + h, w2) - landscape.cost(w1 - h, w2)) / (2 * h),
        (landscape.cost(w1, w2 + h) - landscape.cost(w1, w2 - h)) / (2 * h),
    )
    np.testing.assert_allclose(slopes, walked, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("landscape", EVERY.values(), ids=EVERY)
def test_the_minimum_is_the_lowest_point_of_the_map(landscape):
    grid = np.meshgrid(np.linspace(*landscape.w1_range, 401), np.linspace(*landscape.w2_range, 401))

    assert landscape.cost(*landscape.minimum) <= landscape.cost(*grid).min()
    np.testing.assert_allclose(landscape.gradient(*landscape.minimum), 0, atol=1e-3)


def test_a_walk_without_noise_takes_exact_steps_and_one_that_runs_away_ends():
    steps = landscapes.walk(landscapes.bowl(4), right.GradientDescent(0.1), 2)
    away = landscapes.walk(landscapes.bowl(4), right.GradientDescent(10.0), 500)

    np.testing.assert_allclose(steps, [[-4, 4], [-2.4, 3.6], [-1.44, 3.24]])
    assert len(away) < 20


def test_noise_is_that_of_its_seed():
    walks = [
        landscapes.walk(landscapes.valley(), right.GradientDescent(0.01), 5, noise=1.0, seed=seed)
        for seed in (0, 0, 1)
    ]

    np.testing.assert_array_equal(walks[0], walks[1])
    assert (walks[0][1:] != walks[2][1:]).all()


def test_who_only_rolls_through_the_minimum_has_not_arrived():
    bowl = landscapes.bowl(1)
    through = np.array([[4.0, 0.0], [0.0, 0.0], *[[3.0, 0.0]] * 20])
    stays = np.array([[4.0, 0.0], [3.0, 0.0], *[[0.0, 0.0]] * 11])

    assert landscapes.arrival(bowl, through) is None
    assert landscapes.arrival(bowl, stays) == 2


def updates(ratio, optimiser):
    bowl = landscapes.bowl(ratio)
    return landscapes.arrival(bowl, landscapes.walk(bowl, optimiser, 300))


def test_descent_slows_down_with_the_ratio_momentum_with_its_root_and_rmsprop_not_at_all():
    def momentum(ratio):
        root = ratio**0.5
        return right.Momentum(4 / (root + 1) ** 2, ((root - 1) / (root + 1)) ** 2)

    found = {
        ratio: (
            updates(ratio, right.GradientDescent(2 / (ratio + 1))),
            updates(ratio, momentum(ratio)),
            updates(ratio, right.RMSProp(0.5, 0.9)),
        )
        for ratio in (4, 25, 100)
    }

    assert found[4][0] * 20 < found[100][0] < found[4][0] * 30
    assert found[25][1] * 1.7 < found[100][1] < found[25][1] * 2.3
    assert len({times[2] for times in found.values()}) == 1


@pytest.mark.parametrize(("noise", "out_of_fifty"), [(0, 0), (2, 0), (4, 10), (6, 37), (8, 28)])
def test_noise_shakes_descent_out_of_the_poor_basin(noise, out_of_fifty):
    walk = functools.partial(landscapes.walk, landscapes.two_basins(), noise=noise)

    ends = [walk(right.GradientDescent(0.05), 300, seed=seed)[-1, 0] for seed in range(50)]

    assert sum(end < 0 for end in ends) == out_of_fifty
