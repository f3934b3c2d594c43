"""The kinds of files that are decoded, recognised by their first bytes: a name proves nothing, and a playlist or a
description of streams would make the decoder open whatever it names.
"""

import os
from typing import BinaryIO

HEAD_BYTES = 768  # what the functions here need of a file's beginning
KINDS = "mp4, mov, webm, mkv, avi, gif, 3gp, wmv, flv and MPEG streams (mpg, vob, ts)"
SUFFIXES = (  # by which videos are found in folders and lists
    *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".webm", ".mkv", ".avi", ".gif", ".wmv", ".asf", ".flv"),
    *(".mpg", ".mpeg", ".vob", ".m2p", ".ts", ".m2ts", ".mts"),
)
MOV_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
EBML = b"\x1a\x45\xdf\xa3"
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def find_container(head: bytes) -> str | None:
    """Which container begins so, as FFmpeg calls its reader: "mov" (mp4, too), "matroska" (webm, too), "avi", "gif", "asf",
    "flv", "mpegts" or "mpeg"; None for all that is not read."""
    size = int.from_bytes(head[:4], "big")
    if head[4:8] in MOV_BOXES and (size in (0, 1) or size >= 8):  # 0: to the end; 1: a longer size follows
        return "mov"
    if head.startswith(EBML):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "avi"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(ASF):
        return "asf"
    if head.startswith(b"FLV\x01"):
        return "flv"
    if head.startswith(b"\x00\x00\x01\xba"):
        return "mpeg"
    return "mpegts" if _is_transport_stream(head) else None


def _is_transport_stream(head: bytes) -> bool:
    """Three packets of 188 bytes in a row begin with the sync byte; in recordings of cameras (m2ts) 4 bytes precede each."""
    return any(
        len(head) > first + 2 * length and all(head[first + length * i] == 0x47 for i in range(3))
        for first, length in ((0, 188), (4, 192))
    )


def is_riff_cut_off(video: BinaryIO) -> bool:
    """Whether the file ends before the last of its RIFF chunks does."""
    end, at = video.seek(0, os.SEEK_END), 0
    while at < end:
        video.seek(at)
        name, size = video.read(4), int.from_bytes(video.read(4), "little")
        if name != b"RIFF":
            return False  # what follows the video
        at += 8 + size
    return at > end
