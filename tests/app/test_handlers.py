"""What the page does, with real clips and a real, untrained model; the page itself is in browser/test_app.py."""

import threading
from pathlib import Path

import numpy as np
import pytest

from app import handlers, samples, texts
from sifa import explorer
from sifa.errors import SifaError
from sifa.tracing.interventions import INTERVENTIONS
from sifa.video.clip import FITTED
from sifa.weights import shipped
from sifa.weights.checkpoint import save
from sifa.weights.shipped import DEFAULT_CHECKPOINT
from tests.clips import numbered_frames, write_clip
from tests.predictions import nano_model, nano_prediction


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "small.safetensors"
    model = nano_model()
    save(model, model.card, file)
    return file


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """80 numbered frames, 96 x 128, 25 per second."""
    return str(write_clip(tmp_path_factory.mktemp("clips") / "numbered.mp4", numbered_frames(80, 96, 128)))


STEP = 4 / 25  # seconds: four frames of the clips here


def run(clip, checkpoint, start=0, step=STEP):
    return handlers.run(clip, start, step, checkpoint, "cpu")


def note(steps):
    """Progress that is written into the list `steps`."""
    return lambda what, share: steps.append((what, share))


def error_text(clip, checkpoint, tmp_path, start=0, step=STEP):
    """What the visitor reads when this clip fails."""
    with pytest.raises(SifaError) as caught:
        handlers.view_clip(clip, start, step, checkpoint, "cpu", tmp_path)
    return str(caught.value)


def test_a_clip_is_read_from_the_start_time_at_the_step(clip, checkpoint):
    assert run(clip, checkpoint).clip.indices.tolist() == list(range(0, 64, 4))
    assert run(clip, checkpoint, start=1.0, step=0.08).clip.indices.tolist() == list(range(25, 57, 2))


def test_every_stage_is_named_and_shares_only_grow(clip, checkpoint, tmp_path):
    steps = []
    handlers.view_clip(clip, 0.2, STEP, checkpoint, "cpu", tmp_path, note(steps))
    assert [what for what, _ in steps] == [
        "loading the model",
        "decoding and sampling 16 frames",
        "preparing the frames",
        *(f"block {i} of 4" for i in (1, 2, 3, 4)),
        "packing the trace",
    ]
    assert [share for _, share in steps] == sorted(share for _, share in steps)
    assert all(0 < share < 1 for _, share in steps)


def test_what_ifs_are_worked_out_on_demand_with_progress(clip, checkpoint, tmp_path):
    steps = []
    view = handlers.view_clip(clip, 0, STEP, checkpoint, "cpu", tmp_path, note(steps), what_if=True)
    shown = explorer.unpack(view.trace)
    assert [each.name for each in shown.what_if] == [each.name for each in INTERVENTIONS]
    assert len(shown.trust.blocks) == 4
    assert [what for what, _ in steps if what.startswith("what if")] == [
        f"what if: {each.title.lower()}" for each in INTERVENTIONS
    ]
    assert [what for what, _ in steps][-2:] == ["how far to trust it", "packing the trace"]
    assert [share for _, share in steps] == sorted(share for _, share in steps)
    assert all(0 < share < 1 for _, share in steps)
    assert explorer.unpack(handlers.view_clip(clip, 0, STEP, checkpoint, "cpu", tmp_path).trace).what_if == ()


def test_what_is_shown_belongs_to_the_clip(clip, checkpoint, tmp_path):
    view = handlers.view_clip(clip, 0, STEP, checkpoint, "cpu", tmp_path)
    expected = run(clip, checkpoint)
    shown = explorer.unpack(view.trace)
    assert shown.logits == pytest.approx(expected.logits, abs=1e-4)
    assert view.page.read_text().startswith("<!doctype html>")
    assert "numbered: " in view.page.read_text()[:1000]
    assert "numbered.mp4" in view.status
    assert "frames 0, 4, 8 … 60 of 80, 0.00 to 2.40 s" in view.status
    assert "middle square of the 128 × 96 picture, scaled to 64 × 64" in view.status
    assert "Untrained weights" in view.status
    assert "too short" not in view.status


def test_a_short_clip_is_padded_and_the_page_says_so(checkpoint, tmp_path):
    short = str(write_clip(tmp_path / "short.mp4", numbered_frames(10, 96, 96)))
    view = handlers.view_clip(short, 0, STEP, checkpoint, "cpu", tmp_path)
    assert "frames 0, 4, 8 of 10" in view.status
    assert "too short for 16 frames at this step, so its last frame stands in for the missing 13" in view.status
    assert "the whole 96 × 96 picture" in view.status


