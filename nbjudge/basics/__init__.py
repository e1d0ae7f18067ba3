"""What any room may use: files, texts, settings, and what the machine answers.

It imports no room.
"""
