"""Write pages of feedback for students. It imports `pages` and below."""
