import json
import os
import shutil
import signal
import subprocess
import sys
import time
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import sifa
from sifa.data.listing import find_clips
from sifa.errors import DataError, RunError, VideoError
from sifa.evaluation.videos import evaluate_videos
from sifa.evaluation.views import VideoViews, Views, clip_starts, crops, mean_score
from sifa.model.run import forward_with
from sifa.video.preprocess import preprocess
from sifa.weights.card import card_of
from sifa.weights.checkpoint import save
from tests.clips import numbered_frames, write_clip, write_frames

ROOT = Path(__file__).parents[2]
LABELS = ("walk", "run", "jump")


@pytest.fixture(scope="module")
def model():
    """Random weights for clips of 4 frames, every third, 32 pixels wide, of three classes."""
    torch.manual_seed(0)
    model = sifa.create_model("sifa_swin_nano_16x64", num_frames=4, img_size=32, num_classes=3).eval()
    torch.nn.init.normal_(model.head.weight)
    card = replace(card_of(model), variant="sifa_swin_nano_16x64", labels=LABELS, sampling_rate=3, sha256="of the test")
    model.card = card
    return model


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """A list of the released format: two files, a folder of frames, a clip of fewer frames than the model takes, a
    broken file."""
    folder = tmp_path_factory.mktemp("videos")
    write_clip(folder / "a b.mp4", numbered_frames(40))
    write_clip(folder / "tall.mp4", numbered_frames(30, height=96, width=48))
    write_frames(folder / "85", numbered_frames(25))
    write_clip(folder / "short.mp4", numbered_frames(3))
    (folder / "broken.mp4").write_bytes(b"nothing" * 99)
    (folder / "list.txt").write_text("a b 40 0\ntall.mp4 30 1\n85 25 2\nshort 3 0\nbroken 40 1\n")
    return folder / "list.txt"


@pytest.mark.parametrize(
    ("frames", "span", "clips", "starts"),
    [(100, 40, 1, [0]), (100, 40, 4, [0, 15, 30, 45]), (47, 40, 3, [0, 2, 4]), (40, 40, 2, [0, 0]), (9, 40, 2, [0, 0])],
)
def test_clips_start_where_the_released_loader_starts_them(frames, span, clips, starts):
    assert clip_starts(frames, span, clips) == starts


@pytest.mark.parametrize("text", ["4", "4x", "0x1", "1x0", "2x4", "4x3x1", "-1x1", "axb", "99999999x3"])
def test_other_views_are_refused(text):
    assert Views.parse("10x3") == Views(10, 3)
    with pytest.raises(ValueError, match="give clips x crops with 1 to 3 crops"):
        Views.parse(text)


@pytest.mark.parametrize("turned", [False, True])
def test_crops_are_squares_along_the_longer_side(turned):
    frames = np.arange(2 * 4 * 9 * 3, dtype=np.uint8).reshape(2, 4, 9, 3)
    frames = frames.swapaxes(1, 2) if turned else frames
    for count, places in ((1, [2]), (2, [0, 5]), (3, [0, 2, 5])):
        found = crops(frames, count)
        assert len(found) == count
        for square, place in zip(found, places):
            expected = frames[:, place : place + 4] if turned else frames[:, :, place : place + 4]
            np.testing.assert_array_equal(square, expected)


def all_views(path, card, views):
    """Of a video, and how many frames of each clip were padded."""
    video = VideoViews(path, card, views)
    parts, padded = zip(*map(video.clip, range(views.clips)))
    assert len(set(padded)) == 1
    before = [max(i for i in range(number + 1) if parts[i] is not None) for number in range(views.clips)]
    return torch.cat([parts[number] for number in before]), padded[0]


def test_the_views_of_a_video_are_its_frames_and_crops(model, tmp_path):
    frames = numbered_frames(40, height=48, width=96)
    card, folder = model.card, write_frames(tmp_path / "video", frames)
    views, padded = all_views(folder, card, Views(4, 3))
    assert views.shape == (12, 3, 4, 32, 32)
    assert padded == 0
    expected = [
        preprocess(np.ascontiguousarray(frames[start : start + 12 : 3, :, left : left + 48]), 32)[0][0]
        for start in (0, 7, 14, 21)
        for left in (0, 24, 48)
    ]
    torch.testing.assert_close(views, torch.stack(expected), atol=0, rtol=0)


def test_one_view_is_what_a_prediction_sees(model, tmp_path):
    file = write_clip(tmp_path / "clip.mp4", numbered_frames(40))
    prediction = sifa.predict(model, sifa.read_clip(file, 4, 3))
    views, _ = all_views(file, model.card, Views())
    score = mean_score(forward_with(model), [views], 1)
    np.testing.assert_allclose(score, prediction.probabilities, atol=1e-6)


