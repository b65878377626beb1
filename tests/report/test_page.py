import base64
import io
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lfb.files.atomic import write_json
from lfb.report.charts import BASELINE
from tests.report.drawings import points, texts, ticks
from tests.report.finished_run import LABELS, finished, predict, write_checkpoint


class Page(HTMLParser):
    """Read a page strictly: every element that opens is closed."""

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
def test_the_page_is_complete_and_needs_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: tuple[str, ...], seeds: list[int]
) -> None:
    text = finished(tmp_path, models, seeds).report(monkeypatch)
    page = Page(text)
    assert "<script" not in text
    assert "url(" not in text
    links = [address for address in page.addresses if not address.startswith(("#", "data:"))]
    assert {address.partition("#")[0] for address in links} == {"browse.html"}
    assert "In Snakemake's own report ( --report ), choose it in the list" in page.text
    for section in (
        "Mean average precision",
        "Training",
        "Which actions are taken for which",
        "How often a score is right",
        "Example keyframes",
        "What was run",
    ):
        assert section in page.text
    assert all(model in page.text for model in models)
    assert "few <boxes>" in page.text
    assert "Not in the mean, because the ground truth has no box of them: never seen." in page.text
    assert ("attends to" in page.text) == ("lfb_nl" in models)
    assert "bert, second 5" in page.text  # every model fails there


def write_measured(
    folder: Path,
    model: str,
    maps: list[float] | None = None,
    aps: dict[str, list[float | None]] | None = None,
) -> None:
    """Write a number for each seed into its metrics: the mAP, and the AP of some classes."""
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
    """Return the classes of the chart and the numbers beside them, from top to bottom."""
    begin, end = text.index('<h2 id="classes">'), text.index('<h2 id="training">')
    words = [word.strip() for word in Page(text[begin:end]).words]
    names = dict.fromkeys(word for word in words if word in LABELS.values())
    notes = [word for word in words if re.fullmatch(r"[+\N{MINUS SIGN}-]?\d+\.\d", word)]
    return list(names), notes


