"""What a process has only once, so that whoever changes it changes it for all that follows.

The default dtype of tensors, filters of warnings, random generators, printing options, the working
directory: a test reads them all before it begins and puts them back when it has ended. Of libraries
only those are looked at that somebody has imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

__all__ = [
    "State",
    "changed_switches",
    "generators",
    "keep_switches",
    "make_usual",
    "put_back",
    "read",
    "set_generators",
]

#: The values of switches, by their names.
State = Mapping[str, Any]

#: The names of the switches that are generators.
GENERATORS = ("Python's generator", "NumPy's generator", "PyTorch's generator")

#: Modes of PyTorch that were entered here; they end where nobody holds them.
_entered: list[Any] = []


@dataclass(frozen=True)
class _Switch:
    """Something that a process has only once.

    Parameters
    ----------
    name : str
    module : str
        Which module it belongs to; it is passed to both functions.
    read, write : callable
        Return its value, and set it to one.
    is_compared : bool
        Whether it is written only if it has changed. Of some that is more work than writing.
    is_usual : bool
        Whether a test begins with the value that the process had at its start: these change what a
        right answer returns, or whether it raises.
    usual : object
        That value, where it is known although the module may be imported later.
    """

    name: str
    module: str
    read: Callable[[Any], Any]
    write: Callable[[Any, Any], object]
    is_compared: bool = True
    is_usual: bool = False
    usual: Any = None


def _set_filters(warnings: Any, value: Any) -> None:
    filters, warnings.showwarning = value
    warnings.filters = list(filters)
    with warnings.catch_warnings():  # leaving it tells Python that the filters are others
        pass


def _set_decimal(decimal: Any, value: Any) -> None:
    context = decimal.getcontext()
    context.prec, context.rounding, traps = value
    for signal, is_on in traps.items():
        context.traps[signal] = is_on


def _set_environment(os: Any, value: Any) -> None:
    for name in os.environ.keys() - value.keys():
        del os.environ[name]
    os.environ.update(value)


def _set_collection(gc: Any, value: Any) -> None:
    is_on, threshold = value
    (gc.enable if is_on else gc.disable)()
    gc.set_threshold(*threshold)


def _set_streams(sys: Any, value: Any) -> None:
    sys.stdin, sys.stdout, sys.stderr = value


def _set_tracing(sys: Any, value: Any) -> None:
    sys.settrace(value[0])
    sys.setprofile(value[1])


def _set_alarm(signal: Any, is_set: bool) -> None:
    if not is_set:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _set_inference(torch: Any, value: bool) -> None:
    mode = torch.inference_mode(value)
    mode.__enter__()
    _entered[:] = [mode]


def _options(pandas: Any) -> dict[str, Any]:
    """Return pandas' options, by their full names."""
    found: dict[str, Any] = {}
    places = [("", pandas._config.config._global_config)]
    while places:
        prefix, place = places.pop()
        for name, value in place.items():
            if isinstance(value, dict):
                places.append((f"{prefix}{name}.", value))
            else:
                found[prefix + name] = value
    return found


def _set_options(pandas: Any, value: Any) -> None:
    for name, now in _options(pandas).items():
        if now != value[name]:
            pandas.set_option(name, value[name])