def test_a_score_is_the_mean_of_the_softmaxes():
    logits = torch.tensor([[0.0, 2.0, 1.0], [3.0, 0.0, -1.0], [0.5, 0.5, 0.0]])
    exp = np.exp(logits.numpy())
    by_hand = (exp / exp.sum(1, keepdims=True)).mean(0)
    for batch in (1, 2, 5):
        score = mean_score(lambda index: logits[index], torch.arange(3).split(2), batch)
        np.testing.assert_allclose(score, by_hand, rtol=1e-6)
    assert by_hand.argmax() != logits.mean(0).softmax(0).argmax() or not np.allclose(
        by_hand, logits.mean(0).softmax(0), atol=1e-3
    )


def test_videos_are_scored_counted_and_named(model, videos):
    found = evaluate_videos(model, find_clips(videos), Views(2, 3))
    assert (found["clips"], found["padded"], found["views"]) == (4, 1, "2x3")
    assert [Path(name).name for name in found["unreadable"]] == ["broken.mp4"]
    assert found["top5"] == 1.0
    assert found["top5_of_all"] == 0.8
    assert found["top1_of_all"] == pytest.approx(found["top1"] * 4 / 5)
    right = 0
    for name, label in (("a b.mp4", 0), ("tall.mp4", 1), ("85", 2), ("short.mp4", 0)):
        views, _ = all_views(videos.parent / name, model.card, Views(2, 3))
        with torch.no_grad():
            right += int(model(views).softmax(1).mean(0).argmax() == label)
    assert found["top1"] == right / 4


def test_no_more_views_are_kept_than_a_batch_and_what_is_read_ahead(model, tmp_path, monkeypatch):
    """However many clips a video has, and whichever of them cannot be read."""
    found = [(write_frames(tmp_path / name, numbered_frames(60)), "walk") for name in ("one", "damaged", "two")]
    alive, most, read = weakref.WeakSet(), [], VideoViews.clip

    def watched(video, number):
        part = read(video, number)
        alive.add(part[0])
        most.append(len(alive))
        if number == 7 and video.path.name == "damaged":
            raise VideoError("it is damaged from here on")
        return part

    monkeypatch.setattr(VideoViews, "clip", watched)
    figures = evaluate_videos(model, found, Views(20, 1), batch=2, readers=2)
    assert [Path(name).name for name in figures["unreadable"]] == ["damaged"]
    assert (figures["clips"], len(most)) == (2, 60)
    assert max(most) <= 3 + 1 + 2 + 1  # read ahead, just given out, in the batch, the one before


def test_a_stopped_run_goes_on_to_the_same_result(model, videos, tmp_path):
    found, whole, parts = find_clips(videos), tmp_path / "whole", tmp_path / "parts"
    expected = evaluate_videos(model, found, Views(2, 1), whole)
    forward, calls = forward_with(model), []

    def stopping(video):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return forward(video)

    with pytest.raises(KeyboardInterrupt):
        evaluate_videos(model, found, Views(2, 1), parts, stopping)
    file = parts / "scores-0.jsonl"
    assert len(file.read_text().splitlines()) == 2
    with file.open("a") as lines:
        lines.write('{"index": 2, "path": "85", "la')  # what a kill in the middle of a line leaves
    calls = [1] * 3
    assert evaluate_videos(model, found, Views(2, 1), parts, stopping) == expected
    assert len(calls) == 3 + 2  # the two that were read before are not read again
    assert file.read_text() == (whole / "scores-0.jsonl").read_text()
    row = json.loads(file.read_text().splitlines()[0])
    assert row["label"] == "walk"
    assert sum(row["scores"]) == pytest.approx(1, abs=1e-5)
    assert row["top5"][0] == [LABELS[np.argmax(row["scores"])], round(max(row["scores"]), 4)]


def test_an_unreadable_video_is_tried_again(model, tmp_path):
    file, good = tmp_path / "late.mp4", write_clip(tmp_path / "good.mp4", numbered_frames(12))
    found = [(good, "walk"), (file, "run")]
    assert list(evaluate_videos(model, found, out=tmp_path / "out")["unreadable"]) == [str(file)]
    write_clip(file, numbered_frames(12))
    assert evaluate_videos(model, found, out=tmp_path / "out")["clips"] == 2


