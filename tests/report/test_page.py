import base64
import io
import json
import re
import sys
import zipfile
from dataclasses import asdict, dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lfb.bank.writing import write_bank
from lfb.data.annotations import write_annotations, write_labels
from lfb.data.predictions import Predictions
from lfb.data.proposals import write_proposals
from lfb.data.split import Split
from lfb.files.digests import digest
from lfb.files.whole import write_json
from lfb.models.action_model import build_model
from lfb.models.checkpoints import save_checkpoint
from lfb.report import charts
from lfb.report.examples import Answers, Attention, People, choose
from lfb.scoring.evaluation import metrics
from lfb.video.frames import FrameInfo
from scripts import report as program
from tests.samples import NAMES, annotation_table, proposals_of

VIDEOS = ("anna & <b>", "bert", "carl")
SECONDS = range(5, 11)
PEOPLE = ((0.1, 0.2, 0.4, 0.9), (0.5, 0.1, 0.9, 0.8))
LABELS = {1: "stand", 2: "<jump>", 4: "obey", 5: "never seen"}
BACKBONE = {
    "name": "slowonly",
    "depth": [1],
    "width": 2,
    "spatial_strides": [1],
    "inflate": [False],
}
PERCENT = st.floats(0, 100) | st.just(float("nan"))
OPERATORS: dict[str, dict[str, Any] | None] = {
    "baseline": None,
    "lfb_max": {"name": "max"},
    "lfb_nl": {"name": "non_local", "width": 4, "layers": 2},
}


def truth() -> list[tuple]:
    """In even seconds the first person obeys, in odd ones the second jumps; all stand."""
    rows = []
    for video in VIDEOS:
        for second in SECONDS:
            for person, box in enumerate(PEOPLE):
                rows.append((video, second, *box, 1, person))
                if second % 2 == person:
                    rows.append((video, second, *box, (4, 2)[person], person))
    return rows


def split() -> Split:
    rows = annotation_table(*truth())
    found = proposals_of(*((v, s, *box, 0.95) for v in VIDEOS for s in SECONDS for box in PEOPLE))
    return Split(LABELS, (), rows, found, {("carl", 10)})


def predict(wrong: set[tuple[str, int]], people: int = 2) -> Predictions:
    """What a model says that is right but for some keyframes, where it scores all the other way."""
    actions: dict[tuple, list[int]] = {}
    for video, second, *box, action, _ in truth():
        actions.setdefault((video, second, *box), []).append(action)
    kept = [key for key in actions if key[2:] in PEOPLE[:people]]
    score = np.full((len(kept), len(LABELS)), 0.1, np.float32)
    for row, key in enumerate(kept):
        score[row, [sorted(LABELS).index(action) for action in actions[key]]] = 0.8
        if key[:2] in wrong:
            score[row] = 0.9 - score[row]
    return Predictions(
        list(VIDEOS),
        np.array([VIDEOS.index(key[0]) for key in kept], np.int32),
        np.array([key[1] for key in kept], np.int32),
        np.array([key[2:] for key in kept], np.float32),
        score,
        np.array(sorted(LABELS), np.int32),
    )