def test_a_start_after_the_end_is_explained_in_seconds(clip, checkpoint, tmp_path):
    message = error_text(clip, checkpoint, tmp_path, start=9)
    assert message == "numbered.mp4 is 3.2 s long, so it cannot start at 9 s; start earlier."


def test_a_text_file_called_mp4_is_error_text(checkpoint, tmp_path):
    text = tmp_path / "notes.mp4"
    text.write_text("not a video\n" * 100)
    message = error_text(str(text), checkpoint, tmp_path)
    assert message.startswith("notes.mp4 could not be read as a video")
    assert message.endswith(".")


def test_a_missing_checkpoint_is_explained_when_a_clip_is_run(clip, tmp_path):
    assert "There is no checkpoint lost.safetensors" in error_text(clip, tmp_path / "lost.safetensors", tmp_path)


def test_no_clip_is_error_text(checkpoint, tmp_path):
    assert error_text(None, checkpoint, tmp_path).startswith("Choose a clip first")


def test_what_nobody_expected_is_one_sentence_and_a_traceback_in_the_log(clip, checkpoint, tmp_path, caplog):
    def fail(*_):
        raise RuntimeError(str(tmp_path))

    with pytest.raises(SifaError) as caught:
        handlers.view_clip(clip, 0, STEP, checkpoint, "cpu", tmp_path, fail)
    message = str(caught.value)
    assert message.startswith("Something went wrong that should not (RuntimeError).")
    assert "Traceback" in caplog.text
    assert str(tmp_path) not in message


def test_a_failed_clip_leaves_no_files(clip, checkpoint, tmp_path):
    error_text(clip, checkpoint, tmp_path, start=9)
    assert list(tmp_path.iterdir()) == []


def test_names_are_escaped(clip, checkpoint, tmp_path):
    name = '<img src=x onerror="alert(1)">&.mp4'
    (tmp_path / name).write_bytes(Path(clip).read_bytes())
    view = handlers.view_clip(str(tmp_path / name), 0, STEP, checkpoint, "cpu", tmp_path)
    for text in (view.status, view.page.read_text(), texts.failure(f"{name} is bad")):
        assert "<img" not in text
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;.mp4" in view.status


def test_what_ifs_give_way_before_each_run_of_the_model(clip, checkpoint, tmp_path):
    """Of this thread alone: others run the same model meanwhile."""
    passes, steps, network = [], [], handlers.model(checkpoint, "cpu")

    def other_runs():
        passes.append(1)
        thread = threading.Thread(target=run, args=(clip, checkpoint))
        thread.start()
        thread.join()

    alone = handlers.view_clip(clip, 0, STEP, checkpoint, "cpu", tmp_path, what_if=True)
    beside = handlers.view_clip(clip, 0, STEP, checkpoint, "cpu", tmp_path, note(steps), True, other_runs)
    assert len(passes) >= len(INTERVENTIONS) + 5
    assert not network._forward_pre_hooks
    one, two = explorer.unpack(alone.trace), explorer.unpack(beside.trace)
    for before, after in zip(one.what_if, two.what_if, strict=True):
        np.testing.assert_array_equal(before.logits, after.logits)
    assert one.trust == two.trust


def test_the_answer_is_plain_data_and_only_for_uploaded_clips(clip, checkpoint, tmp_path):
    folder = Path(clip).parent.parent
    answer = handlers.answer({"path": clip}, 0, STEP, checkpoint, "cpu", folder)
    assert [entry["label"] for entry in answer["top5"]] == [label for label, _ in run(clip, checkpoint).top(5)]
    assert answer["frames"] == list(range(0, 64, 4))
    for elsewhere in (clip, f"{tmp_path}/../{folder.name}/{Path(clip).parent.name}/numbered.mp4", "/etc/passwd"):
        with pytest.raises(SifaError, match="Upload the clip first"):
            handlers.answer({"path": elsewhere}, 0, STEP, checkpoint, "cpu", tmp_path)


