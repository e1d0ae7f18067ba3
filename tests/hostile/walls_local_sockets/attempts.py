import socket


def connects(address, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_UNIX, kind) as line:
        line.settimeout(0.3)
        line.connect(address)
        return True


def try_abstract():
    return connects("\0" + ABSTRACT)


def try_named():
    return connects(SOCKET)


def try_the_systems():
    for name in ("/run/dbus/system_bus_socket", "/var/run/docker.sock", "/run/systemd/notify"):
        try:
            return connects(name) or connects(name, socket.SOCK_DGRAM)
        except OSError:
            pass
    return False
