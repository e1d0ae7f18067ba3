import importlib.util
import json
import os
import sys
from pathlib import Path

import numpy

import nbjudge

FILES = [Path(module.__file__) for module in (json, os, numpy, nbjudge)]


def each(change):
    done = []
    for file in FILES:
        try:
            change(file)
            done.append(file)
        except OSError:
            pass
    return done


def try_sources():
    return each(lambda file: file.open("ab"))


def try_compiled_files():
    return each(lambda file: Path(importlib.util.cache_from_source(str(file))).open("ab"))


def try_new_compiled_files():
    return each(lambda file: (file.parent / "__pycache__" / f"{MARKER}.pyc").write_bytes(b""))


def try_path_files():
    return each(lambda file: (file.parents[1] / f"{MARKER}.pth").write_text("import this"))


def try_other_names():
    return each(lambda file: file.rename(file.with_suffix(".old")))


def try_permissions():
    return each(lambda file: file.chmod(0o666))


def try_links():
    return each(lambda file: os.link(file, file.with_suffix(".link")))


def try_start():
    return Path("/course/start.py").open("ab")


def try_programs():
    return Path(sys.executable).open("ab")
