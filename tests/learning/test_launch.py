"""Tests of lfb.learning.launch."""

import os
import socket
import sys
from contextlib import ExitStack

import pytest
from torch.distributed import run as torchrun

from lfb.errors import UserError
from lfb.learning import gpus, launch
from lfb.learning.launch import relaunch
from lfb.learning.team import join_team


def test_a_job_that_waits_for_two_gpus_holds_none(two_gpus, monkeypatch, restarted):
    other = ExitStack()
    other.enter_context(join_team("cuda", 1))

    def sleep(seconds: float) -> None:
        with join_team("cuda", 1) as third:
            assert third.device.index == 1
        other.close()

    monkeypatch.setattr(gpus.time, "sleep", sleep)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    held = []
    take = launch.take_gpus
    monkeypatch.setattr(launch, "take_gpus", lambda n: held.append(take(n)) or held[-1])
    relaunch(2, "auto")
    assert len(restarted) == 1
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "5,7"
    assert [os.get_inheritable(file.fileno()) for file in held[-1].values()] == [True, True]
    for file in held[-1].values():
        file.close()


def test_more_processes_than_gpus_is_an_error_rather_than_a_wait(two_gpus):
    with pytest.raises(UserError, match=r"3 processes .* 2 GPUs"):
        relaunch(3, "cuda")


@pytest.mark.parametrize(("processes", "inside"), [(1, False), (2, True)])
def test_a_program_on_enough_processes_continues(monkeypatch, processes, inside):
    if inside:
        monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(os, "execvp", lambda *_: pytest.fail("started again"))
    relaunch(processes, "cpu")


def test_a_program_restarts_as_several_processes(restarted):
    relaunch(2, "cpu")
    ((program, command),) = restarted
    assert program == command[0] == sys.executable
    assert command[1:3] == ["-m", "torch.distributed.run"]
    read = torchrun.parse_args(command[3:])
    assert (read.nproc_per_node, read.module, read.training_script) == ("2", False, "scripts")
    assert read.training_script_args == ["train", "--log", "train.log", "--seed", "0"]


def test_on_several_nodes_slurm_starts_torchrun_once_on_each(restarted, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    relaunch(4, "cpu", nodes=2, threads=6)
    ((program, command),) = restarted
    assert program == command[0] == "srun"
    python = command.index(sys.executable)
    assert {"--nodes=2", "--ntasks=2", "--cpus-per-task=6"} < set(command[:python])
    read = torchrun.parse_args(command[python + 3 :])
    assert (read.nnodes, read.nproc_per_node, read.rdzv_backend) == ("2", "2", "c10d")
    host, port = read.rdzv_endpoint.split(":")
    assert host == socket.gethostname()
    assert int(port) > 0
    assert read.training_script_args == ["train", "--log", "train.log", "--seed", "0"]


def test_on_several_nodes_each_needs_its_share_of_the_gpus(two_gpus, restarted, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    relaunch(4, "cuda", nodes=2)
    assert len(restarted) == 1
    with pytest.raises(UserError, match=r"3 processes .* 2 GPUs"):
        relaunch(6, "cuda", nodes=2)


def test_several_nodes_need_slurm_and_a_number_of_gpus_that_they_share(restarted, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(UserError, match=r"nodes: 2 is set, but this job does not run under Slurm"):
        relaunch(2, "cpu", nodes=2)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with pytest.raises(UserError, match=r"gpu: 3 is not a multiple of nodes: 2"):
        relaunch(3, "cpu", nodes=2)
