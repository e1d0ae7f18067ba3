"""Switches: the global state of a process, which a change by one test would leave to the next.

Examples are PyTorch's default dtype, warning filters, random generators, printing options and the
working directory. All of them are read before a test and restored after it. Libraries are included
only if they are imported.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from typing import Any

__all__ = [
    "SwitchState",
    "changed_switches",
    "generators",
    "keep_switches",
    "make_usual",
    "put_back",
    "read_switches",
    "set_generators",
]

#: The values of switches, by their names.
SwitchState = Mapping[str, Any]

#: The names of the switches that are generators.
GENERATOR_NAMES = ("Python's generator", "NumPy's generator", "PyTorch's generator")

#: Attributes of a decimal context, beside its traps.
DECIMAL = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
#: Signals for which programs commonly set handlers.
WATCHED_SIGNALS = (
    *("ABRT", "ALRM", "CHLD", "FPE", "HUP", "INT", "PIPE", "PROF", "QUIT"),
    *("SEGV", "TERM", "USR1", "USR2", "VTALRM", "XCPU"),
)
#: Modules in which code commonly replaces functions or changes constants.
PATCHED = (
    *("collections", "copy", "decimal", "fractions", "functools", "itertools", "json", "math"),
    *("operator", "os", "random", "statistics", "time", "numpy", "numpy.linalg", "numpy.random"),
    *("torch", "torch.linalg", "torch.nn.functional"),
)
#: The names under which PyTorch keeps hooks for all modules of networks.
HOOKS = tuple(
    f"_global_{name}"
    for name in (
        *("backward_pre_hooks", "backward_hooks", "is_full_backward_hook", "forward_pre_hooks"),
        *("forward_hooks", "forward_hooks_always_called", "forward_hooks_with_kwargs"),
        *("buffer_registration_hooks", "module_registration_hooks"),
        "parameter_registration_hooks",
    )
)

#: The inference mode that was entered here: PyTorch leaves it when nothing refers to it any more.
_entered: list[Any] = []


@dataclass(frozen=True)
class _Switch:
    """One piece of global state.

    Parameters
    ----------
    name : str
    module : str
        The module that it belongs to, which is passed to both functions.
    read, write : callable
        Return its value, and set it to a value.
    is_compared : bool
        Whether it is written only if it has changed; for some, comparing costs more than writing.
    is_usual : bool
        Whether a test begins with the value that the process had at its start. This is so for
        switches that change what a right answer returns, or whether it raises.
    usual : object
        The value at the start, if the module may be imported only later.
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
    with warnings.catch_warnings():  # leaving it invalidates Python's cache of the filters
        pass


def _set_decimal(decimal: Any, value: Any) -> None:
    context = decimal.getcontext()
    settings, traps = value
    for name, setting in settings.items():
        setattr(context, name, setting)
    for signal, is_on in traps.items():
        context.traps[signal] = is_on


def _set_environment(os: Any, value: Any) -> None:
    zone = os.environ.get("TZ")
    for name in os.environ.keys() - value.keys():
        del os.environ[name]
    os.environ.update(value)
    if zone != value.get("TZ"):
        time.tzset()  # Windows lacks it, but there the variable has no effect either


def _umask(os: Any) -> int:
    value: int = os.umask(0o077)  # it can be read only by setting it
    os.umask(value)
    return value


def _set_builtins(builtins: Any, value: dict[str, Any]) -> None:
    names = vars(builtins)
    for name in names.keys() - value.keys():
        del names[name]
    names.update(value)


def _contents(_: Any) -> dict[str, dict[str, Any]]:
    return {name: vars(sys.modules[name]).copy() for name in PATCHED if name in sys.modules}


def _set_contents(_: Any, value: dict[str, dict[str, Any]]) -> None:
    """Restore what modules held. Added names stay: most are submodules that were imported late."""
    for name, content in value.items():
        vars(sys.modules[name]).update(content)


def _set_modules(sys: Any, value: dict[str, Any]) -> None:
    sys.modules.update(value)  # modules imported since then stay


def _handlers(signal: Any) -> dict[int, Any]:
    numbers = [
        getattr(signal, f"SIG{name}") for name in WATCHED_SIGNALS if hasattr(signal, f"SIG{name}")
    ]
    found = {number: signal.getsignal(number) for number in numbers}
    return {number: handler for number, handler in found.items() if handler is not None}


def _set_handlers(signal: Any, value: dict[int, Any]) -> None:
    for number, handler in _handlers(signal).items():
        if number in value and handler != value[number]:
            signal.signal(number, value[number])


