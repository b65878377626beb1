"""Tests of lfb.learning.heads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lfb.bank.store import Bank
from lfb.data.boxes import PersonBoxes, RowIndex
from lfb.data.keyframes import Keyframes
from lfb.data.predictions import Predictions
from lfb.errors import UserError
from lfb.files.digests import digest
from lfb.learning.clips import Clips
from lfb.learning.heads import Head, People, open_people, predict_people
from lfb.learning.inference import build_bank, predict
from lfb.learning.lookup import Draws, Lookup, Window
from lfb.models.action_model import ActionModel
from tests.pictures import (
    CHANNELS,
    INPUT,
    OUTPUTS,
    VIDEOS,
    Film,
    make_bank,
    make_keyframes,
    make_model,
)

CPU = torch.device("cpu")
ACTIONS = [1, 3]
WINDOW = Window(6, 2)
NON_LOCAL = {"name": "non_local", "width": 8, "layers": 2, "empty": "mask"}
OPERATORS: list[dict[str, Any] | None] = [
    None,
    {"name": "avg", "empty": "mask"},
    {"name": "avg", "empty": "zero"},
    {"name": "max", "empty": "zero"},
    NON_LOCAL,
    NON_LOCAL | {"empty": "zero", "fold": True},
]


def selected() -> Keyframes:
    """Return the keyframes of ``make_keyframes``, as a stage gets them."""
    keyframes = make_keyframes()
    index = RowIndex.of(
        list(VIDEOS),
        np.array([VIDEOS.index(k.video) for k in keyframes]),
        [k.second for k in keyframes],
        [len(k.boxes) for k in keyframes],
    )
    boxes, scores, labels = (
        np.concatenate([getattr(k, name) for k in keyframes])
        for name in ("boxes", "scores", "labels")
    )
    return Keyframes(PersonBoxes(index, boxes, scores, labels), ACTIONS, OUTPUTS)


def store_people(path: Path, model: ActionModel, checkpoint: str, dtype: str = "float32") -> Bank:
    """Return the features of all people in the keyframes."""
    clips = Clips(selected().keyframes, Film, INPUT)
    about = {"checkpoint": checkpoint, "data": "frames"}
    how: dict[str, Any] = {"batch": 4, "workers": 0, "device": CPU}
    build_bank(
        model, clips, path, split="train", videos=VIDEOS, attributes=about, dtype=dtype, **how
    )
    return Bank.open(path)


def score(
    model: ActionModel, store: Bank, lookup: Lookup | None, numbers: list[int] | None = None
) -> Predictions:
    chosen = selected()
    every = np.arange(len(chosen.people.index))
    return predict_people(
        Head(model),
        People(chosen, store, lookup),
        every if numbers is None else np.array(numbers),
        ACTIONS,
        batch=5,
        device=CPU,
    )


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float16", 1e-3)])
@pytest.mark.parametrize("draws", [None, Draws(2, seed=1)])
def test_a_head_predicts_what_the_whole_model_does(tmp_path, operator, dtype, tolerance, draws):
    torch.manual_seed(0)
    model = make_model(operator).eval()
    bank = make_bank(tmp_path) if operator else None
    lookup = Lookup(bank, WINDOW, draws=draws) if bank else None
    clips = Clips(
        selected().keyframes,
        Film,
        INPUT,
        bank,
        WINDOW if bank else None,
        draws=draws if bank else None,
    )
    whole = predict(model, clips, ACTIONS, batch=3, workers=0, device=CPU)
    found = score(model, store_people(tmp_path / "people", model, "x", dtype), lookup)
    assert len(found.draws()) == len(whole.draws())
    for one, other in zip(found.draws(), whole.draws(), strict=True):
        np.testing.assert_allclose(one.score, other.score, atol=tolerance, rtol=0)
    for name in ("videos", "video", "second", "box", "classes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))


def test_some_keyframes_have_the_scores_that_they_have_among_all(tmp_path):
    model = make_model(NON_LOCAL).eval()
    store, lookup = (
        store_people(tmp_path / "people", model, "x"),
        Lookup(make_bank(tmp_path), WINDOW),
    )
    whole, part = score(model, store, lookup), score(model, store, lookup, [4, 5, 9])
    index = selected().people.index
    rows = np.concatenate([np.arange(*index.row_start[[k, k + 1]]) for k in (4, 5, 9)])
    assert part.videos == ["b", "c"]
    np.testing.assert_array_equal(part.second, whole.second[rows])
    np.testing.assert_array_equal(part.box, whole.box[rows])
    np.testing.assert_allclose(part.score, whole.score[rows], atol=1e-6)


def test_a_batch_has_each_bank_row_once_and_no_empty_slot(tmp_path):
    model = make_model(NON_LOCAL)
    people = People(
        selected(),
        store_people(tmp_path / "people", model, "x"),
        Lookup(make_bank(tmp_path), WINDOW),
    )
    batch = people.batch([(0, 0), (0, 1), (0, 2)])
    features, window, rows, slots = people.inputs(Head(model), CPU)(batch)
    index = selected().people.index
    assert features.shape == (index.row_start[3], CHANNELS)
    assert window.tolist() == np.repeat([0, 1, 2], index.count[:3]).tolist()
    assert len(rows) == len(set(batch.rows[batch.rows >= 0].tolist())) < (batch.rows >= 0).sum()
    assert (batch.rows < 0).any()
    np.testing.assert_array_equal(slots == len(rows), batch.rows < 0)


def test_training_a_head_leaves_the_backbone_alone_and_trains_the_model(tmp_path):
    model = make_model(NON_LOCAL).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    head = Head(model)
    people = People(
        selected(),
        store_people(tmp_path / "people", model, "x"),
        Lookup(make_bank(tmp_path), WINDOW, 0),
    )
    batch = people.batch([(0, 0), (0, 5)])
    head(*people.inputs(head, CPU)(batch)).square().sum().backward()
    torch.optim.SGD(head.parameters(), 0.1).step()
    after = model.state_dict()
    changed = {name for name, value in after.items() if not value.equal(before[name])}
    assert {"classifier.weight", "operator.project_bank.weight"} <= changed
    assert not [name for name in changed if name.startswith("backbone.")]


def test_people_of_another_checkpoint_or_other_boxes_are_an_error(tmp_path):
    baseline, other = tmp_path / "baseline", tmp_path / "other"
    baseline.write_text("one")
    other.write_text("another")
    path = tmp_path / "people"
    store_people(path, make_model().eval(), digest(baseline))
    chosen = selected()
    assert len(open_people(path, chosen, "train.npz", baseline=baseline)) == len(
        chosen.people.boxes
    )
    with pytest.raises(UserError, match="people: this bank was built with checkpoint"):
        open_people(path, chosen, "train.npz", baseline=other)
    chosen.people.boxes[3, 0] += 0.01
    with pytest.raises(
        UserError, match=r"people: .* other people than those in train\.npz\. Delete"
    ):
        open_people(path, chosen, "train.npz", baseline=baseline)
