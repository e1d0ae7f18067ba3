"""Helpers for every room: CSV files, text, settings, signals, and errors of the machine.

It imports no room.
"""
