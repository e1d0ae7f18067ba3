import asyncio
import gc


async def later(number):
    for loop in gc.get_objects():
        if isinstance(loop, asyncio.AbstractEventLoop):
            loop.stop()
            loop.close()
    return number
