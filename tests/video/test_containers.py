"""What the decoder may open: the file itself, if it is of a kind that is read, and nothing that a file could name."""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from sifa.errors import VideoError
from sifa.video import child, containers
from sifa.video.read import read_clip
from tests.clips import frame_numbers, numbered_frames, write_clip

FRAMES = numbered_frames(40)
SEGMENTS = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.6,\n{secret}\n#EXT-X-ENDLIST\n"
FRAGMENTS = (
    '#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI="{mp4}"\n#EXTINF:1.6,\n{mp4}\n#EXT-X-ENDLIST\n'
)
MASTER = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\n{folder}/inner.m3u8\n"
CONCAT = "ffconcat version 1.0\nfile {neighbour}\n"
DASH = (
    '<?xml version="1.0"?><MPD profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static">'
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{mp4}</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>"
)
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
IMF = '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"></CompositionPlaylist>'
SUBTITLES = "# VobSub index file, v7 (do not modify this line!)\n"
TRICKS = {
    "segments.m3u8": SEGMENTS,
    "segments.m3u": SEGMENTS,
    "segments.mp4": SEGMENTS,
    "segments.mkv": SEGMENTS,
    "with_protocol.m3u8": SEGMENTS.replace("{secret}", "file://{secret}"),
    "with_bytes.m3u8": SEGMENTS.replace("{secret}", "subfile,,start,0,end,0,,:{secret}"),
    "with_key.m3u8": SEGMENTS.replace("#EXTINF", '#EXT-X-KEY:METHOD=AES-128,URI="{secret}"\n#EXTINF'),
    "fragments.m3u8": FRAGMENTS,
    "fragments.mp4": FRAGMENTS,
    "master.m3u8": MASTER,
    "windows_lines.m3u8": SEGMENTS.replace("\n", "\r\n"),
    "byte_order_mark.m3u8": "\ufeff" + SEGMENTS,
    "list.ffconcat": CONCAT,
    "list.txt": CONCAT,
    "list.mp4": CONCAT,
    "list_without_header.ffconcat": "file {neighbour}\n",
    "manifest.mpd": DASH,
    "manifest.mp4": DASH,
    "session.sdp": SDP,
    "session.mp4": SDP,
    "composition.xml": IMF,
    "composition.mp4": IMF,
    "subtitles.idx": SUBTITLES,
    "script.avs": 'DirectShowSource("{secret}")\n',
    "address.mp4": "{secret}\n",
    "link.url": "[InternetShortcut]\nURL=file://{secret}\n",
}
HEADS = {
    "ebml": containers.EBML,
    "avi": b"RIFF\x00\x00\x00\x00AVI ",
    "gif": b"GIF89a",
    "mp4": b"v=0\nskip\n",
    "ftyp": b"    ftyp",
    "asf": containers.ASF,
    "flv": b"FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00",
    "mpeg": b"\x00\x00\x01\xba",
    "mpegts": (b"G" + bytes(187)) * 3,
}


@pytest.fixture
def secret(tmp_path):
    """Videos of the server's own disk that playlists can name, beside the folder of uploads."""
    (tmp_path / "uploads").mkdir()
    write_clip(tmp_path / "secret.ts", FRAMES, container="mpegts")
    write_clip(
        tmp_path / "secret.mp4", FRAMES, container_options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    )
    shutil.copy(tmp_path / "secret.mp4", tmp_path / "uploads" / "neighbour.mp4")
    (tmp_path / "uploads" / "inner.m3u8").write_text(fill(SEGMENTS, tmp_path))
    return tmp_path


def fill(text, folder):
    return text.format(
        secret=folder / "secret.ts", mp4=folder / "secret.mp4", folder=folder / "uploads", neighbour="neighbour.mp4"
    )


@pytest.mark.parametrize("name", TRICKS)
def test_a_file_that_names_other_files_is_refused(secret, name):
    file = secret / "uploads" / name
    file.write_text(fill(TRICKS[name], secret), encoding="utf-8", newline="")
    with pytest.raises(VideoError, match=r"begins with b.*mp4, mov, webm, mkv, avi, gif") as caught:
        read_clip(file, 4)
    assert str(secret) not in str(caught.value)


@pytest.mark.parametrize("text", [SEGMENTS, CONCAT, DASH, SDP, IMF], ids=["segments", "concat", "dash", "sdp", "imf"])
@pytest.mark.parametrize("head", HEADS)
def test_the_first_bytes_of_a_video_before_a_list_open_nothing(secret, head, text):
    file = secret / "uploads" / "both.m3u8"
    file.write_bytes(HEADS[head] + fill(text, secret).encode())
    assert containers.find_container(file.read_bytes()) is not None
    # A gif's size and pictures are in its text.
    with pytest.raises(VideoError, match=r"could not be read as a video|million per frame|holds one picture"):
        read_clip(file, 4)


