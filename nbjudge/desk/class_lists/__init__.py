"""Who is in the class, as others have it: the learning platform's names, and the hub's groups.

They are read into the gradebook, and kept beside it for the pages of graders. It may import the
rest of the desk but `web/`, and every room below; only the desk's service and its side of LTI
import it.
"""
