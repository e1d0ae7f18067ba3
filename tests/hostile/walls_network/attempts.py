import socket


def connects(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as line:
        line.settimeout(0.3)
        line.connect(address)
        line.send(b"hello")
        return True


def try_tcp():
    return connects(socket.AF_INET, ("127.0.0.1", PORT))


def try_udp():
    return connects(socket.AF_INET, ("127.0.0.1", PORT), socket.SOCK_DGRAM)


def try_the_new_protocol():
    return connects(socket.AF_INET6, ("::1", PORT), socket.SOCK_DGRAM)


def try_outside():
    return connects(socket.AF_INET, ("192.0.2.1", 53), socket.SOCK_DGRAM)


def try_broadcast():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        return line.sendto(b"hello", ("255.255.255.255", 9))


def try_names():
    return socket.getaddrinfo("example.org", 80)


def try_interfaces():
    return [name for _, name in socket.if_nameindex() if name != "lo"]
