"""What a process has only once is the same after a test as before it, there and here."""

from __future__ import annotations

import builtins
import decimal
import gc
import locale
import logging
import math
import os
import random
import resource
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import sklearn
import torch

from nbjudge.exceptions import CourseError
from nbjudge.judge.judge import Test, judge
from nbjudge.kernel import switches
from nbjudge.kernel.service import Service
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.channel import KernelChannel


@pytest.fixture(autouse=True)
def _everything_back() -> Iterator[None]:
    with switches.keep_switches():
        yield


#: What an answer switches, and an expression that shows it.
SWITCHED = {
    "torch.set_default_dtype(torch.float64)": "torch.ones(1).dtype",
    "torch.set_default_device('meta')": "str(torch.ones(1).device)",
    "torch.set_grad_enabled(False)": "torch.is_grad_enabled()",
    "sys.mode = torch.inference_mode(); sys.mode.__enter__()": "torch.is_inference_mode_enabled()",
    "torch.no_grad().__enter__()": "torch.is_grad_enabled()",
    "torch.set_num_threads(torch.get_num_threads() + 1)": "torch.get_num_threads()",
    "torch.use_deterministic_algorithms(True)": "torch.are_deterministic_algorithms_enabled()",
    "torch.set_float32_matmul_precision('medium')": "torch.get_float32_matmul_precision()",
    "torch.autograd.set_detect_anomaly(True)": "torch.is_anomaly_enabled()",
    "torch.set_printoptions(precision=1)": "str(torch.tensor(1 / 3))",
    "torch.set_autocast_enabled('cpu', True)": "torch.is_autocast_enabled('cpu')",
    "torch.manual_seed(8731)": "torch.initial_seed()",
    "np.random.seed(8731)": "np.random.get_state()[1][:5].tolist()",
    "np.random.rand(7)": "np.random.get_state()[2]",
    "random.seed(8731)": "random.getstate()",
    "np.seterr(all='raise')": "np.geterr()",
    "np.seterrcall(print)": "np.geterrcall()",
    "np.set_printoptions(precision=1)": "str(np.array([1 / 3]))",
    "warnings.simplefilter('error')": "warnings.filters[0]",
    "warnings.resetwarnings()": "len(warnings.filters)",
    "warnings.catch_warnings().__enter__(); warnings.simplefilter('error')": "warnings.filters[0]",
    "warnings.showwarning = print": "warnings.showwarning",
    "pd.set_option('display.max_rows', 3)": "pd.get_option('display.max_rows')",
    "mpl.rcParams['lines.linewidth'] = 9": "mpl.rcParams['lines.linewidth']",
    "decimal.getcontext().prec = 3": "decimal.getcontext().prec",
    "decimal.getcontext().traps[decimal.Inexact] = True": "str(decimal.getcontext())",
    "decimal.getcontext().Emax = 3": "str(decimal.getcontext())",
    "decimal.getcontext().capitals = 0": "str(decimal.Decimal('1E+30'))",
    "builtins.sum = max": "sum([1, 2])",
    "del builtins.zip": "hasattr(builtins, 'zip')",
    "builtins.mine = 1": "hasattr(builtins, 'mine')",
    "math.pi = 3": "math.pi",
    "np.mean = np.median": "np.mean is np.median",
    "decimal.Decimal = float": "decimal.Decimal is float",
    "torch.relu = torch.abs": "torch.relu is torch.abs",
    "torch.Tensor.mean = torch.Tensor.sum": "torch.ones(2).mean()",
    "torch.Tensor.__sub__ = torch.Tensor.__add__": "torch.ones(1) - torch.ones(1)",
    "All().__enter__()": "str(torch.add(one, 1))",
    "All().__enter__(); torch.set_default_device('meta')": "str(torch.add(one, 1))",
    "random.random = lambda: 4": "random.random() == 4",
    "sys.modules['statistics'] = random": "sys.modules['statistics'] is random",
    "del sys.modules['statistics']": "'statistics' in sys.modules",
    "os.umask(0o007)": "[mask := os.umask(0), os.umask(mask)][0]",
    "files = resource.RLIMIT_NOFILE; "
    "resource.setrlimit(files, (200, resource.getrlimit(files)[1]))": "resource.getrlimit("
    "resource.RLIMIT_NOFILE)",
    "signal.signal(signal.SIGALRM, signal.SIG_IGN)": "signal.getsignal(signal.SIGALRM)",
    "signal.signal(signal.SIGINT, print)": "signal.getsignal(signal.SIGINT)",
    "logging.disable(logging.ERROR)": "logging.root.manager.disable",
    "logging.root.setLevel(1)": "logging.root.level",
    "logging.root.addHandler(logging.NullHandler())": "len(logging.root.handlers)",
    "socket.setdefaulttimeout(0.5)": "socket.getdefaulttimeout()",
    "sys.excepthook = print": "sys.excepthook",
    "threading.excepthook = print": "threading.excepthook",
    "sys.setswitchinterval(0.5)": "sys.getswitchinterval()",
    "os.environ['TZ'] = 'Asia/Kolkata'; time.tzset()": "time.tzname",
    "np.setbufsize(16)": "np.getbufsize()",
    "sklearn.set_config(assume_finite=True)": "sklearn.get_config()['assume_finite']",
    "torch.set_warn_always(True)": "torch.is_warn_always_enabled()",
    "torch.distributions.Distribution.set_default_validate_args(False)": "torch.distributions."
    "Distribution._validate_args",
    "torch.nn.modules.module.register_module_forward_hook(lambda *_: torch.zeros(7))": "torch.nn."
    "Identity()(torch.ones(1)).shape",
    "locale.setlocale(locale.LC_TIME, 'C.UTF-8')": "locale.setlocale(locale.LC_TIME)",
    "os.chdir(tempfile.gettempdir() + '/..')": "os.getcwd()",
    "os.environ['HOME'] = '/nowhere'": "os.environ['HOME']",
    "os.environ.clear()": "len(os.environ)",
    "sys.path.insert(0, '/nowhere')": "sys.path[0]",
    "sys.path.clear()": "len(sys.path)",
    "sys.setrecursionlimit(5000)": "sys.getrecursionlimit()",
    "sys.set_int_max_str_digits(0)": "sys.get_int_max_str_digits()",
    "sys.stdout = None": "sys.stdout is None",
    "sys.setprofile(print)": "sys.getprofile()",
    "gc.disable()": "gc.isenabled()",
    "gc.set_threshold(1, 1, 1)": "gc.get_threshold()",
}


