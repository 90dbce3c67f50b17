"""Refuses, in every Python process of the tests, to reach a host other than this machine, and writes down who tried.

Python imports a module of this name at its start; the tests put its folder on PYTHONPATH.
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
