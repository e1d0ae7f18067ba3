"""The desk: students hand in over the web, get a receipt at once, and their marks in seconds.

A hand-in is written to disk before the student gets a receipt (`vault`, `store`, `receipts`),
copied to the folder where every other command looks (`placement`), and graded by the same workers
and the same writer as `course autograde` uses (`marking`). `web/` holds the pages and the service.
The desk may import every room below it and the libraries of the extra `nbjudge[desk]`; only `cli`
imports the desk.
"""