def test_a_folder_of_another_run_is_refused(model, videos, tmp_path):
    found = find_clips(videos)
    evaluate_videos(model, found[:2], out=tmp_path)
    for options, why in (
        (dict(views=Views(2, 3)), "views 1x1 instead of 2x3"),
        (dict(precision="bfloat16"), "precision float32 instead of bfloat16"),
    ):
        with pytest.raises(DataError, match=f"another run .{why}.; repeat that run's command"):
            evaluate_videos(model, found[:2], out=tmp_path, **options)
    with pytest.raises(DataError, match="videos 2 instead of 3"):
        evaluate_videos(model, found[:3], out=tmp_path)
    with pytest.raises(DataError, match="list .* instead of"):
        evaluate_videos(model, found[1::-1], out=tmp_path)
    (tmp_path / "scores-0.jsonl").write_text("no line of ours\n")
    with pytest.raises(DataError, match=r"line 1 of .*scores-0.jsonl is damaged"):
        evaluate_videos(model, found[:2], out=tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[1]", '"x"'])
def test_a_damaged_account_of_a_run_is_said(model, videos, tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(DataError, match=r"run\.json is damaged .*; give another --out, or remove this folder"):
        evaluate_videos(model, find_clips(videos), out=tmp_path)


def test_files_whose_names_are_no_text_are_measured(model, videos, tmp_path):
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/latin \xe9.mp4"))
    found = find_clips(videos)
    shutil.copy(next(file for file, _ in found if file.is_file()), file)
    clips = [(file, found[0][1])]
    assert evaluate_videos(model, clips, out=tmp_path / "run") == evaluate_videos(model, clips, out=tmp_path / "run")


def test_ways_of_running_agree(model):
    video = torch.rand(2, 3, 4, 32, 32)
    plain = forward_with(model)(video)
    assert plain.dtype == torch.float32
    assert plain.shape == (2, 3)
    reduced = forward_with(model, amp="bfloat16")(video)
    assert reduced.dtype == torch.float32
    assert 0 < (reduced - plain).abs().max() < 0.1 * plain.abs().max()
    torch.testing.assert_close(forward_with(model, channels_last=True)(video), plain, atol=1e-4, rtol=1e-4)
    assert model.patch_embed.proj.weight.is_contiguous(memory_format=torch.channels_last_3d)
    with pytest.raises(RunError, match="amp is 'fp8'; use bfloat16 or float16"):
        forward_with(model, amp="fp8")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_said(model):
    with pytest.raises(RunError, match="PyTorch finds no GPU here"):
        forward_with(model, "cuda")


@pytest.mark.full
def test_a_compiled_model_agrees():
    """One block of each kind, since each is compiled for tens of seconds."""
    torch.manual_seed(0)
    small = sifa.create_model("sifa_swin_nano_16x64", num_frames=4, img_size=32, depths=(2,), num_heads=(2,)).eval()
    torch.nn.init.normal_(small.head.weight)
    video = torch.rand(2, 3, 4, 32, 32)
    compiled = forward_with(small, compile=True)(video)
    torch.testing.assert_close(compiled, forward_with(small)(video), atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_a_compiler_that_is_missing_is_said(tmp_path):
    program = (
        "import torch; from sifa.model.run import forward_with, RunError\n"
        "try: forward_with(torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.GELU()), compile=True)(torch.rand(1, 3))\n"
        "except RunError as error: print(error)"
    )
    environment = os.environ | {"CXX": str(tmp_path / "none"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200
    )
    assert "it needs a C++ compiler such as g++" in done.stdout, done.stderr[-2000:]


def command(checkpoint, videos, *options, torchrun=0):
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(torchrun)] if torchrun else []
    data = [
        "-m",
        "sifa",
        "evaluate",
        "--checkpoint",
        checkpoint,
        "--data",
        videos,
        "--views",
        "2x3",
        "--json",
        *options,
    ]
    return [sys.executable, *start, *map(str, data)]


def run(*arguments, **options):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command(*arguments, **options), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_two_processes_and_a_killed_run_give_the_result_of_one(model, videos, tmp_path):
    save(model, model.card, tmp_path / "model.safetensors")
    one = run(tmp_path / "model.safetensors", videos)
    assert (one["clips"], one["padded"], one["views"]) == (4, 1, "2x3")
    two = run(tmp_path / "model.safetensors", videos, "--out", tmp_path / "two", torchrun=2)
    assert two == one
    rows = [len((tmp_path / f"two/scores-{rank}.jsonl").read_text().splitlines()) for rank in (0, 1)]
    assert rows == [3, 2]

    out = tmp_path / "killed"
    killed = subprocess.Popen(command(tmp_path / "model.safetensors", videos, "--out", out, "--readers", 1), cwd=ROOT)
    file = out / "scores-0.jsonl"
    try:
        deadline = time.monotonic() + 60
        while not (file.exists() and file.read_bytes().count(b"\n")):
            assert time.monotonic() < deadline
            assert killed.poll() is None
            time.sleep(0.002)
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    before = file.read_text()
    assert 1 <= before.count("\n") < 5
    again = run(tmp_path / "model.safetensors", videos, "--out", out, torchrun=2)
    assert again == one
    assert file.read_text().startswith(before[: before.rfind("\n") + 1])
