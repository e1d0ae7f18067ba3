import os

os.mkfifo("pipe")
os.symlink("/etc/passwd", "own.txt.link")
os.symlink("/", "all")
os.symlink(".", "circle")


def report(name):
    if not os.path.islink("report.txt"):
        os.symlink("/proc/self/environ", "report.txt")
