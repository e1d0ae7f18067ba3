"""Limits follow from what the solution needs and the machine has, and settings win."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nbjudge.fork_server.usage import Usage
from nbjudge.sandbox import fitted_limits
from nbjudge.sandbox.fitted_limits import (
    derive_limits,
    fit_limits,
    fitting_workers,
    needs,
    share,
    usage_of_both,
)
from nbjudge.sandbox.limits import Limits

USED = Usage(memory_megabytes=400, cpu_seconds=3, wall_seconds=200, processes=20, disk_megabytes=1)


def test_a_submission_may_take_four_times_what_the_solution_took() -> None:
    found = derive_limits(Limits(), needs([USED]))

    assert found == replace(
        Limits(),
        memory_megabytes=2048,
        processes=96,
        notebook_seconds=900,
        cpu_seconds=300,  # the floor
        disk_megabytes=128,  # the floor
    )


def test_what_somebody_set_stays() -> None:
    set_by_hand = Limits(memory_megabytes=5000, processes=7)

    found = derive_limits(set_by_hand, needs([USED]), fixed={"memory_megabytes", "processes"})

    assert (found.memory_megabytes, found.processes) == (5000, 7)


def test_without_a_measurement_the_stated_limits_hold() -> None:
    assert derive_limits(Limits(), {}) == Limits()
    assert derive_limits(Limits(), needs([Usage()])) == Limits()


@pytest.mark.parametrize("noise", [0.9, 0.97, 1.0, 1.03, 1.1])
def test_another_measurement_makes_the_same_limits(noise: float) -> None:
    again = Usage(440 * noise, 3 * noise, 190 * noise, 18, 1.5 * noise)

    assert derive_limits(Limits(), needs([again])) == derive_limits(
        Limits(), needs([replace(again, processes=17)])
    )
    assert derive_limits(Limits(), needs([again])).memory_megabytes == 2048


def test_what_a_busy_machine_made_the_solution_wait_makes_no_limit_larger() -> None:
    waited = replace(USED, wall_seconds=USED.wall_seconds + 700, waiting_seconds=700)

    assert needs([waited]) == needs([USED])


def test_kernels_one_after_the_other_add_up_in_time_alone() -> None:
    waited = replace(USED, waiting_seconds=4)
    assert usage_of_both(waited, replace(waited, memory_megabytes=500, processes=3)) == Usage(
        memory_megabytes=500,
        cpu_seconds=6,
        wall_seconds=400,
        processes=20,
        disk_megabytes=1,
        waiting_seconds=8,
    )


@pytest.mark.parametrize("processors", [1, 2, 4, 8, 64])
@pytest.mark.parametrize("megabytes", [4096, 8192, 16384, 65536])
def test_all_workers_together_fit_into_the_machine(processors: int, megabytes: int) -> None:
    workers = fitting_workers(processors, megabytes)

    each = share(workers, megabytes)
    assert 1 <= workers <= processors
    assert (
        workers * (each + fitted_limits.OF_WORKER) + fitted_limits.RESERVED_MEGABYTES <= megabytes
    )
    assert each >= fitted_limits.LEAST_MEGABYTES


@pytest.mark.parametrize(
    ("workers", "limits", "megabytes"),
    [
        ("2", Limits(), 3072),
        ("", Limits(), 4096),
        ("6", Limits(), 682),
        ("8", Limits(), 512),
        ("2", Limits(memory_megabytes=300), 300),
        ("2", Limits(memory_megabytes=9000, fits_machine=False), 9000),
    ],
)
def test_a_kernel_gets_its_share_of_a_laptop(
    monkeypatch: pytest.MonkeyPatch, workers: str, limits: Limits, megabytes: int
) -> None:
    monkeypatch.setattr(fitted_limits, "megabytes_here", lambda: 8192)
    monkeypatch.setenv(fitted_limits.WORKERS, workers)

    assert fit_limits(limits).memory_megabytes == megabytes


def test_this_machine_has_memory() -> None:
    assert 256 < fitted_limits.megabytes_here() <= 2**20


def test_each_notebook_may_take_what_the_one_takes_that_takes_most() -> None:
    other = replace(USED, memory_megabytes=100, cpu_seconds=50)

    found = needs([USED, other])

    assert (found["memory_megabytes"], found["cpu_seconds"]) == (400, 50)
    assert needs([]) == {}
