"""Tests of lfb.learning.clips."""

import dataclasses
from collections import Counter
from itertools import chain, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lfb.data.boxes import Keyframe
from lfb.errors import UserError
from lfb.learning.clips import (
    Batch,
    Clips,
    Draws,
    InOrder,
    Input,
    Shuffled,
    Window,
    collate,
    frame_numbers,
    load,
)
from tests.pictures import INPUT, OUTPUTS, Film, make_bank, make_keyframes

AVA = Input(frames=4, interval=16, short_side=256, train_short_side=(256, 320), crop=256, flip=0.5)
CPU = torch.device("cpu")
CROWDED = Draws(count=4, seed=2)


def equal(one: Batch, other: Batch) -> bool:
    return all(
        torch.equal(getattr(one, name), getattr(other, name))
        for name in ("clips", "rois", "labels", "rows")
    )


# Frames of a clip


def test_4_frames_of_every_16_begin_32_before_the_keyframe():
    assert frame_numbers(100, 1000, AVA, None).tolist() == [68, 84, 100, 116]


@pytest.mark.parametrize(
    ("centre", "expected"), [(1, [1, 1, 1, 17]), (40, [8, 24, 40, 50]), (50, [18, 34, 50, 50])]
)
def test_frames_outside_the_video_repeat_its_first_or_last_one(centre, expected):
    assert frame_numbers(centre, 50, AVA, None).tolist() == expected


def test_training_shifts_each_position_by_8_back_to_7_forward():
    random = np.random.default_rng(0)
    moves = np.array(
        [frame_numbers(500, 1000, AVA, random) - [468, 484, 500, 516] for _ in range(2000)]
    )
    for position in moves.T:
        assert set(position.tolist()) == set(range(-8, 8))
    assert len({tuple(move) for move in moves.tolist()}) > 1900


def test_the_authors_clips_of_32_by_2_are_not_shifted_in_training():
    shape = dataclasses.replace(AVA, frames=32, interval=2, jitter=False)
    expected = list(range(100 - 32, 100 + 32, 2))
    for random in None, np.random.default_rng(0):
        assert frame_numbers(100, 1000, shape, random).tolist() == expected


@given(
    st.integers(1, 60), st.integers(1, 60), st.integers(1, 9), st.integers(1, 9), st.integers(0, 9)
)
def test_every_frame_of_a_clip_is_in_the_video(centre, count, frames, interval, seed):
    shape = dataclasses.replace(AVA, frames=frames, interval=interval)
    for random in None, np.random.default_rng(seed):
        numbers = frame_numbers(centre, count, shape, random)
        assert len(numbers) == frames
        assert (numbers >= 1).all()
        assert (numbers <= count).all()


# Clips and boxes


def white(clip: torch.Tensor) -> list[int] | None:
    """Return x1, y1, x2, y2 around the white part of (3, T, H, W) pixels, at least half white."""
    rows, columns = np.nonzero(clip.float().mean((0, 1)).numpy() > 180)
    if not len(rows):
        return None
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@given(
    width=st.integers(30, 90),
    height=st.integers(30, 90),
    corners=st.lists(st.integers(0, 9), min_size=4, max_size=4),
    training=st.booleans(),
    mirrored=st.booleans(),
    second=st.integers(900, 909),
)
@settings(max_examples=60)
def test_a_box_follows_its_content_through_every_change(
    width, height, corners, training, mirrored, second
):
    x1, y1, x2, y2 = corners
    box = (min(x1, x2) / 10, min(y1, y2) / 10, max(x1, x2) / 10 + 0.1, max(y1, y2) / 10 + 0.1)
    # Whole pixels: the box is exactly the white part.
    size = np.array([width, height] * 2)
    box = tuple((np.round(np.array(box) * size) / size).tolist())
    keyframe = Keyframe("a", second, np.array([box], np.float32), np.ones(1, np.float32))
    clips = Clips([keyframe], lambda video: Film(video, width, height, box=box), INPUT, seed=1)
    if not training:
        clips.seed = None
    item = clips[second, 0]
    if mirrored:
        once, item = item, item.mirrored()
        assert torch.equal(item.mirrored().clips, once.clips)
        torch.testing.assert_close(item.mirrored().rois, once.rois, atol=1e-5, rtol=0)
    assert item.clips.dtype == torch.uint8
    assert item.rois.dtype == torch.float32
    assert item.rois[:, 0].tolist() == [0]
    found = white(item.clips[0])
    left, top, right, bottom = item.rois[0, 1:].tolist()
    if found is None:  # the crop left nothing, or almost nothing
        assert min(right - left, bottom - top) < 3
    else:
        assert np.abs(np.array(found) - item.rois[0, 1:].numpy()).max() < 2


