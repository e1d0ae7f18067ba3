"""`python -m nbjudge.cli.commands`: the `course` command, by this Python."""

from nbjudge.cli.commands import app

if __name__ == "__main__":
    app()
