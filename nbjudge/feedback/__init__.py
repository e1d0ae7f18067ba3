"""A page of feedback for each graded notebook. It imports `pages` and below."""
