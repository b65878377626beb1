"""Tests of lfb.report.watch.page and of what its script does in a browser."""

import base64
import gzip
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lfb.bank.store import Bank
from lfb.bank.writing import write_bank
from lfb.files.atomic import write_json
from lfb.learning.attention import MOST, Attended
from lfb.report.watch.page import write_page
from lfb.report.watch.people import Watched
from lfb.video.extraction import extract_all
from lfb.video.film import Footage, write_film
from lfb.video.frames import Manifest
from tests.chromium import browser
from tests.films import make_film

NAME = "a & <b> #1"
LEFT, RIGHT, FAR = (0.1, 0.2, 0.3, 0.9), (0.6, 0.2, 0.8, 0.9), (0.4, 0.1, 0.5, 0.2)
ACTIONS = ["stand", "<jump>", "obey & wave"]


def watched() -> Watched:
    """Return person 1 on the left in seconds 0 to 3 and person 2 on the right in second 1."""
    baseline = [[0.9, 0.2, 0.01]] * 5
    other = [[0.9, 0.1, 0.0], [0.8, 0.6, 0.0], [0.1, 0.3, 0.9], [0.2, 0.0, 0.3], [0.9, 0.0, 0.0]]
    return Watched(
        NAME,
        np.array([0, 1, 1, 2, 3]),
        np.array([1, 1, 2, 1, 1]),
        np.array([LEFT, LEFT, RIGHT, LEFT, LEFT], np.float32),
        np.array([1, 4, 5]),
        ACTIONS,
        {"baseline": np.array(baseline, np.float32), "lfb_nl": np.array(other, np.float32)},
        np.array([0, 2, 1, 3, 4]),  # the model scored person 2 of second 1 before person 1
    )


def attended() -> Attended:
    """Return attention of the model's rows: to the row of its own number, and to empty slots."""
    row = np.full((5, MOST), -1)
    row[:, 0] = [0, 1, 2, 3, 5]
    weight = np.where(row >= 0, 0.75, 0).astype(np.float32)
    seconds = np.tile(np.array([0, 0.75, 0, 0], np.float32), (5, 1))
    return Attended(row, weight, seconds, np.full(5, 0.25, np.float32))


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Return the page of a film of 4 s, with the film beside it."""
    source = make_film(tmp_path / "source.mp4", times=np.arange(40) / 10)
    content = extract_all(
        {NAME: source}, tmp_path / "frames", fps=10, first_second=0, start=0, seconds=None
    )
    write_json(
        tmp_path / "manifest.json",
        {"folder": str(tmp_path / "frames"), "pattern": None, **content},
    )
    write_bank(
        tmp_path / "bank.zarr",
        split="watch",
        video=[NAME] * 6,
        second=[0, 1, 1, 2, 3, 3],
        features=[np.zeros((6, 2), np.float16)],
        channels=2,
        box=[LEFT, RIGHT, LEFT, LEFT, LEFT, FAR],  # the last one is in no film
        score=[1, 1, 0.9, 1, 1, 0.5],
        attributes={},
    )
    people = watched()
    write_film(
        Footage.of_video(source),
        tmp_path / f"{NAME}.mp4",
        people.overlays("lfb_nl", np.array([0.5, 0.5, 0.2])),
        threads=1,
    )
    write_page(
        tmp_path / f"{NAME}.html",
        people=people,
        thresholds=np.array([0.5, 0.5, 0.2]),
        shown="lfb_nl",
        attention={"baseline": Attended.none(), "lfb_nl": attended()},
        bank=Bank.open(tmp_path / "bank.zarr"),
        manifest=Manifest(tmp_path / "manifest.json"),
        film=f"{NAME}.mp4",
        table=f"{NAME}.csv",
    )
    return tmp_path / f"{NAME}.html"


def content(text: str) -> Any:
    (packed,) = re.findall(r'id="content">([^<]+)<', text)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_the_page_has_scores_attention_and_pictures(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = content(text)
    assert found["seconds"] == 3.9
    assert found["actions"] == ACTIONS
    assert found["thresholds"] == [500, 500, 200]
    assert [model["name"] for model in found["models"]] == ["baseline", "lfb_nl"]
    assert found["shown"] == 1
    assert found["models"][1]["count"] == [3] * 5
    assert found["models"][1]["scores"][6:12] == [0, 800, 1, 600, 2, 0]
    # The attention is in the order of the page's rows; the sixth place is of the bank alone.
    assert found["attention"].keys() == {"lfb_nl"}
    assert found["attention"]["lfb_nl"]["place"][::MOST] == [0, 1, 2, 3, 5]
    assert found["places"] == [0, 1, 1, 2, 3, 3]
    assert len(found["pictures"]) == 6
    with Image.open(io.BytesIO(base64.b64decode(found["pictures"][0]))) as picture:
        assert picture.height == 96
    assert "a &amp; &lt;b&gt; #1" in text
    assert 'src="a%20%26%20%3Cb%3E%20%231.mp4"' in text
    assert not re.search(r"""(src|href)=["']?https?:""", text)