#: In the order in which they are put back: entering or leaving inference mode sets gradients too.
_SWITCHES = (
    _Switch(
        "the recursion limit",
        "sys",
        lambda m: m.getrecursionlimit(),
        lambda m, value: m.setrecursionlimit(value),
        is_usual=True,
    ),
    _Switch(
        "the longest integer that is printed",
        "sys",
        lambda m: m.get_int_max_str_digits(),
        lambda m, value: m.set_int_max_str_digits(value),
        is_usual=True,
    ),
    _Switch("the path of modules", "sys", lambda m: list(m.path), lambda m, v: _fill(m.path, v)),
    _Switch("the standard streams", "sys", lambda m: (m.stdin, m.stdout, m.stderr), _set_streams),
    _Switch("tracing", "sys", lambda m: (m.gettrace(), m.getprofile()), _set_tracing),
    _Switch("the working directory", "os", lambda m: m.getcwd(), lambda m, value: m.chdir(value)),
    _Switch("environment variables", "os", lambda m: m.environ.copy(), _set_environment),
    _Switch("an alarm", "signal", lambda m: m.getitimer(m.ITIMER_REAL)[0] > 0, _set_alarm),
    _Switch("garbage", "gc", lambda m: (m.isenabled(), m.get_threshold()), _set_collection),
    _Switch(
        "filters of warnings",
        "warnings",
        lambda m: (list(m.filters), m.showwarning),
        _set_filters,
        is_usual=True,
    ),
    _Switch(
        "the locale",
        "locale",
        lambda m: m.setlocale(m.LC_ALL),
        lambda m, value: m.setlocale(m.LC_ALL, value),
        is_usual=True,
    ),
    _Switch(
        "decimal arithmetic",
        "decimal",
        lambda m: ((c := m.getcontext()).prec, c.rounding, dict(c.traps)),
        _set_decimal,
        is_usual=True,
    ),
    _Switch("Python's generator", "random", lambda m: m.getstate(), lambda m, v: m.setstate(v)),
    _Switch(
        "NumPy's generator",
        "numpy",
        lambda m: m.random.get_state(),
        lambda m, value: m.random.set_state(value),
        is_compared=False,
    ),
    _Switch(
        "NumPy's errors",
        "numpy",
        lambda m: m.geterr(),
        lambda m, value: m.seterr(**value),
        is_usual=True,
    ),
    _Switch(
        "what NumPy calls on errors",
        "numpy",
        lambda m: m.geterrcall(),
        lambda m, value: m.seterrcall(value),
    ),
    _Switch(
        "NumPy's printing",
        "numpy",
        lambda m: m.get_printoptions(),
        lambda m, value: m.set_printoptions(**value),
    ),
    _Switch("pandas' options", "pandas", _options, _set_options),
    _Switch(
        "matplotlib's settings",
        "matplotlib",
        # Without its own methods, which choose a backend and check each value.
        lambda m: dict(dict.items(m.rcParams)),
        lambda m, value: dict.update(m.rcParams, value),
        is_compared=False,
    ),
    _Switch(
        "PyTorch's generator",
        "torch",
        lambda m: m.default_generator.get_state(),
        lambda m, value: m.default_generator.set_state(value),
        is_compared=False,
    ),
    _Switch(
        "PyTorch's default dtype",
        "torch",
        lambda m: str(m.get_default_dtype()),
        lambda m, value: m.set_default_dtype(getattr(m, value.removeprefix("torch."))),
        is_usual=True,
        usual="torch.float32",
    ),
    _Switch(
        "PyTorch's default device",
        "torch",
        lambda m: str(m.get_default_device()),
        lambda m, value: m.set_default_device(None if value == "cpu" else value),
        is_usual=True,
        usual="cpu",
    ),
    _Switch(
        "PyTorch's inference mode",
        "torch",
        lambda m: m.is_inference_mode_enabled(),
        _set_inference,
        is_usual=True,
        usual=False,
    ),
    _Switch(
        "PyTorch's gradients",
        "torch",
        lambda m: m.is_grad_enabled(),
        lambda m, value: m.set_grad_enabled(value),
        is_usual=True,
        usual=True,
    ),
    _Switch(
        "PyTorch's automatic precision",
        "torch",
        lambda m: m.is_autocast_enabled("cpu"),
        lambda m, value: m.set_autocast_enabled("cpu", value),
        is_usual=True,
        usual=False,
    ),
    _Switch(
        "PyTorch's precision of products",
        "torch",
        lambda m: m.get_float32_matmul_precision(),
        lambda m, value: m.set_float32_matmul_precision(value),
        is_usual=True,
        usual="highest",
    ),
    _Switch(
        "PyTorch's deterministic algorithms",
        "torch",
        lambda m: (
            m.are_deterministic_algorithms_enabled(),
            m.is_deterministic_algorithms_warn_only_enabled(),
        ),
        lambda m, value: m.use_deterministic_algorithms(value[0], warn_only=value[1]),
        is_usual=True,
        usual=(False, False),
    ),
    _Switch(
        "PyTorch's search for anomalies",
        "torch",
        lambda m: (m.is_anomaly_enabled(), m.is_anomaly_check_nan_enabled()),
        lambda m, value: m.autograd.set_detect_anomaly(*value),
        is_usual=True,
        usual=(False, True),
    ),
    _Switch(
        "PyTorch's threads",
        "torch",
        lambda m: m.get_num_threads(),
        lambda m, value: m.set_num_threads(value),
    ),
    _Switch(
        "PyTorch's printing",
        "torch",
        lambda m: m._tensor_str.get_printoptions(),
        lambda m, value: m.set_printoptions(**value),
    ),
)


def _fill(items: Any, value: list[Any]) -> None:
    items[:] = value


def read() -> State:
    """Return how all switches stand."""
    found = {}
    for switch in _SWITCHES:
        if (module := sys.modules.get(switch.module)) is not None:
            # Whoever runs here may have replaced anything: what cannot be read is left alone.
            with suppress(Exception):
                found[switch.name] = switch.read(module)
    return found


def put_back(state: State) -> None:
    """Put all switches of a state back to what they were."""
    for switch in _SWITCHES:
        if switch.name in state:
            _write(switch, state[switch.name])


def make_usual(start: State) -> None:
    """Put those switches to what they were at the start that change what right answers do."""
    for switch in _SWITCHES:
        if switch.is_usual and (value := _usual(switch, start)) is not None:
            _write(switch, value)


def changed_switches(state: State, start: State) -> list[str]:
    """Return the names of those switches that were not, in a state, what they were at the start."""
    return [
        switch.name
        for switch in _SWITCHES
        if switch.is_usual
        and switch.name in state
        and (value := _usual(switch, start)) is not None
        and state[switch.name] != value
    ]


def _usual(switch: _Switch, start: State) -> Any:
    return start.get(switch.name) if switch.usual is None else switch.usual


def _write(switch: _Switch, value: Any) -> None:
    if (module := sys.modules.get(switch.module)) is not None:
        with suppress(Exception):
            if switch.is_compared and switch.read(module) == value:
                return
            switch.write(module, value)


def generators() -> State:
    """Return the states of the random generators that everybody in a process shares."""
    found = {}
    for switch in _SWITCHES:
        if switch.name in GENERATORS and (module := sys.modules.get(switch.module)) is not None:
            with suppress(Exception):
                found[switch.name] = switch.read(module)
    return found


def set_generators(state: object) -> bool:
    """Set random generators to states of another process, and say whether it was possible."""
    if not isinstance(state, dict):
        return False
    for switch in _SWITCHES:
        if switch.name in GENERATORS and switch.name in state:
            module = sys.modules.get(switch.module)
            try:
                if module is not None:
                    switch.write(module, state[switch.name])
            except Exception:  # whatever a library makes of what is no state
                return False
    return True


@contextmanager
def keep_switches() -> Iterator[None]:
    """Put all switches back afterwards to what they were before."""
    state = read()
    try:
        yield
    finally:
        put_back(state)
