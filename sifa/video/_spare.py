"""A decoding process that is started before there is a video: it loads what decoding needs, waits for an open file, and is then
`_decode.py`, which shuts it off before it reads any of it. `spare.py` starts it, with a socket as its standard input.
"""

import os
import socket
import sys

from sifa.video import _decode
from sifa.video._sandbox import follow_parent

LONGEST = 1 << 16  # bytes of the arguments


def main() -> None:
    """Waits for arguments and an open file, and decodes. Ends where none comes any more."""
    follow_parent(int(sys.argv[1]))
    _decode.load()
    channel = socket.socket(fileno=0)
    text, files, _, _ = socket.recv_fds(channel, LONGEST, 1)
    channel.detach()
    if not files:
        os._exit(0)
    os.dup2(files[0], 0)
    os.close(files[0])
    sys.argv[1] = text.decode()
    _decode.main()
