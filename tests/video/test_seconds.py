"""Time is time: a start and a step in seconds find the frames that are shown then, at any frame rate."""

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from sifa.errors import VideoError
from sifa.video.clip import FITTED
from sifa.video.frames import read_video_seconds
from sifa.video.read import read_clip, read_seconds
from sifa.weights.card import ModelCard, load_card
from sifa.weights.checkpoint import adopt, save
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.clips import frame_numbers, numbered_frames, write_clip, write_frames
from tests.predictions import nano_model
from tests.video import matrix

STEP = 4 / 30


def clip_at(folder, fps, seconds=3.0, **options):
    return write_clip(folder / f"{fps}.mp4", numbered_frames(round(fps * seconds)), fps=fps, **options)


@pytest.mark.parametrize(("fps", "frames"), [(10, 1), (15, 2), (24, 3), (25, 3), (30, 4), (50, 7), (60, 8), (120, 16)])
def test_a_step_in_seconds_is_the_nearest_whole_number_of_frames(tmp_path, fps, frames):
    file = clip_at(tmp_path, fps)
    clip = read_seconds(file, 8, STEP, 0.5)
    first = int(0.5 * fps + 1e-9)
    assert frame_numbers(clip.frames) == clip.indices.tolist() == list(range(first, first + 8 * frames, frames))
    assert clip.sampling_rate == frames
    assert clip.padded == 0


