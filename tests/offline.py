"""`import tests.offline` keeps the process that does it away from the network: Python refuses to look up or to reach any other
machine. Sockets of this machine, such as Jupyter's own, stay as they are."""

import sys

HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "", None)  # empty: any address of this machine


def refuse(event: str, arguments: tuple) -> None:
    """An audit hook. Raises OSError."""
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a Unix socket has a path
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if host not in HERE:
        raise OSError(f"kept from the network: {host!r}")


sys.addaudithook(refuse)
