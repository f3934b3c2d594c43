import numpy as np
import pytest
import torch
from PIL import Image

from sifa.data.listing import find_clips
from sifa.data.user_clips import VideoClips
from sifa.errors import DataError
from sifa.video.frames import read_video
from tests.clips import numbered_frames, write_clip


def video_clips(clips, **options):
    return VideoClips(clips, size=32, read=lambda file: read_video(file, 4, 2), **options)


def test_progress_names_each_clip_whether_it_can_be_read_or_not(folder, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"nothing" * 99)
    clips = [(tmp_path / "broken.mp4", "walk"), *find_clips(folder)]
    calls = []
    video_clips(clips, progress=lambda *call: calls.append(call))
    assert calls == [(f"reading {file.name}", number / 8) for number, (file, _) in enumerate(clips)]


def test_unpacked_videos_are_clips_of_a_class_like_any_other(tmp_path):
    for label in "ab":
        for number in range(2):
            (tmp_path / label / str(number)).mkdir(parents=True)
            for frame, picture in enumerate(numbered_frames(8), 1):
                Image.fromarray(picture).save(tmp_path / label / str(number) / f"{frame:05d}.jpg")
    clips = video_clips(find_clips(tmp_path))
    assert (clips.count, clips.skipped) == (4, {})


def test_unreadable_clips_are_skipped_and_named(folder, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing" * 99)
    clips = video_clips([*find_clips(folder), (broken, "walk")])
    assert clips.count == 7
    assert list(clips.skipped) == [str(broken)]
    assert "could not be read" in clips.skipped[str(broken)]


def test_too_few_clips_are_refused(folder, tmp_path):
    found = find_clips(folder)
    with pytest.raises(DataError, match=r"too few clips to learn from: run \(1\); every class needs 2"):
        video_clips(found[1:])
    with pytest.raises(DataError, match="the clips have 1 class"):
        video_clips([clip for clip in found if clip[1] == "walk"])


def test_a_class_of_which_nothing_can_be_read_is_not_forgotten(folder, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing" * 99)
    with pytest.raises(DataError, match=r"jump \(0\); 1 could not be read; every class needs 2"):
        video_clips([*find_clips(folder), (broken, "jump")])


def test_every_fifth_clip_of_a_class_is_held_out(folder):
    clips = video_clips(find_clips(folder))
    assert clips.labels == ("run", "walk")
    assert [label for _, label in clips.held_out] == [1]
    assert [len(videos) for videos in clips.training] == [2, 4]
    assert not any(torch.equal(clips.held_out[0][0], video) for video in clips.training[1])


def test_batches_depend_on_seed_and_index_alone(folder):
    clips = video_clips(find_clips(folder), seed=3)
    labels = torch.tensor([0, 1, 1])
    first = clips.batch(5, labels)
    clips.batch(6, labels)
    assert first.video.shape == (3, 3, 4, 32, 32)
    assert torch.equal(clips.batch(5, labels).video, first.video)
    assert not torch.equal(clips.batch(6, labels).video, first.video)
    assert 0 <= first.video.min() < first.video.max() <= 1


def test_clips_are_never_mirrored(tmp_path):
    """Left and right may be what tells two classes apart."""
    frames = np.zeros((8, 48, 48, 3), np.uint8)
    frames[:, :, 24:] = 255
    for label in "ab":
        (tmp_path / label).mkdir()
        for number in range(2):
            write_clip(tmp_path / label / f"{number}.mp4", frames)
    clips = video_clips(find_clips(tmp_path))
    for index in range(10):
        video = clips.batch(index, torch.tensor([0, 1])).video
        assert (video[..., -8:].mean() > video[..., :8].mean() + 0.3).all()


def test_of_many_classes_with_too_few_clips_some_are_named(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", numbered_frames(8, 48, 48))
    clips = [(clip, f"class {number}") for number in range(30)]
    with pytest.raises(DataError, match=r"class 0 \(1\), .*class 12 \(1\) \.\.\. \(30 classes\); every class needs 2$"):
        video_clips(clips)
