"""The kinds of files that are decoded, recognised by their first bytes: a name proves nothing, and a playlist or a
description of streams would make the decoder open whatever it names.

Imports nothing of this package: the decoding process reads it as a file.
"""

HEAD_BYTES = 768  # what the functions here need of a file's beginning
KINDS = "mp4, mov, webm, mkv, avi and gif"
MOV_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
EBML = b"\x1a\x45\xdf\xa3"
LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def find_container(head: bytes) -> str | None:
    """Which container begins so: "mov" (mp4, too), "matroska" (webm, too), "avi" or "gif"; None for all that is not read."""
    size = int.from_bytes(head[:4], "big")
    if head[4:8] in MOV_BOXES and (size in (0, 1) or size >= 8):  # 0: to the end; 1: a longer size follows
        return "mov"
    if head.startswith(EBML):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "avi"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    return None


def is_mpeg_stream(head: bytes) -> bool:
    """Whether an MPEG programme or transport stream begins so."""
    packets = any(len(head) > first + 376 and all(head[first + 188 * i] == 0x47 for i in range(3)) for first in (0, 4))
    return packets or head.startswith(b"\x00\x00\x01\xba")
