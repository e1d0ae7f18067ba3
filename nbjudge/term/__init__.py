"""A term's people and times: who is in the class, what is due when, and what lateness costs.

- `roster`: `read_roster` reads a platform's CSV file, `import_roster` enters it into the gradebook.
  (`people_of` in `nbjudge.course.gradebook` returns everybody in the gradebook.)
- `deadlines`: `read_moment` reads an unambiguous time, `show_moment` writes one in the course's
  time zone, `deadline_of` and `set_deadline` read and write the deadline of an assignment.
- `extensions`: `grant`, `withdraw` and `extensions_of`, with reasons.
- `find_students`: `find_student` finds a person by id, address or name.
- `late_policy`: `LatePolicy` is a plugin for nbgrader that computes penalties; `update_penalties`
  updates the gradebook after a change of deadlines or policy.
- `totals`: `term_totals` computes weighted totals over all assignments, by the settings `Totals`.

All times are in UTC without a time zone, as in nbgrader's gradebook; every error is a CourseError
with one sentence. It imports `intake` and below.
"""