def test_a_training_clip_is_a_square_and_a_test_clip_the_whole_frame():
    keyframes = make_keyframes()
    training = Clips(keyframes, lambda video: Film(video, 60, 40), INPUT, seed=0)
    testing = Clips(keyframes, lambda video: Film(video, 60, 40), INPUT)
    assert training[0, 0].clips.shape == (1, 3, 2, 32, 32)
    assert testing[0, 0].clips.shape == (1, 3, 2, 32, 48)


@pytest.mark.parametrize("width", [60, 61])
def test_a_test_crop_is_the_middle_of_the_frame_and_cuts_boxes(width):
    boxes = np.array([[0, 0, 0.1, 1], [0, 0, 1, 0.5], [0.4, 0.2, 0.6, 0.8]], np.float32)
    keyframe = Keyframe("a", 902, boxes, np.ones(3, np.float32))
    shape = dataclasses.replace(INPUT, short_side=40, test_crop=32)
    item, whole = (
        Clips([keyframe], lambda video: Film(video, width, 40), shape)[0, 0]
        for shape in (shape, dataclasses.replace(shape, test_crop=None))
    )
    left = 14 if width == 60 else 15
    assert torch.equal(item.clips, whole.clips[..., 4:36, left : left + 32])
    moved = whole.rois[:, 1:] - torch.tensor([left, 4, left, 4])
    assert torch.equal(item.rois[:, 1:], moved.clamp(0, 32))
    assert item.rois[0, [1, 3]].tolist() == [0, 0]  # it is outside the crop


def test_whole_frames_are_scaled_to_any_short_side():
    keyframes = make_keyframes()
    clips = Clips(keyframes, lambda video: Film(video, 60, 40), INPUT)
    one, other = clips[0, 0], clips.at(24)[0, 0]
    assert other.clips.shape == (1, 3, 2, 24, 36)
    torch.testing.assert_close(other.rois[:, 1:], one.rois[:, 1:] * 24 / 32)
    assert equal(clips.at(32)[0, 0], one)
    clips.shape = dataclasses.replace(INPUT, test_crop=24)
    assert equal(clips.at(32)[0, 0], one)


def test_the_keyframe_of_a_second_is_its_first_frame():
    film = Film("a", 32, 32, box=(0, 0, 0.1, 0.1))
    shape = dataclasses.replace(INPUT, frames=2, interval=1)
    keyframe = make_keyframes()[0]  # second 902 of 10 frames a second from 900 on: frame 21
    clip = Clips([keyframe], lambda _: film, shape)[0, 0].clips[0]
    shades = clip[0, :, 16:, 16:].float().mean((1, 2))
    np.testing.assert_allclose(shades, [120 - 20, 120 - 21], atol=0.6)


def test_scales_and_crops_of_training_reach_both_ends_of_their_ranges():
    box = np.array([[0.4, 0.4, 0.6, 0.6]], np.float32)
    keyframe = Keyframe("a", 902, box, np.ones(1, np.float32))
    shape = dataclasses.replace(INPUT, train_short_side=(32, 34), flip=0)
    clips = Clips([keyframe], lambda _: Film("a", 32, 32), shape, seed=0)
    found = set()
    for epoch in range(300):
        x1, y1, x2, _ = clips[epoch, 0].rois[0, 1:].tolist()
        side = round((x2 - x1) / 0.2)
        found.add((side, round(0.4 * side - x1), round(0.4 * side - y1)))
    assert found == {(s, x, y) for s in (32, 33, 34) for x in range(s - 31) for y in range(s - 31)}