def _resources(resource: Any) -> dict[int, tuple[int, int]]:
    kinds = {getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")}
    return {kind: resource.getrlimit(kind) for kind in kinds}


def _set_resources(resource: Any, value: dict[int, tuple[int, int]]) -> None:
    """Restore limits as far as the system allows: a hard limit cannot be raised again."""
    for kind, now in _resources(resource).items():
        if now != value[kind]:
            soft, hard = value[kind][0], now[1]
            endless = resource.RLIM_INFINITY
            is_above = hard != endless and (soft == endless or soft > hard)
            resource.setrlimit(kind, (hard if is_above else soft, hard))


def _logging_state(logging: Any) -> tuple[Any, ...]:
    root = logging.root
    return root.level, root.manager.disable, list(root.handlers), logging.raiseExceptions


def _set_logging(logging: Any, value: Any) -> None:
    level, disabled, handlers, logging.raiseExceptions = value
    logging.root.setLevel(level)
    logging.disable(disabled)
    logging.root.handlers[:] = handlers


def _set_methods(torch: Any, value: dict[str, Any]) -> None:
    now = dict(vars(torch.Tensor))
    for name in now.keys() - value.keys():
        delattr(torch.Tensor, name)
    for name, method in value.items():
        if now.get(name) is not method:
            setattr(torch.Tensor, name, method)


def _modes(torch: Any) -> list[Any]:
    """Return the function modes that are entered, except the default device's own switch."""
    entered = torch.overrides._get_current_function_mode_stack()
    return [mode for mode in entered if type(mode).__name__ != "DeviceContext"]


def _set_modes(torch: Any, value: list[Any]) -> None:
    for mode in reversed(_modes(torch)):
        if not any(mode is kept for kept in value):
            _leave(torch, mode)


def _leave(torch: Any, mode: Any) -> None:
    """Remove a mode from the stack, and keep those that were entered after it."""
    above = []
    while (last := torch._C._pop_torch_function_stack()) is not mode:
        above.append(last)
    for each in reversed(above):
        torch._C._push_on_torch_function_stack(each)


def _hooks(torch: Any) -> dict[str, Any]:
    found = {name: getattr(torch.nn.modules.module, name, None) for name in HOOKS}
    return {name: copy(value) for name, value in found.items()}


def _set_hooks(torch: Any, value: dict[str, Any]) -> None:
    for name, hooks in value.items():
        now = getattr(torch.nn.modules.module, name, None)
        if isinstance(now, dict):
            now.clear()
            now.update(hooks)
        else:
            setattr(torch.nn.modules.module, name, hooks)


def _set_collection(gc: Any, value: Any) -> None:
    is_on, threshold = value
    (gc.enable if is_on else gc.disable)()
    gc.set_threshold(*threshold)


def _set_streams(sys: Any, value: Any) -> None:
    sys.stdin, sys.stdout, sys.stderr = value


def _set_error_hooks(sys: Any, value: Any) -> None:
    sys.excepthook, sys.unraisablehook, sys.displayhook, threading.excepthook = value


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


#: In the order in which they are restored: inference mode comes before gradients, which it sets.
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
    # These come before the others, whose functions may use something that was replaced.
    _Switch("built-in names", "builtins", lambda m: dict(vars(m)), _set_builtins),
    _Switch("imported modules", "sys", lambda m: m.modules.copy(), _set_modules, is_compared=False),
    _Switch("what modules hold", "sys", _contents, _set_contents, is_compared=False),
    _Switch("the path of modules", "sys", lambda m: list(m.path), lambda m, v: _fill(m.path, v)),
    _Switch("the standard streams", "sys", lambda m: (m.stdin, m.stdout, m.stderr), _set_streams),
    _Switch(
        "what is called on errors",
        "sys",
        lambda m: (m.excepthook, m.unraisablehook, m.displayhook, threading.excepthook),
        _set_error_hooks,
    ),
    _Switch(
        "how often threads take turns",
        "sys",
        lambda m: m.getswitchinterval(),
        lambda m, value: m.setswitchinterval(value),
    ),
    _Switch("tracing", "sys", lambda m: (m.gettrace(), m.getprofile()), _set_tracing),
    _Switch("the working directory", "os", lambda m: m.getcwd(), lambda m, value: m.chdir(value)),
    _Switch("environment variables", "os", lambda m: m.environ.copy(), _set_environment),
    _Switch("who may use new files", "os", _umask, lambda m, value: m.umask(value)),
    _Switch("limits of the process", "resource", _resources, _set_resources),
    _Switch("what signals do", "signal", _handlers, _set_handlers),
    _Switch("an alarm", "signal", lambda m: m.getitimer(m.ITIMER_REAL)[0] > 0, _set_alarm),
    _Switch("garbage", "gc", lambda m: (m.isenabled(), m.get_threshold()), _set_collection),
    _Switch("logging", "logging", _logging_state, _set_logging),
    _Switch(
        "the patience of connections",
        "socket",
        lambda m: m.getdefaulttimeout(),
        lambda m, value: m.setdefaulttimeout(value),
    ),
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
        lambda m: ({n: getattr(m.getcontext(), n) for n in DECIMAL}, dict(m.getcontext().traps)),
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
        "NumPy's buffers",
        "numpy",
        lambda m: m.getbufsize(),
        lambda m, value: m.setbufsize(value),
    ),
    _Switch(
        "NumPy's printing",
        "numpy",
        lambda m: m.get_printoptions(),
        lambda m, value: m.set_printoptions(**value),
    ),
    _Switch("pandas' options", "pandas", _options, _set_options),
    _Switch(
        "scikit-learn's settings",
        "sklearn",
        lambda m: m.get_config(),
        lambda m, value: m.set_config(**value),
    ),
    _Switch(
        "matplotlib's settings",
        "matplotlib",
        # `dict`'s own methods: those of RcParams choose a backend and validate each value.
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
        "the methods of PyTorch's tensors", "torch", lambda m: dict(vars(m.Tensor)), _set_methods
    ),
    _Switch("PyTorch's modes", "torch", _modes, _set_modes),
    _Switch("what PyTorch calls for all modules", "torch", _hooks, _set_hooks),
    _Switch(
        "PyTorch's checks of distributions",
        "torch.distributions",
        lambda m: m.Distribution._validate_args,
        lambda m, value: m.Distribution.set_default_validate_args(value),
    ),
    _Switch(
        "PyTorch's warnings",
        "torch",
        lambda m: m.is_warn_always_enabled(),
        lambda m, value: m.set_warn_always(value),
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


def read_switches(*, usual: bool = False) -> SwitchState:
    """Return the values of all switches, or if `usual` only of those that `make_usual` restores.

    Reading all of them for the first time is slow in a forked process: it touches every module.
    """
    found = {}
    for switch in _SWITCHES:
        if usual and not switch.is_usual:
            continue
        if (module := sys.modules.get(switch.module)) is not None:
            # The code that runs here may have replaced anything: skip what cannot be read.
            with suppress(Exception):
                found[switch.name] = switch.read(module)
    return found


def put_back(state: SwitchState) -> None:
    """Restore all switches of a state."""
    for switch in _SWITCHES:
        if switch.name in state:
            _write_switch(switch, state[switch.name])


def make_usual(start: SwitchState) -> None:
    """Set the switches that affect right answers to their values at the process's start."""
    for switch in _SWITCHES:
        if switch.is_usual and (value := _usual(switch, start)) is not None:
            _write_switch(switch, value)


def changed_switches(state: SwitchState, start: SwitchState) -> list[str]:
    """Return the names of switches that affect right answers and differ from the start."""
    return [
        switch.name
        for switch in _SWITCHES
        if switch.is_usual
        and switch.name in state
        and (value := _usual(switch, start)) is not None
        and state[switch.name] != value
    ]


def _usual(switch: _Switch, start: SwitchState) -> Any:
    return start.get(switch.name) if switch.usual is None else switch.usual


def _write_switch(switch: _Switch, value: Any) -> None:
    if (module := sys.modules.get(switch.module)) is not None:
        with suppress(Exception):
            if switch.is_compared and switch.read(module) == value:
                return
            switch.write(module, value)


def generators() -> SwitchState:
    """Return the states of the process's global random generators."""
    found = {}
    for switch in _SWITCHES:
        if (
            switch.name in GENERATOR_NAMES
            and (module := sys.modules.get(switch.module)) is not None
        ):
            with suppress(Exception):
                found[switch.name] = switch.read(module)
    return found


def set_generators(state: object) -> bool:
    """Set random generators to states from another process; return whether that was possible."""
    if not isinstance(state, dict):
        return False
    for switch in _SWITCHES:
        if switch.name in GENERATOR_NAMES and switch.name in state:
            module = sys.modules.get(switch.module)
            try:
                if module is not None:
                    switch.write(module, state[switch.name])
            except Exception:  # libraries raise various errors for an invalid state
                return False
    return True


@contextmanager
def keep_switches() -> Iterator[None]:
    """Restore all switches when the block ends."""
    state = read_switches()
    try:
        yield
    finally:
        put_back(state)