@dataclass
class Run:
    """A finished run's files, and the command that makes its report."""

    arguments: list[str]
    output: Path

    def report(self, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setattr(sys, "argv", ["report", *self.arguments])
        program.main()
        return self.output.read_text(encoding="utf-8")


def finished(
    folder: Path, models: tuple[str, ...], seeds: list[int], imported: tuple[str, ...] = ()
) -> Run:
    """Writes what the rules before the report write; the bank has no boxes if it is imported."""
    data, classes = split(), dict(LABELS)
    write_labels(folder / "labels.pbtxt", classes)
    write_annotations(folder / "val.csv", data.annotations)
    write_proposals(folder / "proposals.pkl", data.proposals)
    for video in VIDEOS:
        write_frames(folder / f"{video}.zip")
    info = {"frames": 24, "fps": 4, "first_second": 5, "width": 32, "height": 24, "digest": ""}
    write_json(
        folder / "manifest.json",
        {"folder": str(folder), "pattern": None, "videos": dict.fromkeys(VIDEOS, info)},
    )
    counts = {str(i): {"name": name, "boxes": 1} for i, name in classes.items()}
    numbers = dict.fromkeys(("videos", "keyframes", "excluded", "rows", "boxes"), 1234)
    summary = {**numbers, "boxes_of_class": counts, "unscored_rows": 0}
    summary |= {"without_proposal": ["bert,0005"]}
    write_json(
        folder / "check.json",
        {"splits": {"train": summary, "val": summary}, "warnings": ["few <boxes>"]},
    )
    manifest = digest(folder / "manifest.json")
    files: dict[str, list[str]] = {"metrics": [], "histories": [], "predictions": []}
    files["checkpoints"] = []
    table = ["model,operator,backbone,seeds,mAP,mAP_std,gain,published_mAP,difference,protocol"]
    for model in models:
        wrong = {("bert", 5), (VIDEOS[0], 8)} if model == "baseline" else {("bert", 5)}
        predictions = predict(wrong)
        for seed in seeds:
            at = folder / f"seed-{seed}" / model
            measured = metrics(
                predictions, data.annotations, classes=classes, excluded=data.excluded
            )
            write_json(at / "metrics.json", measured)
            lines = [{"epoch": e, "loss": 1 / e, "learning_rate": 0.1} for e in (1, 2, 3)]
            (at / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
            files["metrics"].append(str(at / "metrics.json"))
            if model not in imported:
                files["histories"].append(str(at / "history.jsonl"))
        at = folder / f"seed-{seeds[0]}" / model
        predictions.save(at / "predictions.npz")
        write_checkpoint(at / "checkpoint.safetensors", model, manifest, model in imported)
        files["predictions"].append(str(at / "predictions.npz"))
        files["checkpoints"].append(str(at / "checkpoint.safetensors"))
        table.append(
            f"{model},none,slowonly,{len(seeds)},{measured['mmaction2']['mAP']},,0,,,mmaction2"
        )
    (folder / "map_table.csv").write_text("\n".join(table) + "\n")
    settings = {
        "protocol": "mmaction2",
        "sampling": "highest",
        "seeds": seeds,
        "models": list(models),
        "trained": [model for model in models if model not in imported],
        "unscored": [],
        "input": {"frames": 2, "interval": 2, "short_side": 24, "train_short_side": [24, 24]}
        | {"crop": 24, "flip": 0.5},
        "window": {"seconds": 6, "per_second": 2},
    }
    arguments = ["--settings", json.dumps(settings), "--output", str(folder / "report.html")]
    for option, name in {
        "labels": "labels.pbtxt",
        "annotations": "val.csv",
        "manifest": "manifest.json",
        "check": "check.json",
        "table": "map_table.csv",
    }.items():
        arguments += [f"--{option}", str(folder / name)]
    for option, paths in files.items():
        arguments += [f"--{option}", *paths]
    if len(models) > 1:
        place = models.index("baseline")
        bank_of(folder / "val.zarr", files["checkpoints"][place], manifest, "bank" in imported)
        arguments += ["--bank", str(folder / "val.zarr")]
        if "bank" in imported:
            arguments += ["--published", "somewhere/lfb_val.pkl"]
    return Run(arguments, folder / "report.html")


def write_frames(path: Path) -> None:
    info = FrameInfo(4, 5, 24, 32, 24)
    with zipfile.ZipFile(path, "w") as zipped:
        for number in range(1, info.frames + 1):
            buffer = io.BytesIO()
            Image.new("RGB", (32, 24), (10 * number, 80, 80)).save(buffer, "JPEG")
            zipped.writestr(f"{number:06d}.jpg", buffer.getvalue())
        zipped.writestr("info.json", json.dumps(asdict(info)))


def write_checkpoint(path: Path, model: str, manifest: str, imported: bool = False) -> None:
    described: dict[str, Any] = {
        "backbone": BACKBONE,
        "head": {"roi_size": 2},
        "operator": OPERATORS[model],
        "outputs": 6,
    }
    torch.manual_seed(0)
    about: dict[str, Any] = {"source": "published.pth", "source_digest": "c0ffee"}
    if not imported:
        training = {"batch": 4, "learning_rate": 0.3}
        about = {"epoch": 3, "settings": {"training": training}, "data": manifest, "processes": 1}
    save_checkpoint(path, build_model(**described), {"model": described, **about})


def bank_of(path: Path, checkpoint: str, manifest: str, imported: bool) -> None:
    keys = [(v, s, box) for v in VIDEOS for s in SECONDS for box in PEOPLE]
    channels = 4 * BACKBONE["width"]
    write_bank(
        path,
        split="val",
        video=[key[0] for key in keys],
        second=[key[1] for key in keys],
        feature=np.random.default_rng(0).normal(size=(len(keys), channels)),
        box=np.full((len(keys), 4), np.nan) if imported else [key[2] for key in keys],
        score=np.ones(len(keys)),
        attributes={"source": "lfb_val.pkl"}
        if imported
        else {"checkpoint": digest(checkpoint), "data": manifest},
        videos=VIDEOS,
    )


class Page(HTMLParser):
    """Reads a page strictly: every element that opens is closed."""

    EMPTY = ("meta", "br", "img", "!doctype")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.EMPTY:
            self.open.append(tag)
        self.addresses += [str(v) for k, v in attrs if k in ("src", "href", "xlink:href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [str(v) for k, v in attrs if k in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.mark.parametrize(
    ("models", "seeds"),
    [
        (("lfb_max", "baseline", "lfb_nl"), [3, 4]),
        (("baseline", "lfb_max"), [0]),
        (("baseline",), [0, 1]),
    ],
)
def test_the_page_is_whole_and_needs_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: tuple[str, ...], seeds: list[int]
) -> None:
    text = finished(tmp_path, models, seeds).report(monkeypatch)
    page = Page(text)
    assert "<script" not in text
    assert "url(" not in text
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    for section in ("Mean average precision", "Training", "Example keyframes", "What was run"):
        assert section in page.text
    assert all(model in page.text for model in models)
    assert "few <boxes>" in page.text
    assert "Left out of the mean, as the ground truth has no box of them: never seen." in page.text
    assert ("attends to" in page.text) == ("lfb_nl" in models)
    assert "bert, second 5" in page.text  # where every model fails


def write_measured(
    folder: Path,
    model: str,
    maps: list[float] | None = None,
    aps: dict[str, list[float | None]] | None = None,
) -> None:
    """Writes a number for each seed into its metrics: the mAP, and the AP of some classes."""
    for seed in range(len(maps or next(iter((aps or {}).values())))):
        path = folder / f"seed-{seed}" / model / "metrics.json"
        measured = json.loads(path.read_text())
        if maps:
            measured["mmaction2"]["mAP"] = maps[seed]
        for row in measured["mmaction2"]["classes"]:
            if aps and row["name"] in aps:
                row["AP"] = aps[row["name"]][seed]
        write_json(path, measured)


def class_notes(text: str) -> tuple[list[str], list[str]]:
    """The classes of the chart and the numbers beside them, from top to bottom."""
    begin, end = text.index('<h2 id="classes">'), text.index('<h2 id="training">')
    words = [word.strip() for word in Page(text[begin:end]).words]
    names = dict.fromkeys(word for word in words if word in LABELS.values())
    notes = [word for word in words if re.fullmatch(r"[+\N{MINUS SIGN}-]?\d+\.\d", word)]
    return list(names), notes


def test_classes_stand_by_falling_gain_of_the_best_model_over_the_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_max"), [0, 1])
    aps = {"stand": [52.0, 48.0], "<jump>": [60.0, 60.0], "obey": [30.0, 30.0]}
    write_measured(tmp_path, "baseline", aps=aps)
    aps = {"stand": [47.0, 49.0], "<jump>": [20.0, 20.0], "obey": [42.0, 43.0]}
    write_measured(tmp_path, "lfb_max", aps=aps)
    assert class_notes(run.report(monkeypatch)) == (
        ["obey", "stand", "<jump>"],
        ["+12.5", "\N{MINUS SIGN}2.0", "\N{MINUS SIGN}40.0"],
    )


def test_a_class_without_a_gain_stands_last_and_seeds_without_an_ap_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_max"), [0, 1])
    aps = {"stand": [None, None], "<jump>": [50.0, 50.0], "obey": [None, 40.0]}
    write_measured(tmp_path, "baseline", aps=aps)
    aps = {"stand": [70.0, 70.0], "<jump>": [49.96, 49.98], "obey": [None, 50.0]}
    write_measured(tmp_path, "lfb_max", aps=aps)
    assert class_notes(run.report(monkeypatch)) == (["obey", "<jump>", "stand"], ["+10.0", "+0.0"])


def test_classes_of_a_lone_baseline_stand_by_falling_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline",), [0])
    write_measured(tmp_path, "baseline", aps={"stand": [50.0], "<jump>": [60.0], "obey": [30.0]})
    assert class_notes(run.report(monkeypatch)) == (
        ["<jump>", "stand", "obey"],
        ["60.0", "50.0", "30.0"],
    )


def test_the_best_model_is_that_of_the_highest_mean_over_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_max", "lfb_nl"), [0, 1])
    write_measured(tmp_path, "baseline", maps=[33.0, 35.0])
    write_measured(tmp_path, "lfb_max", maps=[30.0, 34.0])
    write_measured(tmp_path, "lfb_nl", maps=[20.0, 40.0])
    text = Page(run.report(monkeypatch)).text
    assert "Sorted by what lfb_max gains over the baseline" in text
    assert "32.0 % mAP, mmaction2, the best with a bank" in text
    assert "gain \N{MINUS SIGN}2.0 points of mAP, mmaction2" in text
    for spread in "34.00 ± 1.41", "32.00 ± 2.83", "30.00 ± 14.14":
        assert spread in text


def test_examples_count_people_actions_and_what_each_model_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_max"), [0])
    text = Page(run.report(monkeypatch)).text
    assert "Of 54 true actions of 36 people in 18 keyframes (0 of whom no box shows)" in text
    assert re.search(r"it finds: baseline 48 ?, lfb_max 51 ?\.", text)
    assert "in thin boxes" not in text

    predict(set(), people=1).save(tmp_path / "seed-0/baseline/predictions.npz")
    text = Page(run.report(monkeypatch)).text
    assert "in 18 keyframes (18 of whom no box shows)" in text
    assert re.search(r"it finds: baseline 27 ?, lfb_max 51 ?\.", text)  # 18 stand, 9 obey


def test_people_have_letters_from_left_to_right_and_answers_come_by_falling_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_nl"), [0])
    wrong = predict({("bert", 5)})
    keyframe = (np.array(wrong.videos)[wrong.video] == "bert") & (wrong.second == 5)
    wrong.score[np.ix_(keyframe, np.isin(wrong.classes, (4, 5)))] = 0.65, 0.95
    for model in "baseline", "lfb_nl":
        wrong.save(tmp_path / "seed-0" / model / "predictions.npz")
    text = run.report(monkeypatch)
    card = text[text.index("bert, second 5</h4>") :].split("</article>")[0]
    # The person on the right does two actions and no model finds either; the left one does one.
    rows = [Page(row).text for row in re.findall(r"<tr>(<td>.*?)</tr>", card, re.DOTALL)]
    assert [row.split()[0] for row in rows] == ["A", "B"]
    assert "<jump>" in rows[1].split("never seen")[0]
    assert re.search(r"never seen 0\.95 .*obey 0\.65 .*never seen 0\.95 .*obey 0\.65", rows[1])
    assert "attends to for person B" in Page(card.split("</h4>")[1]).text


def test_what_a_model_attends_to_adds_up_and_stands_at_its_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = finished(tmp_path, ("baseline", "lfb_nl"), [0]).report(monkeypatch)
    card = text[text.index("bert, second 5</h4>") :].split("</article>")[0]
    # Second 5 is the first: of six seconds of two slots, three are empty.
    entries = re.findall(r"<b>(\S+ s)</b> · ([\d.]+) %<br>([^<]*)<", card)
    assert {offset for offset, _, _ in entries} <= {"0 s", "+1 s", "+2 s"}
    empty = [float(share) for share in re.findall(r"layer \d ([\d.]+) %", card)]
    assert len(empty) == 2
    assert sum(float(weight) for _, weight, _ in entries) + sum(empty) / 2 == pytest.approx(
        100, abs=2
    )
    assert {actions for _, _, actions in entries} == {"stand", "stand, obey", "stand, &lt;jump&gt;"}
    images = [Image.open(io.BytesIO(data)) for data in jpegs(card)]
    assert {image.size for image in images if image.height == 104} == {(58, 104), (75, 104)}


def jpegs(text: str) -> list[bytes]:
    return [base64.b64decode(data) for data in re.findall(r"data:image/jpeg;base64,([^\"]+)", text)]


def test_what_was_run_tells_batch_and_learning_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline",), [0])
    text = Page(run.report(monkeypatch)).text
    assert re.search(r"batch 4 x 1\b", text)
    assert re.search(r"learning rate 0\.3\b", text)


def test_draws_from_the_bank_are_told_of_where_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_nl"), [0])
    table = tmp_path / "map_table.csv"
    head, *rows = table.read_text().splitlines()
    rows = [f"5,0.1234,{row}" for row in rows]
    table.write_text("\n".join([f"draws,mAP_std_draws,{head}", *rows]) + "\n")
    assert "draws" not in Page(run.report(monkeypatch)).text
    run.arguments[1] = run.arguments[1].replace('"highest"', '"random"')
    page = Page(run.report(monkeypatch))
    assert "drawn from the bank draws times" in page.text
    assert "Answers are of the first draw" in page.text
    assert "0.12" in page.text


def test_models_and_banks_that_were_imported_are_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = ("baseline", "lfb_nl")
    page = Page(finished(tmp_path / "all", models, [0], (*models, "bank")).report(monkeypatch))
    assert "Nothing was trained" in page.text
    assert "imported from published.pth published.pth" in page.text
    assert "attends to" in page.text
    assert sum(address.startswith("data:image/jpeg") for address in page.addresses) == len(
        re.findall(r"second \d+", page.text)
    )  # frames, but no cut-outs of people

    page = Page(finished(tmp_path / "one", models, [0, 1], ("baseline",)).report(monkeypatch))
    assert "Loss of the last epoch: lfb_nl 0.3333." in page.text


def test_the_same_results_give_the_same_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_nl"), [0])
    assert run.report(monkeypatch) == run.report(monkeypatch)


def test_names_cannot_break_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = finished(tmp_path, ("baseline", "lfb_nl"), [0]).report(monkeypatch)
    assert "<jump>" not in text
    assert "<b>, second" not in text
    assert "anna & <b>, second 8" in Page(text).text


def test_a_bank_of_another_baseline_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_nl"), [0])
    write_checkpoint(tmp_path / "seed-0/baseline/checkpoint.safetensors", "baseline", "other")
    with pytest.raises(SystemExit):
        run.report(monkeypatch)
    assert "this bank was built with checkpoint" in capsys.readouterr().err
    assert not run.output.exists()


def test_a_model_answers_with_as_many_actions_as_are_true() -> None:
    people = People.of(split())
    answers = Answers.of(people, predict({("bert", 5)}))
    assert (answers.answer.sum(1) == people.count).all()
    keys = [(keyframe.video, keyframe.second) for keyframe in people.keyframes]
    wrong = people.keyframe == keys.index(("bert", 5))
    assert (answers.right == np.where(wrong, 0, people.count)).all()


def test_people_whom_no_box_shows_are_not_detected() -> None:
    people = People.of(split())
    answers = Answers.of(people, predict(set(), people=1))
    second = people.actions[:, 1]  # only the second person jumps
    assert np.isnan(answers.box[second]).all()
    assert not answers.answer[second].any()
    assert (answers.right[second] == 0).all()


def test_failures_are_of_people_whom_a_box_shows() -> None:
    people = People.of(split())
    groups = choose(people, {"baseline": Answers.of(people, predict(set(), 1))}, None, (1, 1, 1))
    assert [group.total for group in groups] == [0, 0]


def test_excluded_keyframes_are_no_examples() -> None:
    keys = {(k.video, k.second) for k in People.of(split()).keyframes}
    assert ("carl", 10) not in keys
    assert len(keys) == len(VIDEOS) * len(SECONDS) - 1


def test_examples_show_help_harm_and_failure_and_no_video_twice_in_a_group() -> None:
    people = People.of(split())
    answers = {
        "baseline": Answers.of(people, predict({("bert", 5), (VIDEOS[0], 7), (VIDEOS[0], 8)})),
        "lfb": Answers.of(people, predict({("bert", 5), ("carl", 6)})),
    }
    groups = choose(people, answers, "lfb", (4, 1, 2))
    shown = [
        [(people.keyframes[k].video, people.keyframes[k].second) for k in group.keyframes]
        for group in groups
    ]
    assert shown == [[(VIDEOS[0], 7)], [("carl", 6)], [("bert", 5)]]
    assert [group.total for group in groups] == [2, 1, 1]


def test_only_real_rows_with_weight_are_shown_as_attended_to() -> None:
    weights = np.array([[[0.5, 0.1], [0.39, 0.01]], [[0.5, 0.3], [0.19, 0.01]]])
    look = Attention(weights, np.array([[-1, 7], [8, 9]]), 3)
    assert look.top(5) == [(1, 8, pytest.approx(0.29)), (0, 7, pytest.approx(0.2))]
    assert look.top(1) == [(1, 8, pytest.approx(0.29))]
    assert Attention(weights, np.full((2, 2), -1), 3).top(5) == []


@given(st.floats(1e-6, 1e6))
def test_an_axis_covers_its_values_in_few_round_steps(highest: float) -> None:
    ticks = charts._ticks(highest)
    assert ticks[0] == 0
    assert highest <= ticks[-1] * (1 + 1e-9)
    assert len(ticks) <= 6


@given(st.lists(st.tuples(NAMES | st.just("<&'\""), PERCENT), min_size=1, max_size=90))
def test_any_class_name_gives_a_chart_that_parses(rows: list[tuple[str, float]]) -> None:
    groups = [charts.Bars(name, 3, [ap, 50], [(ap, ap), (40, 60)], name) for name, ap in rows]
    root = ElementTree.fromstring(charts.group_bars(groups, ["#000", "#111"], "gain"))
    assert len(root.findall("rect")) == sum(2 - np.isnan(ap) for _, ap in rows)


def test_bars_end_at_their_percent_and_thin_lines_go_from_least_to_greatest() -> None:
    groups = [charts.Bars("stand", 3, [40, 80], [(20, 60), (80, 80)], "+40.0")]
    root = ElementTree.fromstring(charts.group_bars(groups, ["#000", "#111"], "gain"))
    at = {t.text: float(t.get("x", 0)) for t in root.findall("text") if "%" in str(t.text)}
    bars = [(float(r.get("x", 0)), float(r.get("width", 0))) for r in root.findall("rect")]
    assert bars == [
        pytest.approx((at["0 %"], at[end] - at["0 %"]), abs=0.02) for end in ("40 %", "80 %")
    ]
    level = [line for line in root.findall("line") if line.get("stroke") == charts.INK]
    assert [(float(line.get("x1", 0)), float(line.get("x2", 0))) for line in level] == [
        pytest.approx((at["20 %"], at["60 %"]), abs=0.02)
    ]


def test_curves_go_from_the_first_epoch_to_the_last_inside_their_chart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = finished(tmp_path, ("baseline",), [0]).report(monkeypatch)
    curves = re.findall(r'<polyline points="([^"]+)"', text)
    assert len(curves) == 2
    for curve in curves:
        x, y = zip(*(map(float, point.split(",")) for point in curve.split()), strict=True)
        assert 52 <= x[0] < x[1] < x[2] <= 498
        assert x[2] - x[1] == pytest.approx(x[1] - x[0], abs=0.2)
        assert list(y) == sorted(y)  # a loss that falls goes down, and a level rate is level
        assert 26 <= y[0] <= y[2] <= 214


def test_a_box_lies_over_its_part_of_the_frame() -> None:
    frame = charts.Frame(b"", 100, 50, [((0.25, 0.2, 0.75, 0.6), "", False)])
    (box,) = ElementTree.fromstring(charts.draw_frame(frame, 200)).findall("rect")
    assert [float(box.get(name, 0)) for name in ("x", "y", "width", "height")] == [50, 20, 100, 40]


def test_the_second_of_the_keyframe_is_marked_and_its_attention_stands_there() -> None:
    real, empty = np.array([[0.5, 0.5, 0.0]]), np.zeros((1, 3))
    root = ElementTree.fromstring(charts.draw_attention(real, empty, -1, [], "#0072b2"))
    own, *bars = (float(r.get("x", 0)) for r in root.findall("rect"))
    assert own == pytest.approx(bars[2], abs=1)
    titles = [t.text for t in root.iter("title")][::2]
    assert titles == ["\N{MINUS SIGN}1 s: 50.0%", "0 s: 50.0%", "+1 s: 0.0%"]


def test_attention_bars_are_as_long_as_the_attention() -> None:
    real, empty = np.array([[0.25, 0.5], [0.0, 1.0]]), np.array([[0.25, 0.0], [0.0, 0.0]])
    root = ElementTree.fromstring(charts.draw_attention(real, empty, -1, [1, 1], "#0072b2"))
    heights = [float(r.get("height", 0)) for r in root.findall("rect")[1:]]
    assert heights == pytest.approx([13, 13, 26, 0, 0, 0, 52, 0])
    assert [float(c.get("r", 0)) for c in root.findall("circle")] == [7.5, 7.5]
