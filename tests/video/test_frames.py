import numpy as np
import pytest
from PIL import Image

from sifa.errors import VideoError
from sifa.video.frames import read_frames, read_video
from tests.clips import frame_numbers, numbered_frames, write_clip, write_frames


def test_a_folder_of_frames_is_read_like_the_file(tmp_path):
    frames = numbered_frames(20)
    file = write_clip(tmp_path / "clip.mkv", frames, codec="ffv1", pixels="bgr0")
    for name, first in (("{:05d}.png", 1), ("img_{:d}.PNG", 0), ("frame7_{:06d}.png", 3)):
        folder = write_frames(tmp_path / name[:3], frames, name, first)
        one, other = read_video(file, 4, 3, 5), read_video(folder, 4, 3, 5)
        np.testing.assert_array_equal(one.frames, other.frames)
        np.testing.assert_array_equal(one.indices, other.indices)
        assert (one.source_frames, one.source_size) == (other.source_frames, other.source_size)
    clip = read_frames(folder, 4, 3, 14, max_side=32)
    assert clip.indices.tolist() == [14, 17, 17, 17]
    assert clip.padded == 2
    assert clip.frames.shape == (4, 24, 32, 3)
    assert frame_numbers(clip.frames) == [14, 17, 17, 17]


def test_folders_that_cannot_be_read_say_why(tmp_path):
    frames = numbered_frames(5)
    folder = write_frames(tmp_path / "video", frames, "{:05d}.jpg")
    with pytest.raises(VideoError, match=r"at frame 5, but video has 5 frames \(0 to 4\)"):
        read_frames(folder, 2, start=5)
    with pytest.raises(VideoError, match=r"num_frames is 0; it must be at least 1"):
        read_frames(folder, 0)
    (folder / "3.png").write_bytes(b"")
    with pytest.raises(VideoError, match=r"two pictures with number 3"):
        read_frames(folder, 2)
    (folder / "3.png").unlink()
    (folder / "00002.jpg").write_bytes((folder / "00001.jpg").read_bytes()[:300])
    with pytest.raises(VideoError, match=r"video/00002.jpg could not be read .*[Tt]runcated"):
        read_frames(folder, 4)
    Image.new("RGB", (10, 10)).save(folder / "00002.jpg")
    with pytest.raises(VideoError, match="several sizes"):
        read_frames(folder, 4)
    (folder / "00002.jpg").unlink()
    with pytest.raises(VideoError, match="has pictures 1 to 5, but number 2 is missing"):
        read_frames(folder, 2)
    (tmp_path / "empty").mkdir()
    with pytest.raises(VideoError, match="holds no numbered pictures"):
        read_frames(tmp_path / "empty", 2)


def test_several_series_in_one_folder_are_no_clip(tmp_path):
    """What tools for optical flow write side by side, and what macOS leaves beside every file."""
    frames = numbered_frames(5)
    folder = write_frames(tmp_path / "video", frames, "img_{:05d}.jpg")
    (folder / "._img_00001.jpg").write_bytes(b"\0\5\x16\7")
    assert read_frames(folder, 5).source_frames == 5
    for name in ("flow_x_00001.jpg", "b_00006.jpg"):
        (folder / name).write_bytes((folder / "img_00001.jpg").read_bytes())
        with pytest.raises(VideoError, match=f"video holds several series of pictures .*{name}.*; give each a folder"):
            read_frames(folder, 2)
        (folder / name).unlink()
