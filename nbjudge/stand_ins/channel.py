"""The judge's channel to one kernel: a test's requests to the answer, and checks of the replies."""

from __future__ import annotations

import builtins
import contextlib
import io
import math
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from nbjudge.confinement.audit import pause_watching
from nbjudge.confinement.test_folder import TestFolder
from nbjudge.exceptions import CourseError
from nbjudge.kernel import switches
from nbjudge.kernel.references import (
    FUNCTION_NUMBERS,
    ITERATORS,
    NAME_NUMBERS,
    by_name,
    is_iterator,
    named_type,
)
from nbjudge.kernel.wire import NotPlain, Reference, TooMuch, decode, encode
from nbjudge.plain.album import is_changeable
from nbjudge.plain.write_back import CannotChange, write_back
from nbjudge.remote import AnswerError
from nbjudge.sandbox.limits import Limits
from nbjudge.stand_ins.answer_errors import answer_error
from nbjudge.stand_ins.permissions import Permissions, line_of_test
from nbjudge.stand_ins.shared_copies import Misfit, SharedCopies
from nbjudge.stand_ins.stand_in import MOST_AT_ONCE, StandIn, Unable

__all__ = ["Exchange", "KernelChannel"]

#: Builtins of which a test's replacement also serves the answer during a call.
REPLACEABLE = {"input": builtins.input, "print": builtins.print}
#: Requests before and after which the test's folder is not synchronised with the kernel's.
UNSYNCHRONISED = frozenset(
    [
        *("begin", "changed", "folder_apply", "folder_changes", "keep", "missed", "recall"),
        *("start", "update"),
    ]
)

#: The fault if a change of a shared object may not have been seen on the other side.
TOO_LARGE_TO_SHARE = "it and the answer change an object that is too large to be followed"

#: Calls whose arguments and results are remembered, for `is_new`.
REMEMBERED = 32


class Exchange(Protocol):
    """Sends a request to a kernel, as `Session.request` does."""

    def __call__(self, content: bytes, seconds: float, /) -> bytes | memoryview:
        """Return the reply; raise a CourseError if none comes."""


