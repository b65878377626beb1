"""Tests of lfb.learning.devices."""

import logging
import os
import sys
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
import torch
from torch.distributed import run as torchrun

from lfb.errors import UserError
from lfb.learning import devices
from lfb.learning.devices import Team, choose_device, relaunch, team


@pytest.fixture
def gpus(monkeypatch, tmp_path):
    """Two GPUs that exist in name, with their lock files in a folder of the test."""

    def properties(index: int) -> SimpleNamespace:
        return SimpleNamespace(uuid=f"GPU-{index}")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path))


@pytest.fixture(autouse=True)
def _threads_and_log():
    threads, level = torch.get_num_threads(), devices.log.level
    yield
    torch.set_num_threads(threads)
    devices.log.setLevel(level)


@pytest.fixture
def restarted(monkeypatch):
    """Programs and commands that would have taken the place of this process."""
    started: list[tuple[str, list[str]]] = []
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(os, "execv", lambda program, command: started.append((program, command)))
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", SimpleNamespace(name="scripts.train"))
    monkeypatch.setattr(sys, "argv", ["train.py", "--log", "train.log", "--seed", "0"])
    return started


def test_a_gpu_that_is_asked_for_and_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="config key device: cuda was asked for"):
        choose_device("cuda")
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")


def test_auto_takes_a_gpu_where_there_is_one(gpus):
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda")
    assert choose_device("cpu") == torch.device("cpu")


def test_a_process_alone_is_a_team_that_leads_itself():
    with team("cpu", 1) as workers:
        assert workers == Team(0, 1, torch.device("cpu"))
        assert workers.leads
        assert workers.mean(1.5) == 1.5
        assert torch.get_num_threads() == 1


def test_the_mean_over_processes_is_divided_by_their_number(monkeypatch):
    def add_the_others(tensor: torch.Tensor) -> None:
        tensor += 2.5 + 4  # what two other processes hold

    monkeypatch.setattr(torch.distributed, "all_reduce", add_the_others)
    assert Team(0, 3, torch.device("cpu")).mean(1.0) == 2.5


def test_jobs_on_one_machine_take_different_gpus_and_give_them_back(gpus):
    with team("auto", 1) as first:
        with team("cuda", 1) as second:
            assert [first.device.index, second.device.index] == [0, 1]
        with team("cuda", 1) as third:
            assert third.device.index == 1
    with team("cuda", 1) as fourth:
        assert fourth.device.index == 0


def test_a_job_waits_while_others_hold_every_gpu(gpus, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "lfb")
    with ExitStack() as stack:
        stack.enter_context(team("cuda", 1))
        held = ExitStack()
        held.enter_context(team("cuda", 1))
        waits = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                held.close()  # the job on GPU 1 ends

        monkeypatch.setattr(devices.time, "sleep", sleep)
        with team("cuda", 1) as waiting:
            assert waiting.device.index == 1
    assert len(waits) == 3
    assert [r.message for r in caplog.records].count(
        "0 of 2 GPUs are free of other jobs of this workflow; waiting for 1"
    ) == 1


def test_a_job_that_waits_for_two_gpus_holds_none(gpus, monkeypatch, restarted):
    other = ExitStack()
    other.enter_context(team("cuda", 1))

    def sleep(seconds: float) -> None:
        with team("cuda", 1) as third:
            assert third.device.index == 1
        other.close()

    monkeypatch.setattr(devices.time, "sleep", sleep)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    held = []
    take = devices._take_gpus
    monkeypatch.setattr(devices, "_take_gpus", lambda n: held.append(take(n)) or held[-1])
    relaunch(2, "auto")
    assert len(restarted) == 1
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "5,7"
    assert [os.get_inheritable(file.fileno()) for file in held[-1].values()] == [True, True]
    for file in held[-1].values():
        file.close()


def test_one_of_several_processes_has_the_gpu_of_its_rank(gpus, monkeypatch):
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(devices.distributed, "init_process_group", lambda backend: None)
    monkeypatch.setattr(devices.distributed, "destroy_process_group", lambda: None)
    with team("cuda", 1) as workers:
        assert workers == Team(1, 2, torch.device("cuda", 1))


def test_more_processes_than_gpus_is_an_error_rather_than_a_wait(gpus):
    with pytest.raises(UserError, match=r"3 processes .* 2 GPUs"):
        relaunch(3, "cuda")


@pytest.mark.parametrize(("processes", "inside"), [(1, False), (2, True)])
def test_a_program_goes_on_if_it_is_enough_processes(monkeypatch, processes, inside):
    if inside:
        monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("started again"))
    relaunch(processes, "cpu")


def test_a_program_starts_itself_again_as_several_processes(restarted):
    relaunch(2, "cpu")
    ((program, command),) = restarted
    assert program == command[0] == sys.executable
    assert command[1:3] == ["-m", "torch.distributed.run"]
    read = torchrun.parse_args(command[3:])
    assert (read.nproc_per_node, read.module, read.training_script) == ("2", True, "scripts.train")
    assert read.training_script_args == ["--log", "train.log", "--seed", "0"]
