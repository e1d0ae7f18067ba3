"""What runs in Jupyter runs when it is graded: the same cells in a stock kernel and in ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from nbjudge.sandbox.limits import Limits
from nbjudge.sandbox.session import Session

pytestmark = pytest.mark.slow

#: Cells, by what they try. They run one after the other, in one kernel.
CELLS = {
    "a value": "1 + 1",
    "nothing shown": "x = 1;",
    "the last value": "_ + 1",
    "await": "import asyncio\nawait asyncio.sleep(0.01)\nprint('awaited')",
    "async for": "async def three():\n    for n in range(3):\n        await asyncio.sleep(0)\n"
    "        yield n\n[n async for n in three()]",
    "async with": "class Door:\n    async def __aenter__(self):\n        return 'in'\n"
    "    async def __aexit__(self, *_):\n        print('out')\nasync with Door() as where:\n"
    "    print(where)",
    "a task": "async def seven():\n    await asyncio.sleep(0.05)\n    return 7\n"
    "task = asyncio.create_task(seven())",
    "a task of the last cell": "await task",
    "gather": "await asyncio.gather(seven(), seven())",
    "an error in a coroutine": "async def fails():\n    raise ValueError('no')\nawait fails()",
    "asyncio.run": "coroutine = seven()\ntry:\n    asyncio.run(coroutine)\n"
    "finally:\n    coroutine.close()",
    "a thread of asyncio": "await asyncio.to_thread(sum, [1, 2])",
    "a process of asyncio": "process = await asyncio.create_subprocess_exec('echo', 'hi', "
    "stdout=asyncio.subprocess.PIPE)\n(await process.communicate())[0]",
    "autoawait": "%autoawait",
    "a display that changes": "from IPython.display import *\nshown = display('a', display_id=True)"
    "\nshown.update('b')",
    "cleared outputs": "print('gone')\nclear_output()\nprint('kept')",
    "cleared later": "print('gone')\nclear_output(wait=True)\nprint('kept')",
    "rich outputs": "display(HTML('<b>x</b>'), Markdown('*y*'), Latex('$z$'), JSON({'a': 1}))",
    "input": "input('your name? ')",
    "getpass": "from getpass import getpass\ngetpass()",
    "stdin": "import sys\nsys.stdin.read()",
    "breakpoint": "breakpoint()",
    "pdb": "import pdb\npdb.set_trace()",
    "pdb on": "%pdb on",
    "an error with pdb on": "1 / 0",
    "pdb off": "%pdb off",
    "debug": "%debug",
    "a figure": "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    "an interactive figure": "%matplotlib notebook",
    "back to figures": "%matplotlib inline",
    "sharper figures": "%config InlineBackend.figure_format = 'svg'",
    "no event loop": "%gui",
    "a data frame": "import pandas as pd\npd.DataFrame({'a': [1, 2]})",
    "a widget": "from ipywidgets import IntSlider\nslider = IntSlider(3)\nslider.value",
    "bash": "%%bash\necho hello",
    "a failing bash": "%%bash\nexit 3",
    "a command": "!echo hi",
    "a command's output": "lines = !echo hi\nlines",
    "Python in a command": "!python -c 'import numpy; print(numpy.pi)'",
    "capture": "%%capture out\nprint('captured')",
    "what was captured": "print(out.stdout)",
    "writefile": "%%writefile script.py\nanswer = 42\nprint(__name__)",
    "run": "%run script.py",
    "what ran": "answer",
    "import of a written file": "import script\nscript.answer",
    "autoreload": "%load_ext autoreload\n%autoreload 2",
    "a missing extension": "%load_ext nothing_there",
    "a question": "len?",
    "help": "help(len)",
    "history": "%history -l 1",
    "who": "%who int",
    "In and Out": "In[1], len(Out) > 1",
    "an unknown magic": "%nothing_there",
    "a Pool": "import multiprocessing as mp\nwith mp.get_context('fork').Pool(1) as pool:\n"
    "    print(pool.map(abs, [-1]))",
    "a spawned process": "spawned = mp.get_context('spawn').Process(target=abs, args=(1,))\n"
    "spawned.start()\nspawned.join()\nspawned.exitcode",
    "an executor": "from concurrent.futures import ThreadPoolExecutor\n"
    "with ThreadPoolExecutor(2) as pool:\n    print(list(pool.map(abs, [-1, 2])))",
    "a subprocess": "import subprocess\nsubprocess.run(['echo', 'x'], capture_output=True).stdout",
    "a signal": "import os, signal\nsignal.signal(signal.SIGUSR1, lambda *_: print('signal'))\n"
    "os.kill(os.getpid(), signal.SIGUSR1)",
    "store": "%store x\n%store -r",
    "javascript": "%%javascript\nalert(1)",
    "an alias": "%alias say echo",
    "the alias": "%say hi",
    "env": "%env COURSE_TRIED=1",
    "an interrupt": "raise KeyboardInterrupt",
    "an exit": "raise SystemExit(3)",
    "a warning": "import warnings\nwarnings.warn('mind this', stacklevel=1)",
    "a SyntaxError": "x = (",
    "keep the kernel": "exit(keep_kernel=True)",
    "the module": "import sys\n__name__, vars(sys.modules['__main__']) is globals()",
    "the next cell": "get_ipython().set_next_input('x')",
    "reset": "%reset -f",
    "after a reset": "x",
}
#: What differs from one run to the next.
CHANGING = re.compile(
    r"\x1b\[[0-9;]*m|0x[0-9a-f]+|ipykernel_\d+/\d+|line \d+|/[\w./-]*/(?=\w+\.py)|\d+ms"
)


def outputs(cell: Any) -> list[tuple[Any, ...]]:
    """Return what a cell shows; what streams write may come in any pieces."""
    found: list[tuple[Any, ...]] = []
    for output in cell.outputs:
        match output.output_type:
            case "stream":
                text = CHANGING.sub("", output.text)
                if found and found[-1][0] == output.name:
                    text = found.pop()[1] + text
                found.append((output.name, text))
            case "error":
                found.append(("error", output.ename, CHANGING.sub("", output.evalue)))
            case kind:
                data = {
                    mime: CHANGING.sub("", str(content))
                    for mime, content in output.data.items()
                    if not mime.startswith("image/")
                }
                found.append((kind, sorted(output.data), data))
    return found


def code(source: str) -> Any:
    return nbformat.v4.new_code_cell(source)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the cells show in a kernel as Jupyter starts it."""
    client = NotebookClient(
        nbformat.v4.new_notebook(),  # type: ignore[no-untyped-call]
        kernel_name="python3",
        allow_errors=True,
        timeout=60,
        resources={"metadata": {"path": str(tmp_path_factory.mktemp("stock"))}},
    )
    cells = {name: code(source) for name, source in CELLS.items()}
    with client.setup_kernel():
        for cell in cells.values():
            client.nb.cells = [cell]
            client.reset_execution_trackers()
            client.execute_cell(cell, 0)
    return {name: outputs(cell) for name, cell in cells.items()}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with closing(Session(Limits(cell_seconds=60))) as started:
        yield started


