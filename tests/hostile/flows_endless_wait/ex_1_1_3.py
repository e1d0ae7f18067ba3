import asyncio


async def later(number):
    await asyncio.get_running_loop().create_future()
