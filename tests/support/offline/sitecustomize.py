"""Refuses, in every Python process of the tests, to reach a host other than this machine, and writes down who tried.

Python imports a module of this name at its start; the tests put its folder on PYTHONPATH. It also lets a dbt that a
forked command starts be forked (warm.py).
"""

import ipaddress
import os
import sys
import traceback

_LOCAL_NAMES = frozenset({"localhost", "", "0.0.0.0", "::"})


def _is_local(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if host is None or host in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        host: object = arguments[0]
    elif event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if _is_local(host):
        return
    if log := os.environ.get("HEADWATER_TEST_NETWORK_LOG"):
        with open(log, "a") as file:  # noqa: PTH123
            file.write(f"{event} {host} by {sys.argv}\n{''.join(traceback.format_stack(limit=8))}\n")
    raise ConnectionRefusedError(f"the tests reach no host but this machine: {host}")


sys.addaudithook(_refuse)


def _hand_over(server: str) -> None:
    """Has this command run by a process that need not import dbt first, and ends as that one ends."""
    import json
    import socket

    request = json.dumps({"arguments": sys.orig_argv[1:], "environment": dict(os.environ), "is_alone": False})
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(server)
        socket.send_fds(connection, [request.encode()], [0, 1, 2])
        connection.recv(20)  # its process's number
        os._exit(int(connection.recv(20)) & 0xFF)


if (_server := os.environ.get("HEADWATER_TEST_FORKED_BY")) and os.path.basename(sys.orig_argv[1]) == "dbt":  # noqa: PTH119
    _hand_over(_server)