def test_samples_are_listed_by_number_and_shown_without_a_model(clip, tmp_path):
    packed = explorer.pack(nano_prediction())
    for name in ("02_object_moves_right", "01_camera_pans_left", "03_no_trace"):
        (tmp_path / f"{name}.mp4").write_bytes(Path(clip).read_bytes())
        if name != "03_no_trace":
            (tmp_path / f"{name}.sifa").write_bytes(packed)
    found = samples.find_samples(tmp_path)
    assert [sample.title for sample in found] == ["camera pans left", "object moves right"]
    loaded = handlers.model.cache_info().misses
    view = handlers.view_sample(found[0], tmp_path)
    assert view.trace.read_bytes() == packed
    assert handlers.model.cache_info().misses == loaded


def test_the_shipped_samples_are_readable_and_at_least_six(tmp_path):
    found = samples.find_samples()
    assert len(found) >= 6
    for sample in found:
        assert sample.title.isascii()
        assert handlers.view_sample(sample, tmp_path).trace.stat().st_size > 10_000


def test_the_page_offers_the_given_weights_first_and_then_the_shipped_ones(checkpoint):
    offered = handlers.checkpoints(checkpoint)
    assert next(iter(offered.values())) == checkpoint
    assert DEFAULT_CHECKPOINT in offered.values()
    titles = " ".join(offered)
    for variant in ("rigid", "free", "no temporal module"):
        assert variant in titles
    assert all(file.stat().st_size < 12e6 for file in offered.values())


def test_weights_with_the_title_of_shipped_ones_are_not_replaced_by_them(tmp_path):
    file = tmp_path / "mine.safetensors"
    file.write_bytes(DEFAULT_CHECKPOINT.read_bytes())
    assert next(iter(handlers.checkpoints(file).values())) == file


@pytest.mark.parametrize("variant", ["rigid", "free", "no-temporal"])
def test_the_teaching_variants_open(clip, tmp_path, variant):
    file = DEFAULT_CHECKPOINT.parent / "variants" / f"{variant}.safetensors"
    view = handlers.view_clip(clip, 0, STEP, file, "cpu", tmp_path)
    assert "24 motions" in view.status
    shown = explorer.unpack(view.trace)
    assert len(shown.trace) == (0 if variant == "no-temporal" else 4)
    if variant == "rigid":
        assert not any(block.offset.any() for block in shown.trace)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["softmax", "no-temporal"])
def test_what_ifs_of_trained_weights_hold_other_weights(clip, tmp_path, variant):
    """The class-only ones, which know the same classes."""
    file = DEFAULT_CHECKPOINT.parent / "variants" / f"{variant}.safetensors"
    steps = []
    shown = explorer.unpack(handlers.view_clip(clip, 0, STEP, file, "cpu", tmp_path, note(steps), what_if=True).trace)
    assert "what if: class-only weights" in [what for what, _ in steps]
    assert [share for _, share in steps] == sorted(share for _, share in steps)
    other = shown.what_if[-1]
    assert (other.name, other.title) == ("other", "Class-only weights")
    assert "from the class alone" in other.explanation
    np.testing.assert_allclose(other.logits, run(clip, file.with_name("free.safetensors")).logits, rtol=0, atol=1e-4)


def test_loops_are_compiled_beforehand_where_weights_on_offer_need_them(checkpoint, monkeypatch):
    """The finest shipped weights make large calls, and those of the small model do not."""
    compiled = []
    monkeypatch.setattr(handlers.kernels, "warm_up", lambda: compiled.append(1))
    monkeypatch.setattr(handlers, "checkpoints", lambda chosen: {"small": chosen})
    handlers.warm_up(checkpoint, "cpu")
    assert not compiled
    monkeypatch.setattr(handlers, "checkpoints", lambda chosen: shipped.weights() | {"small": chosen})
    handlers.warm_up(checkpoint, "cuda:0")
    assert not compiled
    handlers.warm_up(checkpoint, "cpu")
    assert compiled


def test_weights_that_are_not_offered_are_refused(clip, tmp_path):
    with pytest.raises(SifaError, match="Choose one of the listed weights"):
        handlers.view_clip(clip, 0, STEP, None, "cpu", tmp_path)


@pytest.mark.parametrize("step", [None, 0.133])
def test_a_short_clip_at_the_weights_own_step_has_its_frames_taken_closer_together(tmp_path, step):
    file = write_clip(tmp_path / "short.mp4", numbered_frames(40), fps=30)
    assert FITTED in handlers.run(str(file), 0, step, DEFAULT_CHECKPOINT, "cpu").clip.notes
    assert handlers.run(str(file), 0, 0.1, DEFAULT_CHECKPOINT, "cpu").clip.padded == 2