def test_a_name_is_never_a_pattern_or_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "%02d.mp4",
        "http:clip.mp4",
        "concat:clip.mp4|other.mp4",
        "subfile,,start,9,end,99,,:clip.mp4",
        "-i.mp4",
    ):
        write_clip("plain.mp4", FRAMES)
        Path("plain.mp4").rename(name)
        assert frame_numbers(read_clip(name, 4, 4).frames) == [0, 4, 8, 12]


def test_a_series_of_pictures_is_not_read_through_its_pattern(tmp_path):
    for number, frame in enumerate(FRAMES[:5]):
        Image.fromarray(frame).save(tmp_path / f"{number:03d}.png")
    (tmp_path / "%03d.png").write_bytes((tmp_path / "000.png").read_bytes())
    with pytest.raises(VideoError, match="begins with"):
        read_clip(tmp_path / "%03d.png", 4)


def box(kind, content):
    return (8 + len(content)).to_bytes(4, "big") + kind + content


def with_reference(data, reference):
    """A mp4 file whose pictures lie, by its one data reference, in another file."""
    at = data.index(b"moov") - 4  # behind the pictures, so that their places stay
    own = data.index(b"url ", at) - 4
    new = data[:own] + reference + data[own + 12 :]
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        start = new.index(kind, at) - 4
        size = int.from_bytes(new[start : start + 4], "big") + len(reference) - 12
        new = new[:start] + size.to_bytes(4, "big") + new[start + 4 :]
    return new


def alias(path):
    """The data reference of QuickTime that names a file by its absolute path."""
    name = str(path).encode()
    fixed = bytes(6) + b"\x00\x02" + bytes(2) + bytes([len(b"disk")]) + b"disk".ljust(27, b"\0") + bytes(12)
    fixed += bytes([len(path.name)]) + path.name.encode().ljust(63, b"\0") + bytes(16) + b"\x00\x01\x00\x01" + bytes(16)
    path_record = b"\x00\x12" + len(name).to_bytes(2, "big") + name + bytes(len(name) % 2)
    return box(b"alis", bytes(4) + fixed + path_record + b"\xff\xff\x00\x00")


@pytest.mark.parametrize("kind", ["alias", "url"])
def test_a_mp4_whose_pictures_lie_in_another_file_does_not_open_it(tmp_path, kind):
    other = write_clip(tmp_path / "other.mp4", FRAMES[::-1])
    reference = alias(other) if kind == "alias" else box(b"url ", bytes(4) + f"file://{other}".encode() + b"\0")
    own = write_clip(tmp_path / "own.mp4", FRAMES).read_bytes()
    file = tmp_path / "reference.mov"
    file.write_bytes(with_reference(own, reference))
    with suppress(VideoError):
        assert frame_numbers(read_clip(file, 4).frames) == [0, 1, 2, 3]  # of its own bytes, or nothing


ASKED = dict(num_frames=4, step=1, start=0, step_is_seconds=False, start_is_seconds=False)
ASKED |= dict(max_side=640, max_pixels=9_400_000, max_frames=100, memory_bytes=1 << 30, seconds=20)


def test_the_child_refuses_lists_by_itself(secret):
    file = secret / "uploads" / "segments.m3u8"
    file.write_text(fill(SEGMENTS, secret))
    with file.open("rb") as video:
        done = child._finish("_decode", json.dumps(ASKED | {"parent": os.getpid()}), video, 1 << 16, 20)
    assert (done.status, bytes(done.out[4:])) == (0, b'{"error": "kind", "seen": null}')


def test_a_git_lfs_pointer_is_called_one(tmp_path):
    (tmp_path / "clip.mp4").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n")
    with pytest.raises(VideoError, match=r"clip\.mp4 is a Git LFS pointer.*git lfs pull"):
        read_clip(tmp_path / "clip.mp4", 4)


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"\x00\x00\x00\x20ftypisom", "mov"),
        *((bytes([0, 0, 0, 8]) + kind, "mov") for kind in containers.MOV_BOXES),
        (b"\x00\x00\x00\x01mdat", "mov"),
        (b"\x00\x00\x00\x07mdat", None),
        (b"\x1a\x45\xdf\xa3", "matroska"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "avi"),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b"GIF87a", "gif"),
        (b"GIF88a", None),
        (b"FLV\x01", "flv"),
        (b"FLV\x02", None),
        (containers.ASF, "asf"),
        (containers.ASF[:-1], None),
        (b"\x00\x00\x01\xba", "mpeg"),
        (b"\x00\x00\x01\xb3", None),  # a bare stream of pictures
        ((b"G" + bytes(187)) * 2 + b"G", "mpegts"),
        (bytes(4) + (b"G" + bytes(191)) * 2 + b"G", "mpegts"),  # m2ts
        ((b"G" + bytes(187)) * 2, None),
        (b"G" + bytes(187) + b"G" + bytes(188) + b"G", None),
        (b"ftyp", None),
        (b"", None),
    ],
)
def test_containers_by_their_first_bytes(head, container):
    assert containers.find_container(head) == container