@pytest.fixture(scope="module")
def graded(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the cells show when they are graded."""
    cells = {name: code(source) for name, source in CELLS.items()}
    for cell in cells.values():
        assert not session.run(cell).stopped
    return {name: outputs(cell) for name, cell in cells.items()}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_shows_what_it_shows_in_jupyter(name: str, stock: Any, graded: Any) -> None:
    assert graded[name] == stock[name]


#: What differs by design, and what is shown at once.
OTHERWISE = {
    "%subshell": "Kernel does not support subshells",
    "from threading import Timer\nTimer(0.1, print, ['from a thread']).start()": "from a thread",
    "from ipywidgets import interact\ninteract(lambda x: print('x is', x), x=3);": "x is 3",
    "%gui qt": "Could not load requested Qt binding",
}


@pytest.mark.parametrize("source", OTHERWISE)
def test_what_differs_from_jupyter_says_so_at_once(source: str, session: Session) -> None:
    cell = code(source)

    assert not session.run(cell).stopped
    assert OTHERWISE[source] in str(cell.outputs)


def test_a_cell_that_awaits_for_ever_is_stopped_and_the_kernel_goes_on() -> None:
    with closing(Session(Limits(cell_seconds=3))) as session:
        session.run(code("import asyncio"))
        cell = code("await asyncio.sleep(600)")

        assert session.run(cell).stopped == "it ran longer than 3 s"

        cell = code("await asyncio.sleep(0)\nprint('still here')")
        assert not session.run(cell).stopped
        assert outputs(cell) == [("stdout", "still here\n")]
