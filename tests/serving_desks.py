"""Desks behind a real server in this process, for tests that need one."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from nbjudge.desk.web.application import application
from nbjudge.desk.web.desk_service import Desk

__all__ = ["free_port", "serve"]


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serve(desk: Desk) -> Iterator[None]:
    """Serve a desk at the port of its address, in a thread of this process."""
    port = int(desk.policy.url.rpartition(":")[2])
    config = uvicorn.Config(
        application(desk), host="127.0.0.1", port=port, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
