import ctypes
import functools
import re
import time

NAMES = re.compile(rb'"(key|room)": "([0-9a-z_-]{15,60})"')
BLOCK = 2**22
SECONDS = 2


def pieces():
    """Yield memory that this process can change and was forked with, for a while."""
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # so that it may read its own memory
    with open("/proc/self/maps") as lines:
        regions = [line.split() for line in lines if " rw-p 00000000 00:00 0 " in line]
    regions.sort(key=lambda region: region[-1] != "[heap]")  # what is small is there
    end_of_search = time.monotonic() + SECONDS
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        for region, *_ in regions:
            start, end = (int(number, 16) for number in region.split("-"))
            for place in reversed(range(start, end, BLOCK)):
                if time.monotonic() > end_of_search:
                    return
                try:
                    memory.seek(place)
                    yield memory.read(min(BLOCK, end - place))
                except OSError:
                    continue


@functools.cache
def names():
    # To look for plain text first is far faster.
    some = (piece for piece in pieces() if b'"key": "' in piece or b'"room": "' in piece)
    return {name for piece in some for name in NAMES.findall(piece)}


def try_keys_of_others():
    return len([name for kind, name in names() if kind == b"key"]) > 1


def try_rooms_of_others():
    return len([name for kind, name in names() if kind == b"room"]) > 1
