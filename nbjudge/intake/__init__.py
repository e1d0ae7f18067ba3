"""What came in: found, unpacked, collected, made safe and restored.

It imports `course` and below.
"""
