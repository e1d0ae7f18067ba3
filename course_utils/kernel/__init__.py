"""What may be imported in a student's kernel when a class is graded: nothing here is secret."""
