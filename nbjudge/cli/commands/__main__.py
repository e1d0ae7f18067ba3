"""Run the `course` command as `python -m nbjudge.cli.commands`."""

from nbjudge.cli.commands import app

if __name__ == "__main__":
    app()