@pytest.mark.parametrize("flip", [0, 1])
def test_training_clips_are_never_or_always_mirrored_if_set(flip):
    keyframe = Keyframe("a", 902, np.array([[0, 0, 0.5, 1]], np.float32), np.ones(1, np.float32))
    shape = dataclasses.replace(INPUT, train_short_side=(32, 32), flip=flip)
    clips = Clips([keyframe], lambda _: Film("a", 32, 32), shape, seed=0)
    lefts = {round(clips[epoch, 0].rois[0, 1].item()) for epoch in range(20)}
    assert lefts == {16 * flip}


def test_half_the_training_clips_are_mirrored():
    keyframe = Keyframe("a", 902, np.array([[0, 0, 0.5, 1]], np.float32), np.ones(1, np.float32))
    film = Film("a", 32, 32, box=(0, 0, 0.5, 1))
    shape = dataclasses.replace(INPUT, train_short_side=(32, 32))
    clips = Clips([keyframe], lambda _: film, shape, seed=0)
    lefts = Counter(round(clips[epoch, 0].rois[0, 1].item()) for epoch in range(200))
    assert set(lefts) == {0, 16}
    assert 70 < lefts[16] < 130


def test_a_mirrored_batch_keeps_each_box_in_its_clip():
    clips = Clips(make_keyframes(), Film, INPUT)
    items = [clips[0, number] for number in range(3)]
    assert equal(collate(items).mirrored(), collate([item.mirrored() for item in items]))


def test_another_scale_keeps_the_window_and_its_draws(tmp_path):
    bank = make_bank(tmp_path)
    for options in {"seed": 5}, {"draws": CROWDED}, {}:
        clips = Clips(make_keyframes(), Film, INPUT, bank, Window(6, 2), **options)
        assert torch.equal(clips.at(24)[0, 1].rows, clips[0, 1].rows)


def test_a_keyframe_without_labels_or_bank_has_empty_ones():
    keyframe = dataclasses.replace(make_keyframes()[0], labels=None)
    item = Clips([keyframe], Film, INPUT)[0, 0]
    assert item.labels.shape == (len(keyframe.boxes), 0)
    assert item.rows.shape == (1, 0)


def test_a_frame_that_is_not_a_jpeg_is_an_error_with_its_video_and_number():
    class Broken(Film):
        def read(self, number: int) -> bytes:
            return super().read(number)[:100]

    with pytest.raises(UserError, match="video a, frame 17: not a JPEG"):
        Clips(make_keyframes(), Broken, INPUT)[0, 0]


# Draws


def make_clips(bank, seed: int | None = 5) -> Clips:
    return Clips(make_keyframes(), Film, INPUT, bank, Window(6, 2), seed)


TWINS = ({"video": "b"}, {"second": 904})  # changes of the keyframe of video a, second 903


def shape_of(item: Batch) -> torch.Tensor:
    """Return the first box, which differs for every scale, crop and mirroring."""
    return item.rois[0, 1:]


def test_draws_depend_only_on_seed_epoch_video_and_second(tmp_path):
    bank = make_bank(tmp_path)
    clips, fresh = make_clips(bank), make_clips(bank)
    fresh.keyframes = fresh.keyframes[::-1]
    last = len(clips) - 1
    before = [clips[3, number] for number in range(len(clips))]
    for number in np.random.default_rng(0).permutation(len(clips)).tolist():
        clips[0, number]  # clips loaded in between do not matter
        assert equal(fresh[3, last - number], before[number])


def test_another_seed_or_epoch_has_other_draws(tmp_path):
    bank = make_bank(tmp_path)
    one = make_clips(bank)[0, 0]
    for other in make_clips(bank, seed=6)[0, 0], make_clips(bank)[1, 0]:
        assert not torch.equal(one.clips, other.clips)
        assert not torch.equal(one.rows, other.rows)