def test_classes_are_sorted_by_the_gain_of_the_best_model(
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


def test_a_class_without_a_gain_is_last_and_seeds_without_an_ap_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_max"), [0, 1])
    aps = {"stand": [None, None], "<jump>": [50.0, 50.0], "obey": [None, 40.0]}
    write_measured(tmp_path, "baseline", aps=aps)
    aps = {"stand": [70.0, 70.0], "<jump>": [49.96, 49.98], "obey": [None, 50.0]}
    write_measured(tmp_path, "lfb_max", aps=aps)
    assert class_notes(run.report(monkeypatch)) == (["obey", "<jump>", "stand"], ["+10.0", "+0.0"])


def test_the_page_counts_classes_that_gain_or_lose_a_point_and_names_the_extremes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_max"), [0])
    aps: dict[str, list[float | None]] = {"stand": [50.0], "<jump>": [60.0], "obey": [30.0]}
    write_measured(tmp_path, "baseline", aps=aps)
    aps = {"stand": [49.0], "<jump>": [61.0], "obey": [29.5]}
    write_measured(tmp_path, "lfb_max", aps=aps)
    text = Page(run.report(monkeypatch)).text
    assert "gains at least one point on 1 of 3 classes and loses at least one point on 1." in text
    assert "Largest gains: <jump> (+1.0). Largest loss: stand (\N{MINUS SIGN}1.0)." in text

    write_measured(tmp_path, "lfb_max", aps={"stand": [52.0], "<jump>": [61.0], "obey": [33.0]})
    monkeypatch.setattr("lfb.report.page.LARGEST_GAINS", 2)
    text = Page(run.report(monkeypatch)).text
    assert "on 3 of 3 classes and loses at least one point on none." in text
    assert "Largest gains: obey (+3.0), stand (+2.0)." in text
    assert "Largest loss" not in text


def test_thin_lines_of_classes_reach_from_the_lowest_seed_to_the_highest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline",), [0, 1, 2])
    aps = {"stand": [52.0, 48.0, 20.0], "<jump>": [60.0] * 3, "obey": [None, 30.0, 10.0]}
    write_measured(tmp_path, "baseline", aps=aps)
    text = run.report(monkeypatch)
    assert re.findall(r'<b style="width:([\d.]+)%', text) == ["60", "40", "20"]
    assert re.findall(r'<i style="left:([\d.]+)%;width:([\d.]+)%', text) == [
        ("20", "32"),
        ("10", "20"),
    ]


def test_classes_of_a_lone_baseline_are_sorted_by_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline",), [0])
    write_measured(tmp_path, "baseline", aps={"stand": [50.0], "<jump>": [60.0], "obey": [30.0]})
    assert class_notes(run.report(monkeypatch)) == (
        ["<jump>", "stand", "obey"],
        ["60.0", "50.0", "30.0"],
    )


def test_the_best_model_has_the_highest_mean_over_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_max", "lfb_nl"), [0, 1])
    write_measured(tmp_path, "baseline", maps=[33.0, 35.0])
    write_measured(tmp_path, "lfb_max", maps=[30.0, 34.0])
    write_measured(tmp_path, "lfb_nl", maps=[20.0, 40.0])
    text = Page(run.report(monkeypatch)).text
    assert "Classes are sorted by the gain of lfb_max over the baseline" in text
    assert "32.0 % mAP of the best model with a bank" in text
    assert "gain \N{MINUS SIGN}2.0 points of mAP over the baseline" in text
    for spread in "34.00 ± 1.41", "32.00 ± 2.83", "30.00 ± 14.14":
        assert spread in text


def test_examples_count_people_actions_and_found_actions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_max"), [0])
    text = Page(run.report(monkeypatch)).text
    assert "The 18 validation keyframes show 36 people who do 54 actions in all" in text
    assert "; 0 of these people have no detected box" in text
    assert re.search(r"each model finds: baseline 48 ?, lfb_max 51 ?\.", text)
    assert "in thin boxes" not in text

    predict(set(), people=1).save(tmp_path / "seed-0/baseline/predictions.npz")
    text = Page(run.report(monkeypatch)).text
    assert "; 18 of these people have no detected box" in text
    assert re.search(r"each model finds: baseline 27 ?, lfb_max 51 ?\.", text)  # 18 stand, 9 obey


def test_letters_go_from_left_to_right_and_answers_by_falling_score(
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
    assert re.findall(r'<td><span class="([^"]+)">(.)</span></td>', card) == [
        ("letter", "A"),
        ("letter focus", "B"),
    ]


def test_answers_are_marked_as_right_or_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = finished(tmp_path, ("baseline", "lfb_max"), [0]).report(monkeypatch)
    marks = set()
    for row in re.findall(r"<tr>(<td><span class=\"letter.*?)</tr>", text, re.DOTALL):
        true = re.findall(r"<td>([^<]+)</td>", row)[0].split(", ")
        for mark, name in re.findall(r'class="answer (\w+)">.*?</svg>([^ ]+ ?\w*) <small>', row):
            assert (name in true) == (mark == "right")
            marks.add(mark)
    assert marks == {"right", "wrong"}


def test_attention_adds_up_and_stands_at_its_second(
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
    bars = re.findall(r'title="\S+ s: ([\d.]+) %(?:, empty slots ([\d.]+) %)?"', card)
    assert len(bars) == 2 * 6
    assert sum(float(share or 0) for bar in bars for share in bar) == pytest.approx(200, abs=2)
    assert {actions for _, _, actions in entries} == {"stand", "stand, obey", "stand, &lt;jump&gt;"}
    images = [Image.open(io.BytesIO(data)) for data in jpegs(card)]
    assert {image.size for image in images if image.height == 104} == {(58, 104), (75, 104)}


def jpegs(text: str) -> list[bytes]:
    return [base64.b64decode(data) for data in re.findall(r"data:image/jpeg;base64,([^\"]+)", text)]


def test_the_page_draws_loss_and_learning_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = finished(tmp_path, ("baseline",), [0]).report(monkeypatch)
    charts = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", text)
    loss, rate = (base64.b64decode(chart) for chart in charts)
    assert (texts(loss)[-1], texts(rate)[-1]) == ("loss", "learning rate at the end of the epoch")
    assert ticks(loss)[0] == ticks(rate)[0] == [1, 2, 3]  # epochs
    falling = [y for _, y in points(loss, BASELINE)]
    assert falling == pytest.approx([1, 1 / 2, 1 / 3], abs=1e-3)
    (level,) = {y for _, y in points(rate, BASELINE)}
    assert level == pytest.approx(1, abs=1e-3)


def test_the_page_draws_the_validation_map_of_the_epochs_that_have_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline",), [0])
    lines = [{"epoch": e, "loss": 1 / e, "learning_rate": 0.1} for e in (1, 2, 3)]
    lines[1] |= {"validation_mAP": 25.0, "validation_keyframes": 7}
    lines[2] |= {"validation_mAP": 50.0, "validation_keyframes": 7}
    written = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "seed-0/baseline/history.jsonl").write_text(written)
    text = run.report(monkeypatch)
    _, validated, _ = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", text)
    chart = base64.b64decode(validated)
    assert texts(chart)[-1] == "validation mAP, in percent"
    assert [y for _, y in points(chart, BASELINE)] == pytest.approx([0.5, 1], abs=1e-3)
    assert "measured on 7 evenly spread keyframes" in Page(text).text


def test_later_seeds_are_faint_and_have_no_learning_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = finished(tmp_path, ("baseline",), [0, 1, 2]).report(monkeypatch)
    charts = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", text)
    loss, rate = (base64.b64decode(chart).decode() for chart in charts)
    assert (loss.count(f"stroke: {BASELINE}"), loss.count("stroke-opacity: 0.5")) == (3, 2)
    assert (rate.count(f"stroke: {BASELINE}"), rate.count("stroke-opacity: 0.5")) == (1, 0)
    assert "Thick lines show seed 0" in Page(text).text


def test_the_page_shows_batch_and_learning_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline",), [0])
    text = Page(run.report(monkeypatch)).text
    assert re.search(r"batch 4 x 1\b", text)
    assert re.search(r"learning rate 0\.3\b", text)


def test_the_page_shows_the_learning_rate_that_was_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline",), [0])
    training = {"batch": 4, "learning_rate": 0.2, "learning_rate_batch": 128}
    write_checkpoint(
        tmp_path / "seed-0/baseline/checkpoint.safetensors", "baseline", "", training=training
    )
    assert "learning rate 0.00625 = 0.2 x 4 x 1 / 128" in Page(run.report(monkeypatch)).text


def test_the_page_names_the_data_set_and_the_day_of_the_newest_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_max"), [0])
    for model, day in ("baseline", 20_000), ("lfb_max", 20_001):
        noon = 86_400 * day + 43_200
        os.utime(tmp_path / "seed-0" / model / "metrics.json", (noon, noon))
    assert "three <videos> · measured on 2024-10-05" in Page(run.report(monkeypatch)).text


def test_the_page_says_when_numbers_mean_nothing_beside_published_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline",), [0])
    assert "numbers of such a small network mean nothing" in Page(run.report(monkeypatch)).text
    monkeypatch.setattr("lfb.report.page.SMALL", 1)
    assert "The config names no published mAP" in Page(run.report(monkeypatch)).text
    table = tmp_path / "map_table.csv"
    table.write_text(table.read_text().replace(",,,mmaction2", ",26.8,-1.0,mmaction2"))
    text = Page(run.report(monkeypatch)).text
    assert "not with published ones" not in text
    assert "26.80 \N{MINUS SIGN}1.0" in text


def test_the_page_explains_the_columns_of_the_table_and_hides_empty_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Page(finished(tmp_path, ("baseline", "lfb_max"), [0]).report(monkeypatch)).text
    columns = ["model", "operator", "backbone", "seeds", "mAP", "gain"]
    assert f" {' '.join(columns)} baseline none slowonly 1 " in text
    assert all(f"{column} : " in text for column in columns)
    assert "published_mAP" not in text


def test_the_page_explains_random_draws_from_the_bank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_nl"), [0])
    table = tmp_path / "map_table.csv"
    head, *rows = table.read_text().splitlines()
    rows = [f"5,0.1234,{row}" for row in rows]
    table.write_text("\n".join([f"draws,mAP_std_draws,{head}", *rows]) + "\n")
    assert "draws" not in Page(run.report(monkeypatch)).text
    settings = tmp_path / "settings.json"
    settings.write_text(settings.read_text().replace('"highest"', '"random"'))
    page = Page(run.report(monkeypatch))
    assert "is drawn from the bank for every person, draws times" in page.text
    assert "Answers are of the first draw" in page.text
    assert "0.12" in page.text


def test_the_page_counts_seconds_that_were_left_out_because_they_have_no_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline",), [0])
    check = json.loads((tmp_path / "check.json").read_text())
    write_json(tmp_path / "check.json", check | {"seconds": {"bert": [[5, 99]]}})
    page = Page(run.report(monkeypatch))
    assert "video 'bert': second 11 is frame 25 of 24 (89 such seconds, of 1 videos)" in page.text


def test_the_page_says_which_models_are_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = ("baseline", "lfb_nl")
    page = Page(finished(tmp_path / "all", models, [0], (*models, "bank")).report(monkeypatch))
    assert "This run trained nothing" in page.text
    assert "imported from published.pth published.pth" in page.text
    assert "attends to" in page.text
    assert sum(address.startswith("data:image/jpeg") for address in page.addresses) == len(
        re.findall(r"second \d+", page.text)
    )  # frames, but no cut-outs of people

    page = Page(finished(tmp_path / "one", models, [0, 1], ("baseline",)).report(monkeypatch))
    assert "Loss in the last epoch: lfb_nl 0.3333." in page.text


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
