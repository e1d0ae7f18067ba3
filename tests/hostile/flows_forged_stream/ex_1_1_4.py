import gc
import io

from nbjudge.kernel import wire
from nbjudge.kernel.service import Service
from nbjudge.plain.kinds import LIBRARY


def shout(stream):
    stream.write("!")
    kind = LIBRARY[io.StringIO]
    object.__setattr__(kind, "take_apart", lambda value: ("!", "\n", 10**12, False))
