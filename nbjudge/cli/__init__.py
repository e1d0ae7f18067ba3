"""The `course` command and its terminal. It may import everything; nothing imports it."""
