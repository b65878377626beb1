"""Tests of lfb.data.check_videos, through lfb.data.check."""

from types import SimpleNamespace

import pytest

from lfb.data.check_videos import check_videos


@pytest.mark.parametrize(("duration", "valid"), [(910.97, True), (910.9, False)])
def test_a_video_may_be_one_frame_too_short_and_no_more(data, duration, valid):
    data.add_video("b.mp4", duration)
    if valid:
        data.check()
    else:
        (error,) = data.errors()
        assert error.startswith("videos/b.mp4: ends early, at 910.90 s")


def test_a_missing_video_is_reported_with_the_first_row_that_names_it(data):
    (data.videos / "b.mp4").unlink()
    (error,) = data.errors()
    assert error.startswith("train.csv:7: no b with .mp4, .mkv, .webm, .avi, .mov in ")


def test_a_file_with_a_similar_name_is_suggested(data):
    data.add_video("cafe\u0301 in town.mp4", 911.0)
    data.add_video("street_02.mkv", 911.0)
    data.annotate("val", "caf\u00e9 in town,902,0,0,1,1,1,0", "street 02,902,0,0,1,1,1,0")
    data.propose("val", ("caf\u00e9 in town", 902, 1.0))
    same, close = data.errors()
    assert same.endswith(" looks the same, but its letters are encoded differently; rename it")
    assert close.endswith("; is it street_02.mkv? Use one name, or delete its rows")


def test_similar_names_are_searched_for_the_first_missing_videos_only(tmp_path):
    for number in range(30):
        (tmp_path / f"film_{number:02d}.mp4").touch()
    annotated = {f"Film_{number:02d}": f"train.csv:{number}" for number in range(30)}
    footage = check_videos(annotated, tmp_path, start=0, seconds=1, fps=1, probe=None)
    similar, others = (problem.text for problem in footage.findings.problems)
    assert "no Film_00 with" in similar
    assert "(and 19 more such videos)" in similar
    assert similar.endswith("; is it film_00.mp4? Use one name, or delete its rows")
    assert "no Film_20 with" in others
    assert "(and 9 more such videos)" in others


def test_a_video_name_with_an_extension_is_explained(data):
    data.annotate("val", "c.mp4,902,0,0,1,1,1,0")
    data.propose("val", ("c.mp4", 902, 1.0))
    (error,) = data.errors()
    assert error.endswith("name videos without the extension")


def test_a_missing_folder_of_videos_is_one_error(data, tmp_path):
    (error,) = data.errors(videos=tmp_path / "gone")
    assert error.startswith("gone: No such file or directory")


def test_two_files_of_one_video_are_an_error(data):
    (data.videos / "a.mkv").touch()
    (error,) = data.errors(probe=_any_video)
    assert error == "videos: a.mkv, a.mp4 are all video 'a'; keep one"


def _any_video(path):
    return SimpleNamespace(duration=1e6, fps=30, width=400, height=300)


def test_no_videos_are_needed_if_the_frames_are_extracted(data):
    data.check(videos=None, probe=None)
    data.check(videos=None, probe=None, seconds=None)


def test_another_rate_than_that_of_the_config_is_one_warning(data):
    assert data.check(fps=29.97)["warnings"] == []
    (warning,) = data.check(fps=25)["warnings"]
    assert warning == (
        "3 of 3 videos have 30 frames per second, but data.fps is 25: frames are left out; is "
        "data.fps right?"
    )


def test_films_of_many_rates_are_resampled_without_a_warning(data):
    rates = iter((23.976, 25, 29.97))

    def probe(path):
        return SimpleNamespace(duration=911, fps=next(rates), width=400, height=300)

    assert data.check(probe=probe)["warnings"] == []


def test_missing_and_short_videos_are_one_line_each(data):
    for video in "ac":
        (data.videos / f"{video}.mp4").unlink()
    data.add_video("b.mp4", 10.0)
    missing, short = data.errors()
    assert missing == (
        f"train.csv:1: no a with .mp4, .mkv, .webm, .avi, .mov in {data.videos} (and 1 more such "
        "videos); add the video or delete its rows"
    )
    assert short.startswith("videos/b.mp4: ends early, at 10.00 s, but")


def test_the_decoder_probes_videos_by_default(data):
    (data.videos / "a.mp4").write_text("no video")
    assert any(error.startswith("videos/a.mp4: ") for error in data.errors(probe=None))
