import fcntl
import socket
import struct


def try_raw():
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


def try_packets():
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW)


def try_the_host_of_a_virtual_machine():
    return socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)


def try_ciphers():
    return socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)


def try_to_switch_loopback_on():
    with socket.socket() as line:
        request = struct.pack("16sH14s", b"lo", 1, b"")
        fcntl.ioctl(line, 0x8914, request)
        return True
