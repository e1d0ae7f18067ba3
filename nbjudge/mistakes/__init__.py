"""Known mistakes: recognise them in wrong answers, and learn new ones from graded classes.

`catalogue` reads the files in `known/`, `known_behaviours` grades the known answers in them like a
student's, `wrong_answers` groups a class's wrong answers that match no known mistake, and `naming`
adds such a group to `known/`. It may import grading and all rooms below. No mark depends on it.
"""
