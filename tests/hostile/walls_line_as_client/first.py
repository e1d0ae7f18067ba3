import contextlib
import os
import socket
import zmq

context = zmq.Context()
for name in sorted(os.listdir("/line")):
    for kind in (zmq.DEALER, zmq.SUB):
        line = context.socket(kind)
        line.setsockopt(zmq.LINGER, 0)
        line.connect(f"ipc:///line/{name}")
        for _ in range(100 * (kind == zmq.DEALER)):
            with contextlib.suppress(zmq.ZMQError):
                line.send_multipart([b"<IDS|MSG>", b"", b"{}", b"{}", b"{}", b"{}"], zmq.NOBLOCK)
raw = []
for name in os.listdir("/line"):
    line = socket.socket(socket.AF_UNIX)
    line.connect(f"/line/{name}")
    line.send(os.urandom(1000))
    raw.append(line)
for name in os.listdir("/line"):
    with contextlib.suppress(OSError):
        os.unlink(f"/line/{name}")