class All(torch.overrides.TorchFunctionMode):
    """Is asked about all that PyTorch is to do, and does something else."""

    def __torch_function__(self, *_: Any, **__: Any) -> str:
        return "nothing"


NAMES = {
    **{"All": All, "one": torch.ones(1)},
    **{"decimal": decimal, "gc": gc, "os": os, "random": random, "sys": sys, "np": np, "pd": pd},
    **{"builtins": builtins, "locale": locale, "logging": logging, "math": math},
    **{"resource": resource, "signal": signal, "socket": socket, "sklearn": sklearn},
    **{"statistics": statistics, "threading": threading, "time": time},
    **{"warnings": warnings, "torch": torch, "mpl": mpl, "tempfile": tempfile},
}


def shown(expression: str) -> Any:
    return eval(expression, dict(NAMES))


@pytest.mark.parametrize(("statement", "expression"), SWITCHED.items())
def test_what_an_answer_switches_is_put_back(statement: str, expression: str) -> None:
    before = shown(expression)
    state = switches.read_switches()
    exec(statement, dict(NAMES))
    assert shown(expression) != before

    switches.put_back(state)

    assert shown(expression) == before


@pytest.mark.parametrize("spoilt", ["getcwd", "chdir"])
def test_what_somebody_replaced_is_left_alone(monkeypatch: Any, spoilt: str) -> None:
    state = switches.read_switches()
    monkeypatch.setattr(os, spoilt, None)
    random.seed(1)

    switches.put_back({**switches.read_switches(), **state})

    assert random.getstate() == state["Python's generator"]