def test_a_film_without_people_has_a_page(page: Path) -> None:
    none = watched()
    empty = Watched(
        NAME,
        none.second[:0],
        none.person[:0],
        none.box[:0],
        none.classes,
        none.names,
        {"baseline": none.score["baseline"][:0]},
        none.order[:0],
    )
    write_page(
        page,
        people=empty,
        thresholds=np.array([0.5] * 3),
        shown="baseline",
        attention={"baseline": Attended.none()},
        bank=None,
        manifest=Manifest(page.parent / "manifest.json"),
        film="a.mp4",
        table="a.csv",
    )
    assert content(page.read_text(encoding="utf-8"))["pictures"] == []


@pytest.mark.skipif("LFB_BROWSER" not in os.environ, reason="LFB_BROWSER names no Chromium")
def test_a_browser_plays_the_film_and_follows_clicks(page: Path, tmp_path: Path) -> None:
    with browser(os.environ["LFB_BROWSER"], tmp_path / "profile") as shown:
        shown.open(page.as_uri())
        shown.wait("!!document.querySelector('.mark')")
        shown.wait("film.readyState >= 2")
        assert shown.run("film.error") is None
        assert shown.run("[film.videoWidth, film.videoHeight, Math.round(film.duration)]") == [
            512,
            384,
            4,
        ]

        def bars() -> list[str]:
            return shown.run("[...document.querySelectorAll('.mark')].map((bar) => bar.title)")

        def details() -> str:
            return shown.run("document.getElementById('details').innerText")

        chosen = [
            "person 1: stand 0.85, 0:00 to 0:01",
            "person 1: stand 0.90, 0:03",
            "person 1: <jump> 0.60, 0:01",
            "person 1: obey & wave 0.30, 0:02",
            "person 2: obey & wave 0.90, 0:01",
        ]
        assert bars() == chosen

        # A click on a bar goes to that second of the film and shows the person below.
        shown.click(".mark[title='person 1: stand 0.85, 0:00 to 0:01']", 0.9)
        shown.wait("film.currentTime === 1 && !film.seeking")
        assert shown.run("location.hash") == "#person=1&second=1"
        text = details()
        assert "Person 1 at 0:01" in text
        assert "<jump>" in text
        assert "What lfb_nl looked at" in text
        assert "What baseline looked at" not in text
        assert "person 1, stand, <jump>" in text
        assert "25 % of its attention went to empty slots" in text
        assert shown.run("document.querySelectorAll('#details img').length") == 2

        # From what the operator looked at, and by the buttons, one goes on.
        shown.click(".mark[title='person 1: stand 0.90, 0:03']")
        shown.wait("film.currentTime === 3")
        shown.click("#details h2 button")
        shown.wait("film.currentTime === 2")
        assert "Person 1 at 0:02" in details()
        shown.click("#details .entries button")
        assert "Person 1 at 0:02" in details()

        # The slider overrides the chosen thresholds.
        shown.click("#chosen")
        assert shown.run("[threshold(data, 0), slider.disabled]".replace("data", "null")) == [
            0.5,
            False,
        ]
        assert chosen[3] not in bars()
        shown.run("slider.value = 0.7; slider.dispatchEvent(new Event('input'))")
        assert bars() == [chosen[0], chosen[1], chosen[4]]
        assert shown.run("byId('value').textContent") == "0.70"

        # The address leads to a person and second; a missing film is named.
        Path(page.parent / f"{NAME}.mp4").unlink()
        shown.open(f"{page.as_uri()}#person=2&second=1")
        shown.wait("!!document.querySelector('#details h2') && !byId('lost').hidden")
        assert "Person 2 at 0:01" in details()
