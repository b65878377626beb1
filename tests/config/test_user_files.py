"""Tests of lfb.config.user_files."""

from pathlib import Path

from lfb.config.user_files import explain_missing, missing_files
from tests.configs import checked, imported


def test_missing_files_are_listed_by_key(tmp_path):
    (tmp_path / "a.pth").touch()
    (tmp_path / "videos").mkdir()
    config = checked(
        weights=str(tmp_path / "a.pth"),
        models__lfb_nl__weights="b.pth",
        data__videos=str(tmp_path / "videos"),
    )
    data = {
        "data.labels": "labels.pbtxt",
        "data.train.annotations": "train.csv",
        "data.train.proposals": "train.pkl",
        "data.val.annotations": "val.csv",
        "data.val.proposals": "val.pkl",
        "data.val.excluded": "out.csv",
    }
    weights = {"models.lfb_nl.weights": "b.pth"}
    missing = missing_files(config)
    assert missing == {**data, **weights}
    message = explain_missing(config, missing)
    assert all(f"{key}: {path}\n" in message for key, path in missing.items())
    assert missing_files({**config, "demo": {}}) == weights
    del config["data"]["videos"]
    config["data"]["frames"] = {"folder": "frames"}
    assert missing_files(config) == {"data.frames.folder": "frames", **data, **weights}


def test_missing_checkpoints_and_banks_are_listed_by_key(tmp_path):
    config = imported(bank__published__val="lfb_val.pkl", weights="a.pth")
    assert missing_files({**config, "demo": {}}) == {
        "bank.published.val": "lfb_val.pkl",
        "models.baseline.checkpoint": "baseline.pth",
        "models.lfb_nl.checkpoint": "lfb_nl.pth",
    }


def test_the_message_names_the_target_that_downloads_a_file():
    to = {"to": "far"}
    config = checked(
        data__videos="far/videos",
        data__train__annotations="far/train.csv",
        weights="far/a.pth",
        fetch={
            "csv": [{"url": "https://a.b/all.zip", "members": ["train.csv", "val.csv"], **to}],
            "weights": [{"url": "https://a.b/a.pth", **to}],
            "videos": [
                {
                    "url": "https://a.b/{name}",
                    "list": "https://a.b/list.txt",
                    "to": "far/videos",
                }
            ],
        },
    )
    message = explain_missing(config, missing_files(config))
    assert "  data.videos: far/videos (fetch_videos)\n" in message
    assert "  data.train.annotations: far/train.csv (fetch_csv)\n" in message
    assert "  data.train.proposals: train.pkl\n" in message
    assert "  weights: far/a.pth (fetch_weights)\n" in message
    assert "To download them, run the same command with the target `fetch`" in message


def test_the_message_names_no_target_if_nothing_can_be_downloaded():
    config = checked(fetch={"other": [{"url": "https://a.b/c", "to": "far"}]})
    message = explain_missing(config, missing_files(config))
    assert "brackets" not in message
    assert f"Check the paths, which are relative to {Path.cwd()}. Put" in message


def test_the_message_says_how_to_unpack_a_missing_file():
    packed = {"url": "https://a.b/all.rar", "to": "far", "unrar": ["lfb_val.pkl"]}
    config = checked(bank__published__val="far/lfb_val.pkl", fetch={"banks": [packed]})
    message = explain_missing(config, missing_files(config))
    line = "  bank.published.val: far/lfb_val.pkl (fetch_banks, then unrar e far/all.rar far/)\n"
    assert line in message
