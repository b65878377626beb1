"""Tests of lfb.program."""

import logging

import pytest

from lfb.errors import DataErrors, UserError
from lfb.program import program, progress


@pytest.mark.parametrize(
    "error", [UserError("config key data: is wrong"), DataErrors(["a.csv:1: bad"])]
)
def test_a_users_error_is_told_by_its_message_alone(tmp_path, capsys, error):
    with pytest.raises(SystemExit) as ended, program(tmp_path / "logs" / "x.log"):
        raise error
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert told == f"error: {error}\n"
    kept = (tmp_path / "logs" / "x.log").read_text()
    assert kept.endswith(told)
    assert "Traceback" not in kept


def test_a_fault_of_the_workflow_is_told_and_kept_with_its_traceback(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended, program(tmp_path / "x.log"):
        [][0]
    assert ended.value.code == 2
    for told in capsys.readouterr().err, (tmp_path / "x.log").read_text():
        assert "this is a fault of the workflow" in told
        assert "Traceback" in told
        assert told.endswith("IndexError: list index out of range\n")


def test_an_interrupt_is_told_in_a_word(capsys):
    with pytest.raises(SystemExit) as ended, program(None):
        raise KeyboardInterrupt
    assert ended.value.code == 130
    assert capsys.readouterr().err == "interrupted; the same command goes on from here\n"


def test_log_lines_go_to_the_terminal_and_with_times_to_the_end_of_the_file(tmp_path, capsys):
    path = tmp_path / "x.log"
    path.write_text("of an earlier start\n")
    with program(path):
        logging.getLogger("lfb").info("epoch %d", 1)
    assert capsys.readouterr().err == "epoch 1\n"
    earlier, line = path.read_text().splitlines()
    assert earlier == "of an earlier start"
    assert line.endswith(" epoch 1")
    assert len(line) == len("2026-01-01 00:00:00 epoch 1")


def test_progress_passes_items_on_and_is_silent_where_nobody_watches(capsys):
    assert list(progress(iter("abc"), "reading", 3)) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""
