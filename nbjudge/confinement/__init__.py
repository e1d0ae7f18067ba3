"""What a test may touch in the process that judges it: a folder of its own, and nothing more.

It may import the rooms of the kernel and of the course; the judge imports it.
"""
