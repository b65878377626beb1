"""Tests of lfb.learning.team."""

import logging
from contextlib import ExitStack

import pytest
import torch

from lfb.learning import gpus, team
from lfb.learning.team import Team, join_team


@pytest.fixture(autouse=True)
def _threads_and_log():
    threads, level = torch.get_num_threads(), team.log.level
    yield
    torch.set_num_threads(threads)
    team.log.setLevel(level)


def test_a_single_process_is_a_team_and_its_leader():
    with join_team("cpu", 1) as workers:
        assert workers == Team(0, 1, torch.device("cpu"))
        assert workers.leads
        assert workers.mean(1.5) == 1.5
        assert torch.get_num_threads() == 1


def test_the_mean_over_processes_is_divided_by_their_number(monkeypatch):
    def add_the_others(tensor: torch.Tensor) -> None:
        tensor += 2.5 + 4  # the values of two other processes

    monkeypatch.setattr(torch.distributed, "all_reduce", add_the_others)
    assert Team(0, 3, torch.device("cpu")).mean(1.0) == 2.5


def test_teams_on_one_machine_take_different_gpus_and_free_them(two_gpus):
    with join_team("auto", 1) as first:
        with join_team("cuda", 1) as second:
            assert [first.device.index, second.device.index] == [0, 1]
        with join_team("cuda", 1) as third:
            assert third.device.index == 1
    with join_team("cuda", 1) as fourth:
        assert fourth.device.index == 0


def test_a_team_waits_while_others_hold_every_gpu(two_gpus, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "lfb")
    with ExitStack() as stack:
        stack.enter_context(join_team("cuda", 1))
        held = ExitStack()
        held.enter_context(join_team("cuda", 1))
        waits = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                held.close()  # the job on GPU 1 ends

        monkeypatch.setattr(gpus.time, "sleep", sleep)
        with join_team("cuda", 1) as waiting:
            assert waiting.device.index == 1
    assert len(waits) == 3
    assert [r.message for r in caplog.records].count(
        "0 of 2 GPUs are free of other jobs of this workflow; waiting for 1"
    ) == 1


def test_one_of_several_processes_has_the_gpu_of_its_rank(two_gpus, monkeypatch):
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(team.distributed, "init_process_group", lambda backend: None)
    monkeypatch.setattr(team.distributed, "destroy_process_group", lambda: None)
    with join_team("cuda", 1) as workers:
        assert workers == Team(1, 2, torch.device("cuda", 1))