def line_to(service: Service) -> KernelChannel:
    return KernelChannel(lambda request, _: service.answer(request), Limits())


def answers(source: str) -> Service:
    namespace: dict[str, Any] = dict(NAMES)
    exec(source, namespace)
    service = Service(namespace)
    line_to(service).ask("start", seed=1)
    return service


SWITCHES = """
def answer(x):
    torch.set_default_dtype(torch.float64)
    np.seterr(all='raise')
    torch.set_grad_enabled(False)
    return x

def other():
    return str(torch.ones(1).dtype), np.geterr()['over']
"""


def test_the_next_test_and_the_next_cell_see_nothing_of_what_an_answer_switched() -> None:
    service = answers(SWITCHES)
    test = "assert other() == ('torch.float32', 'warn')\nanswer(1)"

    for _ in range(2):
        assert judge(Test("1.1.1", test, 1.0), line_to(service)).mark == 1
    service.end()

    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()
    assert np.geterr()["over"] == "warn"


def test_the_notebook_goes_on_with_its_own_switches_and_generators() -> None:
    service = answers(SWITCHES)
    torch.set_default_dtype(torch.float64)
    np.random.seed(5)
    drawn = np.random.RandomState(5).rand()

    line_to(service).ask("begin", names=["answer"], seed=1)["answer"](1)
    service.end()

    assert torch.get_default_dtype() == torch.float64
    assert np.random.rand() == drawn


@pytest.mark.parametrize(
    ("seen", "mark"),
    [("'torch.float32', 'warn'", 1), ("'torch.float64', 'raise'", 1), ("'torch.half', 'warn'", 0)],
)
def test_an_answer_is_judged_with_the_usual_switches_and_with_the_notebooks_own(
    seen: str, mark: int
) -> None:
    service = answers(SWITCHES)
    torch.set_default_dtype(torch.float64)
    np.seterr(over="raise")

    verdict = judge(Test("1.1.1", f"assert other() == ({seen})", 1.0), line_to(service))

    assert verdict.mark == mark


def test_a_kernel_that_is_lost_the_second_time_is_lost_and_the_first_verdict_stands() -> None:
    service = answers(SWITCHES)
    torch.set_default_dtype(torch.float64)
    begun: list[Any] = []

    def exchange(request: bytes, _: float) -> bytes:
        if b"begin" in request:
            begun.append(request)
        if len(begun) > 1:
            raise CourseError("it is gone")
        return service.answer(request)

    line = KernelChannel(exchange, Limits())
    verdict = judge(Test("1.1.1", "other()\nassert False, 'first'", 1.0), line)

    assert "first" in verdict.reason
    assert verdict.lost
    assert line.broken is not None


def test_who_switches_nothing_that_matters_is_not_judged_twice() -> None:
    service = answers(SWITCHES)
    sys.path.append("/nowhere")
    np.set_printoptions(precision=2)
    torch.manual_seed(3)
    line = line_to(service)
    judge(Test("1.1.1", "other()", 1.0), line)

    assert not line.has_switched()


def test_what_a_test_switches_here_does_not_reach_the_next_one() -> None:
    service = answers(SWITCHES)
    test = "import numpy as np, torch\nnp.seterr(all='raise')\n"
    test += "torch.set_default_dtype(torch.float64)\ntorch.manual_seed(1)"
    torch.manual_seed(7)

    judge(Test("1.1.1", test, 1.0), line_to(service))

    assert torch.get_default_dtype() == torch.float32
    assert torch.initial_seed() == 7
    assert np.geterr()["over"] == "warn"