def test_clips_of_another_video_or_second_have_other_draws(tmp_path):
    keyframe = dataclasses.replace(make_keyframes()[0], second=903)
    twins = [keyframe, *(dataclasses.replace(keyframe, **c) for c in TWINS)]
    clips = Clips(twins, lambda video: Film("a"), INPUT, make_bank(tmp_path), Window(2, 1), 5)
    epochs = range(8)
    one, *others = (torch.stack([shape_of(clips[e, n]) for e in epochs]) for n in range(3))
    assert all(not torch.equal(one, other) for other in others)
    # Rows of the same seconds of the same video, shifted to begin at 0.
    rows = [torch.stack([clips[e, n].rows[0] for e in epochs]) for n in range(3)]
    per_video = 6 * 4
    assert not torch.equal(rows[0], rows[1] - per_video)
    assert not torch.equal(rows[0], rows[2] - 4)


def test_windows_of_another_video_or_second_have_other_draws(tmp_path):
    keyframe = dataclasses.replace(make_keyframes()[0], second=903)
    twins = [keyframe, *(dataclasses.replace(keyframe, **c) for c in TWINS)]
    draws = Draws(count=8, seed=2)
    clips = Clips(twins, Film, INPUT, make_bank(tmp_path), Window(2, 1), draws=draws)
    one, video, second = (clips[0, number].rows[0] for number in range(3))
    assert not torch.equal(one, video - 6 * 4)
    assert not torch.equal(one, second - 4)


def test_testing_takes_the_highest_scores_in_every_epoch(tmp_path):
    bank = make_bank(tmp_path)
    clips = make_clips(bank, seed=None)
    assert equal(clips[0, 1], clips[1, 1])
    keyframe = clips.keyframes[1]
    expected = bank.rows(keyframe.video, keyframe.second, window=6, per_second=2, key=None)
    assert clips[0, 1].rows[0].tolist() == expected.tolist()


def test_test_draws_differ_for_each_person_and_are_repeatable(tmp_path):
    bank = make_bank(tmp_path)
    clips = make_clips(bank, seed=None)
    drawn = dataclasses.replace(CROWDED, seed=3)
    one, other = (
        Clips(clips.keyframes, Film, INPUT, bank, clips.window, draws=draws)
        for draws in (CROWDED, drawn)
    )
    number = next(i for i, k in enumerate(clips.keyframes) if len(k.boxes) > 1)
    rows = one[0, number].rows
    assert rows.shape == (len(clips.keyframes[number].boxes), CROWDED.count, 6 * 2)
    windows = {tuple(window) for window in rows.flatten(0, 1).tolist()}
    assert len(windows) == rows.shape[0] * rows.shape[1]
    assert torch.equal(one[0, number].rows, rows)
    assert not torch.equal(other[0, number].rows, rows)
    assert torch.equal(one[0, number].clips, clips[0, number].clips)
    batch = collate([one[0, 0], one[0, number]])
    assert torch.equal(batch.rows[-len(rows) :], rows)
    assert len(batch.rows) == len(batch.rois)


def test_worker_processes_do_not_change_batches(tmp_path):
    clips = make_clips(make_bank(tmp_path))
    batches = []
    for workers in 0, 2:
        order = Shuffled(len(clips), 4, seed=5)
        order.epoch = 2
        batches.append(list(load(clips, order, workers, CPU)))
    assert len(batches[0]) == len(batches[1]) == 3
    for alone, shared in zip(*batches, strict=True):
        assert equal(alone, shared)
        assert [k.second for k in alone.keyframes] == [k.second for k in shared.keyframes]


# Batches


