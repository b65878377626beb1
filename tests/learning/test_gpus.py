"""Tests of lfb.learning.gpus."""

import logging
import os

import pytest
import torch

from lfb.errors import UserError
from lfb.learning import gpus
from lfb.learning.gpus import choose_device, take_gpus


def test_a_missing_gpu_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="config key device: cuda is set"):
        choose_device("cuda")
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")


def test_auto_does_not_leave_a_gpu_unused_that_slurm_gave_the_job(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert choose_device("auto") == torch.device("cpu")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(UserError, match=r"gave this job GPU 0,1 of .*, but PyTorch sees none"):
        choose_device("auto")
    assert choose_device("cpu") == torch.device("cpu")


def test_auto_takes_a_gpu_if_there_is_one(two_gpus):
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda")
    assert choose_device("cpu") == torch.device("cpu")


def close(held) -> None:
    for file in held.values():
        file.close()


def test_jobs_on_one_machine_take_different_gpus_and_free_them(two_gpus):
    first, second = take_gpus(1), take_gpus(1)
    assert [list(first), list(second)] == [[0], [1]]
    close(first)
    third = take_gpus(1)
    assert list(third) == [0]
    close(second)
    close(third)
    both = take_gpus(2)
    assert list(both) == [0, 1]
    close(both)


def test_a_job_waits_while_others_hold_every_gpu(two_gpus, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "lfb")
    first, second = take_gpus(1), take_gpus(1)
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            close(second)  # the job on GPU 1 ends

    monkeypatch.setattr(gpus.time, "sleep", sleep)
    waiting = take_gpus(1)
    assert list(waiting) == [1]
    assert len(waits) == 3
    assert [r.message for r in caplog.records].count(
        "0 of 2 GPUs are free of other jobs of this workflow; waiting for 1"
    ) == 1
    holder = f"process {os.getpid()}"
    assert f"the others belong to {holder} (GPU 0), {holder} (GPU 1)" in caplog.text
    close(first)
    close(waiting)


def test_too_many_gpus_are_an_error_rather_than_a_wait(two_gpus):
    with pytest.raises(UserError, match=r"3 processes .* 2 GPUs"):
        take_gpus(3)


def test_two_slices_of_one_gpu_are_two_gpus(two_gpus, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)  # of the slices, CUDA shows one
    held = []
    for name in "MIG-GPU-0/1/0", "MIG-GPU-0/2/0":
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", name)
        held.append(take_gpus(1))
    for taken in held:
        close(taken)
