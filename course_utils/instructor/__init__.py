"""The instructor's desk: releases, self-tests, class runs, and the `course` command."""
