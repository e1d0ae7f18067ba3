import os
import shutil
import subprocess
from pathlib import Path


def runs(*command):
    if shutil.which(command[0]) is None:
        return False
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=2
    )
    return done.returncode == 0


def try_su():
    return runs("su", "-c", "true")


def try_sudo():
    return runs("sudo", "-n", "true")


def try_mount():
    return runs("mount", "-t", "tmpfs", "none", "/tmp")


def try_umount():
    return runs("umount", "-l", "/rooms")


def try_groups():
    return runs("newgrp", "root")


def try_ping():
    return runs("ping", "-c1", "-W1", "127.0.0.1")


def try_its_own():
    program = Path("/tmp/identity")
    shutil.copyfile(shutil.which("id"), program)
    program.chmod(0o6755)
    said = subprocess.run([program, "-u"], capture_output=True, text=True).stdout.strip()
    return said != str(os.getuid())


def try_with_capabilities():
    os.setxattr("/tmp/identity", "security.capability", bytes.fromhex("0100000202") + b"\xff" * 15)
    return True
