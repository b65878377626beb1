"""Tests of lfb.learning.person_detection, on detectors with random weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lfb.errors import UserError
from lfb.files.atomic import write_json
from lfb.learning.person_detection import detect, detect_in_film, keyframes_to_search, seconds_of
from lfb.models.person_detector import CLASSES, PERSON, load_person_detector
from lfb.video.frames import FrameFolder, FrameInfo
from lfb.video.images import decode_frame
from tests.person_networks import SMALL, network
from tests.samples import annotation_table

CPU: dict[str, Any] = {"workers": 0, "device": torch.device("cpu")}
BOX = (0.1, 0.1, 0.5, 0.9, 1, 0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "detector.pth"
    torch.save(network().state_dict(), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write frames of two videos at 1 frame a second, 64 x 48 and 48 x 64 pixels."""
    folder = tmp_path_factory.mktemp("frames")
    for video, shape in ("a", (48, 64, 3)), ("b", (64, 48, 3)):
        for number in 1, 2, 3:
            pixels = np.random.default_rng(number).integers(0, 256, shape, np.uint8)
            path = folder / video / f"{number}.jpg"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(pixels).save(path)
    return folder


def opened(folder: Path, video: str) -> FrameFolder:
    return FrameFolder(folder, "{video}/{frame}.jpg", video, 1, 5)


def test_the_people_are_those_that_torchvision_finds(weights, folder):
    keyframes = [("a", 5), ("a", 7), ("b", 6)]
    found = detect(
        load_person_detector(SMALL, weights, 0.5),
        keyframes,
        lambda video: opened(folder, video),
        **CPU,
    )
    assert found.index.keys() == keyframes
    images = [
        decode_frame(opened(folder, video).read(t - 4), video, t - 4).float() / 255
        for video, t in keyframes
    ]
    with torch.inference_mode():
        reference = network()(images)
    for (video, second), image, expected in zip(keyframes, images, reference, strict=True):
        people = (expected["labels"] == PERSON) & (expected["scores"] > 0.5)
        rows = found.index.rows(video, second)
        boxes, scores = found.boxes[rows], found.scores[rows]
        assert len(boxes) > 1
        assert boxes.min() >= 0
        assert boxes.max() <= 1
        np.testing.assert_array_equal(scores, expected["scores"][people])
        size = np.array(image.shape[:0:-1] * 2)
        np.testing.assert_allclose(boxes * size, expected["boxes"][people], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_piece_without_videos_has_no_people(weights, workers):
    found = detect(
        load_person_detector(SMALL, weights, 0.5), [], pytest.fail, **CPU | {"workers": workers}
    )
    assert found.index.keys() == []


def test_other_objects_than_people_are_left_out(weights, folder):
    model = load_person_detector(SMALL, weights, 0.5)
    with torch.no_grad():
        model.roi_heads.box_predictor.cls_score.bias[PERSON] = -5
        model.roi_heads.box_predictor.cls_score.bias[PERSON + 1] = 5
    found = detect(model, [("a", 5)], lambda video: opened(folder, video), **CPU)
    assert found.index.keys() == []
    classes = [CLASSES.index("bird"), PERSON + 1]
    found = detect(model, [("a", 5)], lambda video: opened(folder, video), classes=classes, **CPU)
    assert found.index.keys() == [("a", 5)]


def test_a_process_that_reads_frames_does_not_change_the_boxes(weights, folder):
    model = load_person_detector(SMALL, weights, 0.5)
    opener = Opener(folder)
    alone, helped = (
        detect(model, [("a", 5), ("b", 6)], opener, **CPU | {"workers": workers})
        for workers in (0, 1)
    )
    np.testing.assert_array_equal(alone.boxes, helped.boxes)


class Opener:
    """A function that opens the frames of a video; unlike a lambda, it can be pickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, video: str) -> FrameFolder:
        return opened(self.folder, video)


def test_a_frame_that_does_not_decode_is_an_error_with_its_number(weights, folder, tmp_path):
    path = tmp_path / "a/1.jpg"
    path.parent.mkdir()
    path.write_bytes((folder / "a/1.jpg").read_bytes())
    frames = opened(tmp_path, "a")
    assert frames.info.frames == 1
    path.write_bytes(b"no picture")
    with pytest.raises(UserError, match="video a, frame 1: not a JPEG that decodes"):
        detect(load_person_detector(SMALL, weights, 0.5), [("a", 5)], lambda _: frames, **CPU)


ROWS = annotation_table(("b", 7, *BOX), ("a", 6, *BOX), ("a", 6, *BOX), ("a", 9, *BOX))


def test_each_annotated_keyframe_is_searched_once():
    found = keyframes_to_search(ROWS, lambda _: FrameInfo(5, 5, 21, 64, 48), "annotated")
    assert found == [("a", 6), ("a", 9), ("b", 7)]


def test_annotated_seconds_without_a_frame_are_not_searched():
    found = keyframes_to_search(ROWS, lambda _: FrameInfo(5, 7, 10, 64, 48), "annotated")
    assert found == [("b", 7)]


@pytest.mark.parametrize(
    ("frames", "fps", "last"), [(16, 7.5, 7), (15, 7.5, 6), (1, 25, 5), (25, 25, 5), (26, 25, 6)]
)
def test_every_second_with_a_frame_is_searched(frames, fps, last):
    info = FrameInfo(fps, 5, frames, 64, 48)
    found = keyframes_to_search(ROWS, lambda _: info, "all")
    assert [second for video, second in found if video == "b"] == list(range(5, last + 1))
    assert {video for video, _ in found} == {"a", "b"}


def test_a_film_without_annotations_is_searched_in_every_second(weights, folder, tmp_path):
    about = {"frames": 3, "fps": 1, "first_second": 0, "width": 64, "height": 48}
    content = {"folder": str(folder), "pattern": "{video}/{frame}.jpg", "videos": {"a": about}}
    write_json(tmp_path / "manifest.json", content)
    settings = {"name": SMALL, "classes": ["person"], "score": 0.5}
    found = detect_in_film(
        settings, video="a", manifest=tmp_path / "manifest.json", weights=weights, **CPU
    )
    assert found.index.keys() == [("a", 0), ("a", 1), ("a", 2)]
    none = settings | {"classes": ["bird"]}
    found = detect_in_film(
        none, video="a", manifest=tmp_path / "manifest.json", weights=weights, **CPU
    )
    assert len(found.boxes) == 0


def test_the_seconds_of_a_video_are_those_with_a_frame():
    assert seconds_of(FrameInfo(10, 5, 25, 64, 48)) == [5, 6, 7]
    assert seconds_of(FrameInfo(10, 0, 21, 64, 48)) == [0, 1, 2]
    assert seconds_of(FrameInfo(10, 0, 20, 64, 48)) == [0, 1]
