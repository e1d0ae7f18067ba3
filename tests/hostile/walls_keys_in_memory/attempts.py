import ctypes
import functools
import re

NAMES = re.compile(rb'"(key|room)": "([0-9a-z_-]{15,60})"')
BLOCK = 2**23


def pieces():
    """Yield all memory that this process can change, what it was forked with included."""
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # so that it may read its own memory
    with open("/proc/self/maps") as lines:
        regions = [line.split()[0] for line in lines if " rw-p 00000000 00:00 0 " in line]
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        for region in regions:
            start, end = (int(number, 16) for number in region.split("-"))
            for place in range(start, end, BLOCK):
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
