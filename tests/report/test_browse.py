import base64
import gzip
import html
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lfb.data.predictions import Predictions
from lfb.report.browse import picture_order
from lfb.report.examples import Answers, People
from tests.report.finished_run import LABELS, SECONDS, VIDEOS, finished, predict, split

NAMES = [LABELS[i] for i in sorted(LABELS)]


def browser(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write the pages of a run of two models, the baseline wrong on two keyframes."""
    finished(folder, ("baseline", "lfb_max"), [0]).report(monkeypatch)
    return (folder / "browse.html").read_text(encoding="utf-8")


def content(text: str) -> Any:
    """Return what the script of a page reads."""
    (packed,) = re.findall(r'id="content">([^<]+)<', text)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def pairs(flat: list[int]) -> list[tuple[int, int]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def test_the_page_holds_every_keyframe_and_the_answers_of_every_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = content(browser(tmp_path, monkeypatch))
    keyframes, people = found["keyframes"], found["people"]
    videos = [found["videos"][number]["name"] for number in keyframes["video"]]
    keys = list(zip(videos, keyframes["second"], strict=True))
    assert keys == [(video, second) for video in sorted(VIDEOS) for second in SECONDS]
    assert keyframes["people"] == [2] * 18
    assert found["classes"] == NAMES
    assert people["box"][:8] == [100, 200, 400, 900, 500, 100, 900, 800]
    (boxes,) = found["detections"]
    assert boxes == {"detected": [1] * 36, "strangers": [0] * 18, "box": []}
    assert sum(people["actions"]) == len(people["action"]) == 54
    assert [model["name"] for model in found["models"]] == ["baseline", "lfb_max"]
    assert found["best"] == 1
    assert sorted(map(int, found["pictures"])) == list(range(18))

    # On a keyframe where all is wrong, a person of n actions has n wrong ones and n missed ones,
    # but no more wrong ones than there are.
    number = keys.index(("bert", 5))
    first = sum(people["actions"][: 2 * number])
    for model in found["models"]:
        answers = pairs(model["answers"])
        wrong = [pair for pair in answers if pair[1] == 100]
        assert len(answers) == 54 + len(wrong)
        assert len(wrong) == 3 * (2 if model["name"] == "baseline" else 1)
    left = pairs(found["models"][1]["answers"])[first : first + 2]
    assert [NAMES[action] for action, _ in left] == ["<jump>", "stand"]
    assert [score for _, score in left] == [800, 100]


def test_the_same_results_give_the_same_page_and_it_needs_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline",), [0])
    pages = []
    for _ in range(2):
        run.report(monkeypatch)
        pages.append((tmp_path / "browse.html").read_text(encoding="utf-8"))
    assert pages[0] == pages[1]
    assert re.findall(r'(?:src|href)="([^"#]+)"', pages[0]) == ["report.html"]
    assert "http://" not in pages[0].replace("http://www.w3.org/2000/svg", "")
    assert "three &lt;videos&gt;" in pages[0]


def test_boxes_that_match_nobody_are_strangers_with_their_highest_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline",), [0])
    moved = predict(set())
    moved.box[0] = 0, 0, 0.05, 0.05  # of the first video and second
    moved.score[0] = 0.1, 0.3, 0.2, 0.1
    moved.save(tmp_path / "seed-0/baseline/predictions.npz")
    run.report(monkeypatch)
    found = content((tmp_path / "browse.html").read_text(encoding="utf-8"))
    (boxes,) = found["detections"]
    assert boxes["strangers"] == [1, *[0] * 17]
    assert boxes["box"] == [0, 0, 50, 50]
    assert pairs(found["models"][0]["strangers"]) == [(1, 300)]
    assert boxes["detected"] == [0, *[1] * 35]


def test_models_may_have_scored_different_boxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, ("baseline", "lfb_max", "lfb_nl"), [0])
    predict(set(), people=1).save(tmp_path / "seed-0/lfb_max/predictions.npz")
    run.report(monkeypatch)
    found = content((tmp_path / "browse.html").read_text(encoding="utf-8"))
    assert [model["detections"] for model in found["models"]] == [0, 1, 0]
    assert [boxes["detected"] for boxes in found["detections"]] == [[1] * 36, [1, 0] * 18]


def test_pictures_have_a_limit_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lfb.report.browse.MOST_BYTES", 3000)
    text = browser(tmp_path, monkeypatch)
    pictures = content(text)["pictures"].values()
    assert 0 < len(pictures) < 18
    assert sum(len(base64.b64decode(picture)) for picture in pictures) <= 3000
    assert f"{len(pictures)} keyframes have a picture" in text


def test_the_largest_error_of_each_action_gets_a_picture_first() -> None:
    people = People.of(split())
    found = predict({("bert", 5), ("carl", 8)})
    keyframe = (np.array(found.videos)[found.video] == "carl") & (found.second == 8)
    # Smaller false positives and smaller misses than those of bert.
    found.score[keyframe] = np.where(found.score[keyframe] > 0.5, 0.75, 0.7)
    order = picture_order(people, Answers.of(people, found))
    keys = [(people.keyframes[k].video, people.keyframes[k].second) for k in order]
    assert keys[:2] == [("bert", 5), ("carl", 8)]
    assert sorted(order) == list(range(17))
    nobody = Answers.of(people, Predictions([], *_empty(), found.classes))
    assert picture_order(people, nobody) == list(range(17))


def _empty() -> list[np.ndarray]:
    return [
        np.empty(shape, kind)
        for shape, kind in (
            (0, np.int32),
            (0, np.int32),
            ((0, 4), np.float32),
            ((0, 4), np.float32),
        )
    ]


@pytest.mark.skipif("LFB_BROWSER" not in os.environ, reason="LFB_BROWSER names no Chromium")
@pytest.mark.parametrize(
    ("address", "cards"),
    [
        ("", 18),
        ("#video=bert", 6),
        ("#video=anna+%26+%3Cb%3E", 6),
        ("#error=any", 1),
        ("#error=any&model=baseline", 2),
        ("#error=miss&model=baseline&class=obey", 1),
        ("#error=miss&model=baseline&class=obey&as=never+seen", 1),
        ("#error=miss&model=baseline&class=obey&as=stand", 0),
        ("#error=false&class=never+seen&order=size", 1),
        ("#error=undetected", 0),
    ],
)
def test_a_browser_shows_what_the_address_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, cards: int
) -> None:
    browser(tmp_path, monkeypatch)
    command = [os.environ["LFB_BROWSER"], "--headless=new", "--no-sandbox", "--disable-gpu"]
    command += [f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=20000", "--dump-dom"]
    page = f"{(tmp_path / 'browse.html').as_uri()}{address}"
    shown = subprocess.run([*command, page], capture_output=True, text=True, check=True).stdout
    assert f">{cards} of 18 keyframes<" in shown
    assert shown.count('<article class="card">') == cards
    titles = re.findall(r"<h2>([^<]+)</h2>", shown)
    if address == "#error=any&model=baseline":
        assert [html.unescape(title) for title in titles] == [
            f"{VIDEOS[0]}, second 8",
            "bert, second 5",
        ]


def test_a_page_of_several_seeds_says_which_one_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(tmp_path, ("baseline",), [3, 4]).report(monkeypatch)
    page = (tmp_path / "browse.html").read_text(encoding="utf-8")
    assert ", seed 3 of 3, 4, over which the report takes means." in page
