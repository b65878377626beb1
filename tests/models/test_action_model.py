"""Tests of lfb.models.action_model."""

import pytest
import torch

from lfb.errors import UserError
from lfb.models.action_model import ActionModel, build_model
from lfb.models.backbones.slowonly import SlowOnly

TINY = {
    "name": "slowonly",
    "depth": [1, 1],
    "width": 4,
    "spatial_strides": [1, 2],
    "inflate": [False, True],
}
I3D_PIXELS = ([0.45 * 255] * 3, [0.225 * 255] * 3)
OPERATORS = [{"name": "avg"}, {"name": "max"}, {"name": "non_local", "width": 8, "layers": 1}]


def tiny(operator: dict | None = None, **head) -> ActionModel:
    torch.manual_seed(1)
    return build_model(TINY, {"roi_size": 4, **head}, operator, 5).eval()


def draw_clips(count: int = 2) -> torch.Tensor:
    random = torch.Generator().manual_seed(2)
    return torch.randint(0, 256, (count, 3, 2, 32, 48), generator=random, dtype=torch.uint8)


ROIS = torch.tensor([[0, 2, 3, 20, 30], [1, 0, 0, 48, 32], [0, 24, 8, 40, 31]]).float()


@pytest.mark.parametrize(
    ("operator", "parameters"),
    [
        (None, 31_800_465),
        ({"name": "non_local"}, 36_043_409),
        ({"name": "avg"}, 31_966_353),
        ({"name": "max"}, 31_966_353),
    ],
)
def test_the_published_models_have_as_many_parameters_as_published(operator, parameters):
    with torch.device("meta"):
        model = build_model({"name": "slowonly", "depth": 50}, {}, operator, 81)
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_a_bank_feature_is_the_maximum_over_the_roi_grid_of_the_mean_over_time():
    model, clips = tiny(), draw_clips()
    with torch.inference_mode():
        found = model.roi_features(clips, ROIS)
        pixels = (clips.float() - torch.tensor(SlowOnly.mean).view(3, 1, 1, 1)) / torch.tensor(
            SlowOnly.std
        ).view(3, 1, 1, 1)
        maps = model.backbone(pixels).mean(2)
        expected = []
        for clip, x1, y1, x2, y2 in ROIS.tolist():
            box = torch.tensor([x1, y1, x2, y2]) / model.backbone.stride
            expected.append(_aligned(maps[int(clip)], box, 4).amax((1, 2)))
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-4, atol=1e-5)


