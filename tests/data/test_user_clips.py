import multiprocessing
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sifa.data.known import Known
from sifa.data.listing import find_clips
from sifa.data.reading import deaths_said
from sifa.data.user_clips import VideoClips
from sifa.errors import DataError, RunError
from sifa.video.frames import read_video
from tests.clips import numbered_frames, write_clip, write_frames

ROOT = Path(__file__).parents[2]


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
    assert clips.held_out[0][0] not in clips.training[1]


def batch(clips, index, positions):
    return next(clips.batches(lambda: [(index, positions)], 0))


def test_batches_depend_on_seed_and_index_alone(folder):
    clips = video_clips(find_clips(folder), seed=3)
    first = batch(clips, 5, range(3))
    batch(clips, 6, range(3))
    assert first.video.shape == (3, 3, 4, 32, 32)
    assert torch.equal(batch(clips, 5, range(3)).video, first.video)
    assert not torch.equal(batch(clips, 6, range(3)).video, first.video)
    assert 0 <= first.video.min() < first.video.max() <= 1


def test_every_epoch_holds_each_training_clip_once_in_an_order_of_its_own(folder):
    clips = video_clips(find_clips(folder))
    each = sorted(number for numbers in clips.training for number in numbers)
    dealt = list(clips.dealt(range(6 * 20)))
    epochs = [tuple(dealt[first : first + 6]) for first in range(0, 120, 6)]
    assert all(sorted(epoch) == each for epoch in epochs)
    assert len(set(epochs[:4])) == 4  # of 720 orders
    assert list(clips.dealt([13, 100, 14])) == [dealt[13], dealt[100], dealt[14]]
    assert list(video_clips(find_clips(folder), seed=1).dealt(range(120))) != dealt


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The same as folders of pictures, which are read in no time."""
    folder = tmp_path_factory.mktemp("unpacked")
    for label, count in (("walk", 5), ("run", 2)):
        for number in range(count):
            write_frames(folder / label / str(number), numbered_frames(8 + number)[number:])
    return folder


CLIP = 3 * 4 * 37 * 37  # bytes of a clip in memory


@pytest.mark.parametrize("readers", [0, 2])
@pytest.mark.parametrize("memory", [0, 3 * CLIP, 4 * CLIP + 1])
def test_clips_are_the_same_from_memory_and_from_the_disk(unpacked, memory, readers):
    parts = [(index, range(8 * index, 8 * index + 8)) for index in range(4)]  # more than five epochs
    kept = video_clips(find_clips(unpacked))
    assert kept.bytes_kept == 7 * CLIP
    clips = video_clips(find_clips(unpacked), memory=memory, readers=readers)
    assert clips.bytes_kept == memory // CLIP * CLIP
    for _ in range(2):  # the second time what fits is in memory
        made = list(clips.batches(lambda: parts, 8))
        assert len(made) == len(parts)
        for one, other in zip(kept.batches(lambda: parts, 0), made):
            assert torch.equal(one.video, other.video)
            assert torch.equal(one.labels, other.labels)
    held_out = [list(each.held_out_videos()) for each in (kept, clips)]
    assert [label for _, label in held_out[0]] == [label for _, label in held_out[1]] == [1]
    assert torch.equal(held_out[0][0][0], held_out[1][0][0])
    assert clips.digests == kept.digests


@pytest.mark.parametrize("memory", [0, 7 * CLIP])
def test_a_clip_that_is_lost_on_the_way_is_said_once_and_another_takes_its_place(unpacked, tmp_path, memory, caplog):
    """It was read before: `known` says so, and nothing of it is in memory."""
    found = find_clips(unpacked)
    parts = [(index, range(8 * index, 8 * index + 8)) for index in range(4)]
    video_clips(found, known=Known(tmp_path / "out", "4 frames"))
    clips = video_clips(found, known=Known(tmp_path / "out", "4 frames"), memory=memory, readers=2)
    lost = clips.training[1][0]
    gone = clips.files[lost].rename(tmp_path / "gone")
    try:
        made = list(clips.batches(lambda: parts, 8))
    finally:
        gone.rename(clips.files[lost])
    assert caplog.text.count("can be read no more, and others of its class take its place") == 1
    assert list(clips.lost) == [lost]
    whole = list(video_clips(found).batches(lambda: parts, 0))
    same = [torch.equal(a, b) for one, other in zip(whole, made) for a, b in zip(one.video, other.video)]
    assert same == [number != lost for number in clips.dealt(range(32))]
    assert all(torch.equal(one.labels, other.labels) for one, other in zip(whole, made))


def test_a_class_that_is_lost_as_a_whole_ends_the_run_in_a_sentence(folder):
    clips = video_clips(find_clips(folder), memory=0)
    for number in clips.training[0]:
        clips.files[number].rename(clips.files[number].with_suffix(".gone"))
    try:
        with pytest.raises(
            DataError, match=r"no clip of run can be read any more \(there is no file .*the same command goes on"
        ):
            list(clips.batches(lambda: [(0, range(8))], 0))
    finally:
        for number in clips.training[0]:
            clips.files[number].with_suffix(".gone").rename(clips.files[number])


def test_what_was_found_is_known_until_a_clip_changes(folder, tmp_path):
    read = []

    def clips(how="4 frames", rank=0):
        read.clear()
        found = find_clips(folder)
        return VideoClips(
            found,
            32,
            lambda file: read.append(file.name) or read_video(file, 4, 2),
            known=Known(tmp_path / "out", how, rank),
        )

    first = clips()
    assert len(read) == 7
    with (tmp_path / "out/clips-0.jsonl").open("a") as lines:
        lines.write('{"path": "half a li')
    assert clips().digests == first.digests
    assert read == []
    again = clips()
    assert torch.equal(batch(again, 5, range(6)).video, batch(first, 5, range(6)).video)
    changed = first.files[3]
    os.utime(changed, (1, 1))
    assert clips(rank=1).digests == first.digests
    assert read == [changed.name]
    clips()
    assert read == []
    clips("5 frames")
    assert len(read) == 7


def test_readers_end_with_their_parent_however_it_ends(folder, tmp_path):
    """They are killed with it while they wait to hand over what they read, which is more than a pipe holds."""
    program = (
        "import sys, time, multiprocessing\n"
        "from pathlib import Path\n"
        "from sifa.data.listing import find_clips\n"
        "from sifa.data.user_clips import VideoClips\n"
        "from sifa.video.frames import read_video\n"
        "clips = VideoClips(find_clips(Path(sys.argv[1])), 200, lambda file: read_video(file, 8, 1), memory=0, readers=2)\n"
        "made = clips.batches(lambda: ((i, range(8 * i, 8 * i + 8)) for i in range(99)), 8)\n"
        "next(made)\n"
        "print(*(child.pid for child in multiprocessing.active_children()), flush=True)\n"
        "time.sleep(99)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, folder], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    readers = [Path("/proc") / number for number in parent.stdout.readline().split()]
    assert len(readers) == 2
    assert all(reader.exists() for reader in readers)
    time.sleep(1)  # until they are stuck
    parent.kill()
    parent.wait()
    until = time.monotonic() + 3
    while any(reader.exists() and "Z" not in (reader / "stat").read_text().split()[2] for reader in readers):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_reader_that_is_ended_from_outside_is_said(folder):
    clips = video_clips(find_clips(folder), memory=0, readers=2)
    made = clips.batches(lambda: ((i, range(8 * i, 8 * i + 8)) for i in range(99)), 8)
    next(made)
    for reader in multiprocessing.active_children():
        reader.kill()
    with pytest.raises(RunError, match="a process that reads clips was ended from outside .*fewer --readers"):
        list(made)


def test_so_it_is_while_something_else_goes_on(folder):
    """A training spends most of its time elsewhere, and torch interrupts that."""
    clips = video_clips(find_clips(folder), memory=0, readers=2)
    made = clips.batches(lambda: ((i, range(8 * i, 8 * i + 8)) for i in range(99)), 8)
    with pytest.raises(RunError, match="ended from outside .*fewer --readers"), closing(made), deaths_said():
        next(made)
        for reader in multiprocessing.active_children():
            reader.kill()
        time.sleep(20)


def test_random_numbers_stay_as_they_are(folder):
    """Else dropout would depend on where clips come from."""
    clips = video_clips(find_clips(folder), memory=0, readers=1)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    batch(clips, 0, range(8))
    assert torch.equal(torch.get_rng_state(), before)


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
        video = batch(clips, index, range(2)).video
        assert (video[..., -8:].mean() > video[..., :8].mean() + 0.3).all()


def test_of_many_classes_with_too_few_clips_some_are_named(tmp_path):
    clip = write_clip(tmp_path / "a.mp4", numbered_frames(8, 48, 48))
    clips = [(clip, f"class {number}") for number in range(30)]
    with pytest.raises(DataError, match=r"class 0 \(1\), .*class 12 \(1\) \.\.\. \(30 classes\); every class needs 2$"):
        video_clips(clips)
