"""A term's people and times: who is in the class, what is due when, and what lateness costs.

- `roster`: `read_roster` reads a platform's CSV file, `import_roster` takes it into the gradebook.
  (`people_of` in `nbjudge.course.gradebook` returns everybody whom the gradebook knows.)
- `deadlines`: `read_moment` reads a time that can be read in one way, `show_moment` writes one in
  the course's time zone, `deadline_of` and `set_deadline` are about one assignment.
- `extensions`: `grant`, `withdraw` and `extensions_of`, with reasons.
- `late_policy`: `LatePolicy`, what lateness costs, as nbgrader asks for it; `update_penalties` has
  the gradebook agree with the deadlines and the policy as they are now.
- `totals`: `term_totals` weighs the marks of all assignments, as `Totals` says.

All times are in UTC without a time zone, as nbgrader keeps them; all problems are a CourseError of
one sentence. It imports `intake` and below.
"""
