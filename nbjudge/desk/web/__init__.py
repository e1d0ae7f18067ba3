"""The desk's pages and doors: who may come in, what is read of them, and what they are shown.

It may import the rest of the desk and every room below it; only `course desk` imports it.
"""