def test_each_box_of_a_batch_has_the_number_of_its_clip():
    clips = Clips(make_keyframes(), Film, INPUT, seed=0)
    items = [clips[0, number] for number in range(3)]
    batch = collate(items)
    counts = [len(keyframe.boxes) for keyframe in clips.keyframes[:3]]
    assert batch.rois[:, 0].tolist() == np.repeat([0, 1, 2], counts).tolist()
    assert batch.labels.shape == (sum(counts), OUTPUTS)
    assert batch.keyframes == clips.keyframes[:3]
    for number, item in enumerate(items):
        assert torch.equal(batch.rois[batch.rois[:, 0] == number, 1:], item.rois[:, 1:])
        assert torch.equal(batch.clips[number], item.clips[0])
        assert (item.rois[:, 0] == 0).all()


@given(
    size=st.integers(1, 60),
    batch=st.integers(1, 5),
    processes=st.integers(1, 4),
    seed=st.integers(0, 5),
)
def test_processes_share_an_epoch_without_overlap(size, batch, processes, seed):
    if size < batch * processes:
        with pytest.raises(UserError, match=r"Lower training\.batch"):
            Shuffled(size, batch, seed, 0, processes)
        return
    orders = [Shuffled(size, batch, seed, rank, processes) for rank in range(processes)]
    shares = [list(order) for order in orders]
    assert {len(share) for share in shares} == {len(order) for order in orders}
    assert all(len(part) == batch for share in shares for part in share)
    taken = [number for share in shares for part in share for _, number in part]
    assert len(set(taken)) == len(taken) == size // (batch * processes) * batch * processes
    assert set(taken) <= set(range(size))
    # Joined, the batches are those of one process with as many clips.
    together = [[*chain(*parts)] for parts in zip(*shares, strict=True)]
    assert together == list(Shuffled(size, batch * processes, seed))


def test_every_seed_has_its_own_order():
    orders = [list(Shuffled(20, 5, seed)) for seed in range(4)]
    assert all(one != other for one, other in pairwise(orders))


def test_every_epoch_has_its_own_order():
    order = Shuffled(20, 5, seed=1)
    first = list(order)
    assert list(order) == first
    order.epoch = 1
    second = list(order)
    assert {epoch for part in second for epoch, _ in part} == {1}
    assert [n for part in first for _, n in part] != [n for part in second for _, n in part]


@given(
    size=st.integers(4, 30),
    batch=st.integers(1, 2),
    processes=st.integers(1, 2),
    clips=st.integers(4, 70),
)
def test_epochs_of_a_fixed_number_of_clips_continue_through_the_passes(
    size, batch, processes, clips
):
    total = batch * processes
    count = 4 * (clips // total) // (size // total) + 1
    passes = [Shuffled(size, batch, 3, 0, processes) for _ in range(count)]
    for number, order in enumerate(passes):
        order.epoch = number
    epochs = [Shuffled(size, batch, 3, 0, processes, clips) for _ in range(4)]
    for number, order in enumerate(epochs):
        order.epoch = number
    assert {len(list(order)) for order in epochs} == {clips // total} == {len(epochs[0])}
    found = list(chain(*epochs))
    assert found == list(chain(*passes))[: len(found)]


def test_an_epoch_of_fewer_clips_than_a_batch_is_an_error():
    with pytest.raises(UserError, match=r"training\.epoch_clips: 7 clips do not fill"):
        Shuffled(60, 4, seed=0, processes=2, clips=7)


@given(st.lists(st.integers(1, 7), max_size=5), st.integers(1, 4))
def test_test_batches_keep_the_order_and_never_mix_videos(lengths, batch):
    keyframes = [
        Keyframe(f"v{number}", second, np.zeros((0, 4)), np.zeros(0))
        for number, length in enumerate(lengths)
        for second in range(length)
    ]
    order = InOrder(keyframes, batch)
    batches = list(order)
    assert len(batches) == len(order) == sum(-(-length // batch) for length in lengths)
    assert [n for part in batches for _, n in part] == list(range(len(keyframes)))
    assert all(len(part) <= batch for part in batches)
    assert all(len({keyframes[n].video for _, n in part}) == 1 for part in batches)
