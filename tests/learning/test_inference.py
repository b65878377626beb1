"""Tests of lfb.learning.inference."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from lfb.bank.store import Bank
from lfb.learning.clips import Clips, Draws, InOrder, Window
from lfb.learning.inference import build_bank, predict
from tests.pictures import CHANNELS, INPUT, VIDEOS, Film, make_bank, make_keyframes, make_model

CPU = torch.device("cpu")
SIZES = {"a": (48, 36), "b": (40, 40), "c": (36, 64)}


def film(video: str) -> Film:
    return Film(video, *SIZES[video])


@pytest.fixture
def keyframes() -> list:
    return [dataclasses.replace(k, labels=None) for k in make_keyframes()]


@pytest.mark.parametrize("operator", [None, {"name": "max"}])
def test_scores_do_not_depend_on_the_batch(tmp_path, keyframes, operator):
    bank = make_bank(tmp_path) if operator else None
    clips = Clips(keyframes, film, INPUT, bank, Window(6, 2) if bank else None)
    torch.manual_seed(0)
    model = make_model(operator).eval()
    found = [predict(model, clips, [1, 3], batch=batch, workers=0, device=CPU) for batch in (1, 3)]
    for predictions in found:
        assert predictions.videos == list(VIDEOS)
        assert predictions.classes.tolist() == [1, 3]
        assert [predictions.videos[i] for i in predictions.video] == [
            k.video for k in keyframes for _ in k.boxes
        ]
        assert predictions.second.tolist() == [k.second for k in keyframes for _ in k.boxes]
        np.testing.assert_array_equal(predictions.box, np.concatenate([k.boxes for k in keyframes]))
    np.testing.assert_allclose(found[0].score, found[1].score, rtol=1e-4)

    row = 0
    for number, keyframe in enumerate(keyframes):
        item = clips[0, number]
        extra: tuple[Any, ...] = ()
        if bank is not None:
            real = item.rows >= 0
            features = torch.from_numpy(bank.feature().astype(np.float32))[item.rows]
            extra = (features * real[..., None], real)
        with torch.inference_mode():
            expected = model(item.clips, item.rois, *extra).sigmoid()[:, [1, 3]].numpy()
        last = row + len(keyframe.boxes)
        np.testing.assert_allclose(found[0].score[row:last], expected, rtol=1e-4)
        row = last


def test_the_same_call_gives_the_same_bytes(tmp_path, keyframes):
    model = make_model({"name": "avg"}).eval()
    for draws in None, Draws(2, seed=5):
        for name in "one.npz", "two.npz":
            clips = Clips(keyframes, film, INPUT, make_bank(tmp_path), Window(6, 2), draws=draws)
            predict(model, clips, [1], batch=2, workers=0, device=CPU).save(tmp_path / name)
        assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_loading_processes_do_not_change_a_byte(tmp_path, keyframes):
    torch.manual_seed(0)
    model = make_model({"name": "max"}).eval()
    clips = Clips(keyframes, film, INPUT, make_bank(tmp_path), Window(6, 2))
    files = []
    for workers in 0, 2:
        folder = tmp_path / str(workers)
        folder.mkdir()
        how = {"batch": 2, "workers": workers, "device": CPU}
        predict(model, clips, [1, 3], **how).save(folder / "predictions.npz")
        about = {"split": "val", "videos": VIDEOS, "attributes": {}, "dtype": "float16"}
        build_bank(model, Clips(keyframes, film, INPUT), folder / "val.zarr", **about, **how)
        paths = [path for path in folder.rglob("*") if path.is_file()]
        files.append({path.relative_to(folder): path.read_bytes() for path in paths})
    assert len(files[0]) > 2
    assert files[0] == files[1]


@pytest.mark.parametrize("name", ["avg", "max", "non_local"])
def test_every_draw_scores_as_a_clip_with_one_person(tmp_path, keyframes, name):
    bank = make_bank(tmp_path)
    clips = Clips(keyframes, film, INPUT, bank, Window(6, 2), draws=Draws(3, seed=1))
    torch.manual_seed(0)
    model = make_model({"name": name}).eval()
    passes = []
    model.backbone.register_forward_hook(lambda *_: passes.append(1))
    found = predict(model, clips, [1, 3], batch=2, workers=0, device=CPU)
    assert len(passes) == len(InOrder(keyframes, 2))  # one pass for all draws
    draws = np.stack([one.score for one in found.draws()])
    assert draws.shape == (3, sum(len(k.boxes) for k in keyframes), 2)
    assert not np.allclose(draws[0], draws[1], rtol=1e-3)

    features = torch.from_numpy(bank.feature().astype(np.float32))
    expected = []
    for number in range(len(keyframes)):
        item = clips[0, number]
        for roi, windows in zip(item.rois, item.rows, strict=True):
            for rows in windows:
                real = rows >= 0
                extra = (features[rows] * real[:, None])[None], real[None]
                with torch.inference_mode():
                    logits = model(item.clips, roi[None], *extra)
                expected.append(logits[0, [1, 3]].sigmoid().numpy())
    expected = np.array(expected).reshape(-1, 3, 2).swapaxes(0, 1)
    np.testing.assert_allclose(draws, expected, rtol=1e-4)


def test_draws_do_not_change_scores_if_a_window_takes_every_row(tmp_path, keyframes):
    bank = make_bank(tmp_path)  # four features in each second
    model = make_model({"name": "max"}).eval()
    plain, drawn = (
        predict(
            model,
            Clips(keyframes, film, INPUT, bank, Window(6, 4), draws=draws),
            [1, 3],
            batch=3,
            workers=0,
            device=CPU,
        )
        for draws in (None, Draws(2, seed=0))
    )
    assert plain.further is None
    for draw in drawn.draws():
        np.testing.assert_allclose(draw.score, plain.score, rtol=1e-5)


def test_several_views_give_the_mean_of_their_scores(keyframes):
    model = make_model().eval()

    def score(video=film, short_side=32, **views):
        clips = Clips(keyframes, video, INPUT).at(short_side)
        options = {"batch": 3, "workers": 0, "device": CPU, **views}
        return predict(model, clips, [1, 3], **options).score

    np.testing.assert_array_equal(score(scales=[32]), score())
    np.testing.assert_array_equal(score(scales=[24], flip=False), score(short_side=24))
    sides = [score(short_side=side) for side in (24, 32, 48)]
    np.testing.assert_allclose(score(scales=[24, 32, 48]), np.mean(sides, 0), rtol=1e-5)
    sides = [score(short_side=side, flip=True) for side in (24, 48)]
    np.testing.assert_allclose(score(scales=[24, 48], flip=True), np.mean(sides, 0), rtol=1e-5)
    assert not np.allclose(sides[0], sides[1], rtol=1e-3)


@pytest.mark.parametrize("operator", [None, {"name": "avg"}])
def test_a_mirrored_video_scores_the_same_when_flips_are_averaged(tmp_path, keyframes, operator):
    bank = make_bank(tmp_path) if operator else None
    window = Window(6, 2) if bank else None
    model = make_model(operator).eval()

    def video(name, mirrored=False):
        # White on the left: not symmetric. The box ends at the edge of a JPEG block of 8 pixels.
        box = (0.5, 0, 1, 0.5) if mirrored else (0, 0, 0.5, 0.5)
        return Film(name, 64, 48, box=box)

    mirrored = [
        dataclasses.replace(k, boxes=k.boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [1, 0, 1, 0])
        for k in keyframes
    ]
    mirrored = [dataclasses.replace(k, boxes=k.boxes.astype(np.float32)) for k in mirrored]
    one, other = (
        Clips(keyframes, video, INPUT, bank, window),
        Clips(mirrored, lambda name: video(name, mirrored=True), INPUT, bank, window),
    )
    options = {"batch": 3, "workers": 0, "device": CPU, "scales": [24, 32]}
    plain = [predict(model, clips, [1, 3], **options).score for clips in (one, other)]
    flipped = [predict(model, clips, [1, 3], flip=True, **options).score for clips in (one, other)]
    np.testing.assert_allclose(flipped[0], flipped[1], rtol=1e-3)
    assert not np.allclose(plain[0], plain[1], rtol=1e-3)


def test_bfloat16_scores_are_close_to_those_of_float(keyframes):
    model, clips = make_model().eval(), Clips(keyframes, film, INPUT)
    exact, coarse = (
        predict(model, clips, [1, 2], batch=3, workers=0, device=CPU, bfloat16=bfloat16).score
        for bfloat16 in (False, True)
    )
    assert coarse.dtype == np.float32
    assert not np.array_equal(exact, coarse)
    np.testing.assert_allclose(exact, coarse, rtol=0.03)


def test_a_built_bank_holds_the_pooled_feature_of_every_box(tmp_path, keyframes):
    model, clips = make_model().eval(), Clips(keyframes, film, INPUT)
    build_bank(
        model,
        clips,
        tmp_path / "val.zarr",
        split="val",
        videos=[*VIDEOS, "empty"],
        attributes={"checkpoint": "abc"},
        dtype="float32",
        batch=3,
        workers=0,
        device=CPU,
    )
    bank = Bank.open(tmp_path / "val.zarr", checkpoint="abc", split="val")
    assert bank.videos == ["a", "b", "c", "empty"]
    expected = []
    with torch.inference_mode():
        for number in range(len(keyframes)):
            item = clips[0, number]
            expected.append(model.roi_features(item.clips, item.rois).numpy())
    np.testing.assert_allclose(bank.feature(), np.concatenate(expected), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(bank.read("box"), np.concatenate([k.boxes for k in keyframes]))
    first = bank.rows("a", 902, window=1, per_second=9, key=None)
    assert (first >= 0).sum() == len(keyframes[0].boxes)


def test_a_piece_of_videos_without_people_is_an_empty_bank(tmp_path):
    build_bank(
        make_model().eval(),
        Clips([], film, INPUT),
        tmp_path / "piece.zarr",
        split="val",
        videos=["empty"],
        attributes={},
        dtype="float16",
        batch=3,
        workers=0,
        device=CPU,
    )
    bank = Bank.open(tmp_path / "piece.zarr")
    assert (len(bank), bank.channels, bank.videos) == (0, CHANNELS, ["empty"])