@pytest.mark.parametrize(("fps", "suffix"), [(1000, "mp4"), (1000, "mkv"), (1000, "avi"), (2000, "mp4")])
def test_cameras_for_slow_motion_are_no_exception(tmp_path, fps, suffix):
    """Some count more than a thousand frames a second."""
    options = ("-vf", f"settb=1/{fps},setpts=N", "-r", str(fps))
    file = matrix.encode(tmp_path / f"fast.{suffix}", "h264_b", *options, count=400)
    clip = read_seconds(file, 4, 0.05, 0.01)
    assert clip.fps == pytest.approx(fps)
    assert frame_numbers(clip.frames) == list(range(fps // 100, 400, fps // 20))[:4]


@pytest.mark.parametrize(("codec", "suffix"), [("wmv2", "wmv"), ("mpeg4", "avi"), ("libx264", "mp4")])
def test_a_single_frame_is_there_from_the_beginning(tmp_path, codec, suffix):
    file = matrix.encode(tmp_path / f"one.{suffix}", {"libx264": "h264"}.get(codec, codec), count=1)
    assert read_seconds(file, 2, STEP, 0.0).indices.tolist() == [0, 0]


@pytest.mark.parametrize(("milliseconds", "seconds"), [(0, 0.1), (10, 0.1), (20, 0.02), (500, 0.5)])
def test_the_shortest_times_of_a_gif_mean_a_tenth_of_a_second(tmp_path, milliseconds, seconds):
    """As in browsers: such gifs are from a time in which no screen kept up with them."""
    file = tmp_path / "a.gif"
    first, *others = map(Image.fromarray, numbered_frames(12))
    first.save(file, save_all=True, append_images=others, duration=milliseconds)
    clip = read_clip(file, 12)
    np.testing.assert_allclose(clip.times, np.arange(12) * seconds, atol=1e-6)
    assert frame_numbers(clip.frames) == list(range(12))


def test_at_30_a_second_it_is_bit_identical_to_four_frames(tmp_path):
    file = clip_at(tmp_path, 30)
    by_time, by_number = read_seconds(file, 16, STEP), read_clip(file, 16, 4)
    np.testing.assert_array_equal(by_time.frames, by_number.frames)
    np.testing.assert_array_equal(by_time.times, by_number.times)
    assert by_time.indices.tolist() == by_number.indices.tolist()


def test_at_a_varying_rate_each_time_has_the_frame_that_is_shown_then(tmp_path):
    """Frames 0 to 19 take a tenth of a second each, those after them half a second."""
    ticks = [*range(20), *(20 + 5 * i for i in range(20))]
    file = write_clip(tmp_path / "v.mp4", numbered_frames(40), fps=10, ticks=ticks)
    assert read_seconds(file, 1, STEP, 4.0).indices.tolist() == [24]
    assert read_seconds(file, 1, STEP, 4.2).indices.tolist() == [24]
    clip = read_seconds(file, 8, 0.25, 1.5)
    assert frame_numbers(clip.frames) == clip.indices.tolist() == [15, 17, 20, 20, 21, 21, 22, 22]
    assert clip.padded == 0
    late = read_seconds(file, 8, 0.25, 11.0)
    assert late.indices.tolist() == [38, 38, 39, 39, 39, 39, 39, 39]
    assert 3 <= late.padded <= 4


def test_a_start_after_the_end_names_the_length(tmp_path):
    file = clip_at(tmp_path, 20)
    assert read_seconds(file, 1, STEP, 2.99).indices.tolist() == [59]
    with pytest.raises(VideoError, match=r"20\.mp4 is 3\.0 s long, so it cannot start at 3 s; start earlier"):
        read_seconds(file, 1, STEP, 3)


@pytest.mark.parametrize("step", [0, -1, float("nan"), float("inf"), 1e308])
def test_a_step_that_is_none_is_refused(tmp_path, step):
    with pytest.raises(VideoError, match="it must be above 0 and at most 1000000 s"):
        read_seconds(tmp_path / "no.mp4", 4, step)


@pytest.mark.parametrize("start", [-0.1, float("nan"), float("inf"), -float("inf"), 1e308])
def test_a_start_that_is_none_is_refused(tmp_path, start):
    with pytest.raises(VideoError, match="it must be between 0 and 1000000 s"):
        read_seconds(tmp_path / "no.mp4", 4, STEP, start)


def test_a_folder_of_pictures_counts_30_a_second(tmp_path):
    folder = write_frames(tmp_path / "frames", numbered_frames(60))
    assert read_video_seconds(folder, 4, STEP, 0.5).indices.tolist() == [15, 19, 23, 27]
    assert read_video_seconds(folder, 3, None, 1, sampling_rate=7).indices.tolist() == [30, 37, 44]
    with pytest.raises(VideoError, match="it must be above 0"):
        read_video_seconds(folder, 4, 0)


def test_weights_say_their_step(tmp_path):
    shipped = load_card(DEFAULT_CHECKPOINT)
    assert shipped.step_seconds == pytest.approx(4 / 30)
    assert shipped.read(clip_at(tmp_path, 60, 6)).indices.tolist() == list(range(0, 128, 8))
    model = nano_model()
    save(model, model.card, tmp_path / "frames.safetensors")
    counted = load_card(tmp_path / "frames.safetensors")
    assert counted.step_seconds is None
    rate = counted.sampling_rate
    clip = counted.read(tmp_path / "60.mp4", 1.0)
    assert clip.indices.tolist() == [60 + rate * i for i in range(counted.num_frames)]


def test_converted_weights_count_frames(tmp_path):
    model = nano_model()
    save_file(model.state_dict(), tmp_path / "own.safetensors")
    adopted, _ = adopt(tmp_path / "own.safetensors", model.card.variant, "paper", **model.card.config)
    assert isinstance(adopted.card, ModelCard)
    assert adopted.card.step_seconds is None


@pytest.mark.parametrize(
    ("count", "fitted"), [(61, False), (60, True), (45, True), (29, True), (28, False), (9, False)]
)
def test_the_frames_of_a_short_video_are_taken_closer_together_down_to_half_the_step(tmp_path, count, fitted):
    """A window of 16 frames, 4 apart, takes 61 frames; 29 of them hold 8 at that step."""
    file = write_clip(tmp_path / "a.mp4", numbered_frames(count), fps=30)
    folder = write_frames(tmp_path / "folder", numbered_frames(count))
    for source in (file, folder):
        clip = read_video_seconds(source, 16, STEP, fit=True)
        usual = read_video_seconds(source, 16, STEP)
        assert frame_numbers(clip.frames) == clip.indices.tolist()
        assert (FITTED in clip.notes) == fitted
        if not fitted:
            assert (clip.indices.tolist(), clip.padded) == (usual.indices.tolist(), usual.padded)
            continue
        assert usual.padded > 0
        assert (clip.indices[0], clip.indices[-1], clip.padded) == (0, count - 1, 0)
        steps = np.diff(clip.indices)
        assert steps.max() - steps.min() <= 1
        assert clip.sampling_rate == round((count - 1) / 15)


def test_from_a_late_start_on_a_video_is_short_too(tmp_path):
    file = clip_at(tmp_path, 30, 4.0)
    clip = read_seconds(file, 16, STEP, 3.0, fit=True)
    assert clip.indices.tolist() == np.round(np.linspace(90, 119, 16)).astype(int).tolist()
    assert read_seconds(file, 16, STEP, 3.5, fit=True).padded == 12


def test_a_card_reads_short_videos_so(tmp_path):
    file = clip_at(tmp_path, 30, 1.5)
    assert load_card(DEFAULT_CHECKPOINT).read(file).notes == (FITTED,)
