import resource

KINDS = ("CPU", "DATA", "NPROC", "NOFILE", "FSIZE", "CORE")


def raised(kind, value):
    try:
        resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (value, value))
        return True
    except (OSError, ValueError):
        return False


def try_to_have_none():
    return [kind for kind in KINDS if raised(kind, resource.RLIM_INFINITY)]


def try_a_little():
    return [
        kind
        for kind in KINDS
        if raised(kind, resource.getrlimit(getattr(resource, f"RLIMIT_{kind}"))[1] + 1)
    ]


def try_to_have_none_by_nature():
    return [
        kind
        for kind in KINDS
        if resource.getrlimit(getattr(resource, f"RLIMIT_{kind}"))[1] == resource.RLIM_INFINITY
    ]
