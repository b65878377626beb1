"""Tests of lfb.files.times."""

import os
import time

from lfb.files.times import bring_to_present

HOUR = 3600 * 10**9


def test_files_from_the_future_get_the_present_time_in_their_order(tmp_path):
    now = time.time_ns()
    hours = {"old": -1, "next": 1, "last": 2, "same": 2}
    for name, hour in hours.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(now, now + hour * HOUR))
    paths = [tmp_path / name for name in [*hours, "missing"]]
    assert [path.name for path in bring_to_present(paths)] == ["next", "last", "same"]
    times = {name: (tmp_path / name).stat().st_mtime_ns for name in hours}
    assert times["old"] == now - HOUR
    assert now < times["next"] < times["last"] == times["same"] < now + HOUR
    assert bring_to_present(paths) == []