def _aligned(feature: torch.Tensor, box: torch.Tensor, size: int) -> torch.Tensor:
    """Return the RoIAlign (He et al., 2017) of a box: means of bilinear samples in each bin."""
    channels, height, width = feature.shape
    x1, y1, x2, y2 = (box - 0.5).tolist()
    result = torch.zeros(channels, size, size)
    across, down = (x2 - x1) / size, (y2 - y1) / size
    samples_x, samples_y = -int(-across // 1), -int(-down // 1)
    for i in range(size):
        for j in range(size):
            for a in range(samples_y):
                for b in range(samples_x):
                    y = y1 + (i + (a + 0.5) / samples_y) * down
                    x = x1 + (j + (b + 0.5) / samples_x) * across
                    if not (-1 <= y <= height and -1 <= x <= width):
                        continue
                    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
                    top, left = int(y), int(x)
                    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
                    v, u = y - top, x - left
                    value = (1 - v) * (1 - u) * feature[:, top, left]
                    value = value + (1 - v) * u * feature[:, top, right]
                    value = value + v * (1 - u) * feature[:, bottom, left]
                    value = value + v * u * feature[:, bottom, right]
                    result[:, i, j] += value / (samples_x * samples_y)
    return result


@pytest.mark.parametrize("operator", [None, *OPERATORS])
def test_scores_of_a_box_do_not_depend_on_other_clips_and_boxes(operator):
    model, clips = tiny(operator), draw_clips()
    rows = torch.randn(2, 6, model.backbone.channels)
    real = torch.ones(2, 6, dtype=torch.bool)
    with torch.inference_mode():
        together = model(clips, ROIS, rows, real)
        for number, roi in enumerate(ROIS):
            clip = int(roi[0])
            one = slice(clip, clip + 1)
            alone = model(
                clips[one], torch.cat([torch.zeros(1), roi[1:]])[None], rows[one], real[one]
            )
            torch.testing.assert_close(alone[0], together[number])


def test_a_clip_without_boxes_has_no_logits():
    for operator in None, *OPERATORS:
        model = tiny(operator)
        rows = torch.randn(2, 6, model.backbone.channels)
        real = torch.ones(2, 6, dtype=torch.bool)
        assert model(draw_clips(), torch.zeros(0, 5), rows, real).shape == (0, 5)


def test_pixels_may_be_bytes_or_floats():
    model, clips = tiny(), draw_clips()
    with torch.inference_mode():
        torch.testing.assert_close(model(clips, ROIS), model(clips.float(), ROIS))


def test_the_baseline_drops_entries_of_the_map_before_the_pooling():
    model = tiny(dropout=0.5).train()
    model.backbone.eval()
    torch.manual_seed(0)
    clips = draw_clips()
    found = model(clips, ROIS)
    torch.manual_seed(0)
    dropped = torch.dropout(model.roi_maps(clips, ROIS), 0.5, True).amax((2, 3))
    torch.testing.assert_close(found, model.classifier(dropped))


def test_the_baseline_may_drop_entries_of_the_pooled_feature_as_the_authors_do():
    model, clips = tiny(dropout=0.5, dropout_before_pool=False).train(), draw_clips()
    model.backbone.eval()
    torch.manual_seed(0)
    found = model(clips, ROIS)
    torch.manual_seed(0)
    dropped = torch.dropout(model.roi_features(clips, ROIS), 0.5, True)
    torch.testing.assert_close(found, model.classifier(dropped))


@pytest.mark.parametrize(
    ("name", "mean", "std"),
    [("slowonly", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)), ("i3d_nl", *I3D_PIXELS)],
)
def test_pixels_are_normalised_as_for_the_published_weights_of_the_backbone(name, mean, std):
    model = build_model({"name": name, "depth": [1, 1, 1, 1], "width": 2}, {}, None, 5)
    assert model.mean.flatten().tolist() == pytest.approx(mean)
    assert model.std.flatten().tolist() == pytest.approx(std)


def test_bfloat16_does_not_round_boxes():
    model, clips = tiny(), draw_clips(1)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        # Both right sides are 30.625 in bfloat16.
        near = model.roi_features(clips, torch.tensor([[0, 1.30, 2.6, 30.60, 20.15]]))
        moved = model.roi_features(clips, torch.tensor([[0, 1.30, 2.6, 30.66, 20.15]]))
    assert not torch.equal(near, moved)


def test_mean_and_std_are_not_in_the_state_dict():
    assert not {"mean", "std"} & tiny().state_dict().keys()


@pytest.mark.parametrize(
    ("returned", "found"),
    [
        (torch.zeros(3, 5), r"a tensor of shape \(3, 5\)"),
        (torch.zeros(2, 8), r"a tensor of shape \(2, 8\)"),
        (None, "NoneType"),
    ],
)
def test_an_operator_that_breaks_its_contract_is_an_error_that_names_its_file(
    monkeypatch, returned, found
):
    model = tiny({"name": "max"})
    monkeypatch.setattr(type(model.operator), "forward", lambda *_: returned)
    rows, real = torch.zeros(2, 3, 8), torch.ones(2, 3, dtype=torch.bool)
    with pytest.raises(
        UserError,
        match=rf"lfb/models/operators/max.py: Maximum.forward returns {found}, but .*\(3, 32\)",
    ):
        model(draw_clips(), ROIS, rows, real)
