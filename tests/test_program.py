"""Tests of lfb.program."""

import logging

import pytest

from lfb.errors import DataErrors, UserError
from lfb.program import describe_failure, program, progress

LOG = "logs/seed-0/lfb_max/train.log"


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "error", [UserError("config key data: is wrong"), DataErrors(["a.csv:1: bad"])]
)
def test_a_users_error_is_printed_without_a_traceback(tmp_path, capsys, error):
    with pytest.raises(SystemExit) as ended, program(LOG):
        raise error
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"[seed-0/lfb_max/train] error: {error}\n"
    kept = (tmp_path / LOG).read_text()
    assert kept.endswith(f" error: {error}\n")
    assert "Traceback" not in kept


def test_a_bug_is_printed_and_kept_with_its_traceback(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended, program("x.log"):
        [][0]
    assert ended.value.code == 2
    for printed in capsys.readouterr().err, (tmp_path / "x.log").read_text():
        assert "this is a bug in the workflow" in printed
        assert "Traceback" in printed
        assert printed.endswith("IndexError: list index out of range\n")


def test_an_interrupt_is_one_line(capsys):
    with pytest.raises(SystemExit) as ended, program(None):
        raise KeyboardInterrupt
    assert ended.value.code == 130
    assert capsys.readouterr().err == "interrupted; run the same command to continue\n"


def test_log_lines_are_printed_and_appended_with_times_to_the_log_file(tmp_path, capsys):
    path = tmp_path / "x.log"
    path.write_text("of an earlier start\n")
    with program("x.log"):
        logging.getLogger("lfb").info("epoch %d", 1)
    assert capsys.readouterr().err == "[x] epoch 1\n"
    earlier, line = path.read_text().splitlines()
    assert earlier == "of an earlier start"
    assert line.endswith(" epoch 1")
    assert len(line) == len("2026-01-01 00:00:00 epoch 1")


def test_a_failure_is_described_by_the_error_at_the_end_of_the_log():
    error = DataErrors(["a.csv:1: bad", "a.csv:2: bad"])
    with pytest.raises(SystemExit), program("x.log"):
        raise error
    assert describe_failure("x.log") == f"error: {error}"
    with pytest.raises(SystemExit), program("y.log"):
        [][0]
    described = describe_failure("y.log")
    assert described.startswith("this is a bug in the workflow")
    assert described.endswith("IndexError: list index out of range")


def test_a_killed_program_is_not_explained_by_an_earlier_error():
    with pytest.raises(SystemExit), program("x.log"):
        raise UserError("of an earlier start")
    with program("x.log"):
        logging.getLogger("lfb").info("epoch 1")
    described = describe_failure("x.log")
    assert described.startswith("it ended without an error message")
    assert described.endswith(" epoch 1")
    assert "the log is empty" in describe_failure("no.log")


def test_progress_yields_the_items_and_is_silent_without_a_terminal(capsys):
    assert list(progress(iter("abc"), "reading", 3)) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""
