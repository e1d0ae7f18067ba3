"""The mistakes of a course: those that it knows already, and those that its classes show it.

`catalogue` finds the files of `known/`, `known_behaviours` runs what is in them as the answers of a
class run, `wrong_answers` groups what nothing names yet, and `naming` writes one of these down. It
may import grading and all rooms below. No mark depends on it.
"""
