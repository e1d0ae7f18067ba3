"""The desk: students hand in over the web, get a receipt at once, and their marks in seconds.

What is handed in is kept and noted before anybody is told so (`vault`, `store`, `receipts`), laid
where every other command finds it (`placement`), and graded by the same workers and the same writer
as `course autograde` (`marking`). `web/` holds the pages and the service. It may import every room
below it, and libraries of the extra `nbjudge[desk]`; nothing but `cli` imports it.
"""