class KernelChannel:
    """The judge's connection to one kernel for one exercise, which counts and limits its requests.

    Parameters
    ----------
    exchange : callable
        Sends a request and returns the reply.
    limits : Limits
    until : float
        The whole notebook's deadline, by the clock.
    permissions : Permissions, optional
        What the test may do with objects that stay.
    clock : callable
        Returns the notebook's time in seconds, which may stop while the answer waits for a
        processor.
    """

    def __init__(
        self,
        exchange: Exchange,
        limits: Limits,
        until: float = math.inf,
        permissions: Permissions | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self.limits = limits
        self._until = until
        self._requests = 0.0
        self._bytes = 0
        self._seconds = 0.0
        self.permissions = permissions or Permissions()
        self._stand_ins: dict[int, StandIn] = {}
        self._shared = SharedCopies()
        #: The last calls' results, each with the arguments of its call.
        self._returned: deque[tuple[Any, tuple[Any, ...]]] = deque(maxlen=REMEMBERED)
        #: The test's functions that the kernel may call, and iterators that it may advance.
        self._functions: list[Any] = []
        #: Standard output and error before the test: if they differ, the test captures them.
        self.streams: tuple[Any, Any] | None = None
        #: Whether the test seeds random generators, whose state is then shared with the answer.
        self.shares_generators = False
        #: The error that ended the channel. A test that catches it gets it again at each request.
        self.broken: CourseError | None = None
        #: The first fault of the test, even if the test itself catches the exception.
        self.fault = ""
        #: The line of the test with that fault; 0 if it is not known.
        self.fault_line = 0
        #: Whether the message of a failed assertion is being made, which affects no mark.
        self.is_lenient = False
        #: The test's folder, synchronised with the kernel's at each request; None without files.
        self.folder: TestFolder | None = None

    def ask(self, do: str, **details: Any) -> Any:
        """Send a request to the kernel's service, and return the result.

        Raises
        ------
        AnswerError
            If the student's code raised an exception.
        CourseError
            If the kernel sent no usable reply, or a limit is reached.
        """
        reply = self._talk({"do": do, **details})
        self._take_sharing(reply, {})
        return self._value(reply)

    def call(self, target: StandIn, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Have the kernel call an object, and repeat the call's side effects for the test.

        The side effects are changes of arguments, and output. Exceptions are those of `ask`.
        """
        request = {
            "do": "call",
            "target": target,
            "arguments": tuple(map(self._shared.as_held, arguments)),
            "keywords": {name: self._shared.as_held(value) for name, value in keywords.items()},
        }
        reply = self._talk({**request, **self._circumstances()})
        if type(reply) is dict and type(effects := reply.pop("effects", None)) is dict:
            same = self._take_effect(effects, arguments, keywords)
            if same is not None:
                reply["value"] = same
        self._take_sharing(reply, {**dict(enumerate(arguments)), **keywords})
        value = self._value(reply)
        if is_changeable(value):
            self._returned.append((value, (*arguments, *keywords.values())))
        return value

    def wait(self, do: str, target: StandIn) -> Any:
        """Have the kernel await an object, and return the result.

        Parameters
        ----------
        do : str
            "await", or "anext" for the next item of an asynchronous iterator.
        target : StandIn
        """
        reply = self._talk({"do": do, "target": target, **self._circumstances()})
        if type(reply) is dict and type(effects := reply.pop("effects", None)) is dict:
            self._take_effect(effects, (), {})
        self._take_sharing(reply, {})
        return self._value(reply)

    def is_new(self, result: object, handed: object) -> bool:
        """Return whether `result` came from a call that had `handed` among its arguments.

        It is then a new object: if the call had returned its argument, the kernel would have said
        so. For other pairs of objects this cannot be known.
        """
        calls = (given for returned, given in self._returned if returned is result)
        return any(each is handed for given in calls for each in given)

    def operate(self, name: str, what: str, *arguments: Any) -> Any:
        """Have the kernel apply one of Python's operators or functions, and return the result.

        Parameters
        ----------
        name : str
            A key of `OPERATIONS` in `kernel.operations`.
        what : str
            What the test does, for the message if it is not allowed: "uses `==` on …".

        Raises
        ------
        Unable
            If this line of the test does not do the same with the solution's objects.
        """
        if not self.permissions.allows(name):
            raise self.blame(what)
        return self.ask("operate", name=name, arguments=arguments)

    def _talk(self, request: dict[str, Any]) -> Any:
        """Send a request, serve the kernel's callbacks meanwhile, and return the reply.

        Before it, the test's changes of shared objects and of its folder are sent to the kernel.
        After it, the changes in the kernel's folder are fetched.
        """
        if request["do"] not in UNSYNCHRONISED:
            self._send_changes()
        if self.folder is None or request["do"] in UNSYNCHRONISED:
            return self._await_reply(request)
        self.folder.send(self)
        try:
            return self._await_reply(request)
        finally:
            if self.broken is None:
                self.folder.fetch(self)

    def settle(self) -> None:
        """Send the test's last changes of shared objects, so that a later test meets them.

        A change that the other side has not seen is a fault of the test.
        """
        if self.broken is None and self._shared:
            with contextlib.suppress(AnswerError, CourseError):  # noted in `broken`
                self._send_changes()
                if self._shared.has_missed() or self.ask("missed") is True:
                    self.blame(TOO_LARGE_TO_SHARE)

    def _send_changes(self) -> None:
        if changed := self._shared.changed():
            self._await_reply({"do": "update", "values": changed})

    def _await_reply(self, request: dict[str, Any]) -> Any:
        if self.broken is not None:
            raise self.broken
        try:
            # The test did not make the requests that synchronise folders and objects.
            self._requests -= request["do"].startswith(("folder_", "missed", "update"))
            if request["do"] == "next" and request["count"] == 1:
                self._requests -= 1 - 1 / MOST_AT_ONCE  # counts as if items came in batches
            try:
                content = self._encode(request)
            except TooMuch:
                if request["do"] != "update":
                    raise
                self._shared.lose()
                return None
            reply = self._send(content)
            while type(reply) is dict and reply.keys() == {"callback"}:
                reply = self._send(self._called_back(reply["callback"]))
            return reply
        except NotPlain as error:  # the test's fault; the channel can still be used
            self.blame(f"NotPlain: {error}")
            raise
        except CourseError as error:
            self.broken = error
            raise

    def _encode(self, request: dict[str, Any]) -> bytes:
        return encode(request, self.limits.bounds, refer=self._refer, handed=True)

    def _send(self, content: bytes) -> Any:
        limits = self.limits
        self._requests += 1
        if self._requests > limits.requests:
            raise CourseError(f"the test made more than {limits.requests} requests")
        left = limits.exercise_seconds - self._seconds
        if left <= 0:
            raise CourseError(f"it took more than {limits.exercise_seconds:.0f} s altogether")
        start = self._clock()
        if start >= self._until:
            raise CourseError(f"the notebook ran longer than {limits.notebook_seconds} s")
        try:
            with pause_watching():
                reply = self._exchange(content, min(limits.call_seconds, left, self._until - start))
        finally:
            self._seconds += self._clock() - start
        self._bytes += len(content) + len(reply)
        if self._bytes > limits.exercise_bytes:
            most = limits.exercise_bytes / 2**20
            raise CourseError(f"the test and the answer exchanged more than {most:g} MB")
        return decode(reply, limits.bounds, resolve=self._standing_for)

    def _value(self, reply: Any) -> Any:
        if type(reply) is dict and len(reply) == 1:
            if "value" in reply:
                return reply["value"]
            if type(reply.get("refused")) is str:
                raise CourseError(f"what your code returned cannot be used: {reply['refused']}")
            if type(raised := reply.get("raised")) is dict:
                raise answer_error(raised)
        raise self.nonsense()

    # ---- What a call shares with the test ------------------------------------------------------

    def _circumstances(self) -> dict[str, Any]:
        """Return the parts of this process's state that the answer shares during a call."""
        found: dict[str, Any] = {}
        if self.streams is not None:
            captured = [sys.stdout is not self.streams[0], sys.stderr is not self.streams[1]]
            if any(captured):
                found["captured"] = captured
        replaced = {
            name: function
            for name, usual in REPLACEABLE.items()
            if (function := vars(builtins)[name]) is not usual
        }
        if isinstance(sys.stdin, io.StringIO):
            replaced.setdefault("input", _read_line)
        if replaced:
            found["replaced"] = replaced
        if self.shares_generators:
            found["generators"] = switches.generators()
        return found

    def _take_effect(
        self,
        effects: Mapping[Any, Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> Any:
        """Repeat a call's side effects here; return the argument that it returned, if it did."""
        handed: dict[Any, Any] = {**dict(enumerate(arguments)), **keywords}
        changed, printed = effects.get("changed", {}), effects.get("printed", ["", ""])
        same = effects.get("same")
        if (
            type(changed) is not dict
            or not changed.keys() <= handed.keys()
            or type(printed) is not list
            or [type(text) for text in printed] != [str, str]
            or (same is not None and same not in handed)
        ):
            raise self.nonsense()
        for place, new in changed.items():
            try:
                write_back(handed[place], new)
            except CannotChange:
                raise self.blame(
                    "the answer changes what it is given in a way that cannot be seen from outside"
                ) from None
        for stream, text in zip((sys.stdout, sys.stderr), printed, strict=True):
            if text:
                stream.write(text)
        state = effects.get("generators", {})
        if self.shares_generators and not switches.set_generators(state):
            raise self.nonsense()
        return None if same is None else handed[same]

    def _take_sharing(self, reply: Any, handed: Mapping[Any, Any]) -> None:
        """Repeat the kernel's changes of shared objects on the test's copies."""
        if type(reply) is dict and (told := reply.pop("sharing", None)) is not None:
            try:
                value = self._shared.take(told, handed, reply.get("value"))
            except Misfit:
                raise self.nonsense() from None
            if "value" in reply:
                reply["value"] = value

    def _called_back(self, asked: Any) -> bytes:
        """Call a test's function for the answer, and return the request with its result."""
        if type(asked) is not tuple or [type(part) for part in asked] != [int, tuple, dict]:
            raise self.nonsense()
        number, arguments, keywords = asked
        if not 0 <= number < len(self._functions) or not all(
            type(name) is str for name in keywords
        ):
            raise self.nonsense()
        try:
            if is_iterator(function := self._functions[number]):
                value = next(function)
            else:
                value = function(*arguments, **keywords)
            return self._encode({"do": "resume", "value": value})
        except NotPlain as error:
            self.blame(f"NotPlain: {error}")
            return self._encode({"do": "resume", "raised": ["TypeError", str(error)]})
        except (Exception, AnswerError) as error:
            if self.broken is not None:
                raise self.broken from None
            name, said = type(error).__name__, str(error)
            if isinstance(error, AnswerError):
                name, said = error.name, error.said
            return self._encode({"do": "resume", "raised": [name, said]})

    # ---- References ----------------------------------------------------------------------------

    def _refer(self, value: object) -> Reference:
        if isinstance(value, StandIn):
            return value._reference_
        if not callable(value) and not is_iterator(value):
            raise NotPlain(type(value).__name__)
        if (named := by_name(value)) is not None:
            return named
        number = next(
            (n for n, known in enumerate(self._functions) if known is value), len(self._functions)
        )
        if number == len(self._functions):
            self._functions.append(value)
        first = ITERATORS if is_iterator(value) else FUNCTION_NUMBERS
        return Reference(first + number, type(value).__name__)

    def _standing_for(self, reference: Reference) -> Any:
        number = reference.number
        if number >= NAME_NUMBERS:
            if (found := named_type(reference.kind)) is None:
                raise self.nonsense()
            return found
        if number >= FUNCTION_NUMBERS:
            if number - FUNCTION_NUMBERS >= len(self._functions):
                raise self.nonsense()
            return self._functions[number - FUNCTION_NUMBERS]
        if number >= ITERATORS:
            raise self.nonsense()
        return self._stand_ins.setdefault(number, StandIn(self, reference))

    def has_switched(self) -> bool:
        """Return whether the notebook has changed a switch that can affect right answers."""
        try:
            return bool(self.ask("changed"))
        except (AnswerError, CourseError):
            return False

    def again(self) -> KernelChannel:
        """Return a new channel to the same kernel."""
        line = KernelChannel(
            self._exchange, self.limits, self._until, self.permissions, self._clock
        )
        line.folder = self.folder
        return line

    def nonsense(self) -> CourseError:
        """Mark the channel as broken by a malformed reply, and return the error."""
        self.broken = CourseError("the kernel sent something that cannot be read")
        return self.broken

    @property
    def most_items(self) -> int:
        """How many values a test may take from one object."""
        return self.limits.items

    def blame(self, what: str) -> Unable:
        """Note a fault of the test, unless there is one already; return it as an exception."""
        if self.broken is None and not self.fault:
            self.fault = what
            self.fault_line = line_of_test(traceback.walk_stack(None))
        return Unable(what)


def _read_line(prompt: object = "") -> str:
    """Read a line as `input` does, from the test's replacement of standard input."""
    line = sys.stdin.readline()
    if not line:
        raise EOFError("EOF when reading a line")
    return line.removesuffix("\n")
