"""Tests of lfb.slurm."""

import re
from pathlib import Path

import pytest

from lfb.errors import UserError
from lfb.slurm import (
    Node,
    Partition,
    Request,
    check_cluster,
    check_requests,
    parse_held,
    parse_left,
    parse_nodes,
    parse_partitions,
    why_no_accounting,
)

# What `scontrol --oneliner show` prints, in the forms of Slurm 19.05, 22.05, 24.05 and 17.11.
NODES = """\
NodeName=c1 Arch=x86_64 CoresPerSocket=16  CPUAlloc=0 CPUTot=32 CPULoad=0.01 Gres=(null) \
NodeAddr=c1 NodeHostName=c1  OS=Linux 3.10.0 #1 SMP Thu Nov 8 23:39:32 UTC 2018  RealMemory=191000 \
AllocMem=0 FreeMem=180000 Sockets=2 State=IDLE Owner=N/A Partitions=cpu,all  BootTime=2020-01-01 \
CfgTRES=cpu=32,mem=191000M,billing=32 AllocTRES=
NodeName=g1 Arch=x86_64 CoresPerSocket=1  CPUAlloc=0 CPUEfctv=16 CPUTot=16 CPULoad=0.63 \
Gres=gpu:a100:2 NodeAddr=127.0.0.1 NodeHostName=localhost Port=43571 Version=22.05.8 OS=Linux 6.18 \
#1 SMP PREEMPT_DYNAMIC  RealMemory=64000 AllocMem=0 Sockets=16 Partitions=gpu,all  BootTime=2026 \
CfgTRES=cpu=16,mem=62.50G,billing=16 AllocTRES=
NodeName=g2 Arch=x86_64 CoresPerSocket=48 CPUAlloc=0 CPUEfctv=94 CPUTot=96 CPULoad=1.00 \
Gres=gpu:h100:4(S:0-1),gpu:l4:2(S:0),shard:8 NodeAddr=g2 Version=24.05.4 RealMemory=1031000 \
CoreSpecCount=2 CPUSpecList=94-95 MemSpecLimit=1000 State=DOWN+DRAIN ThreadsPerCore=1 \
Partitions=gpu CfgTRES=cpu=94,mem=1031000M,gres/gpu=6 Reason=broken CPUTot=1 [root@2026-01-01]
NodeName=old CPUTot=8 RealMemory=16000 Gres=gpu:2
"""
PARTITIONS = """\
PartitionName=cpu AllowGroups=ALL Default=YES QoS=N/A DefaultTime=NONE MaxNodes=2 \
MaxTime=2-12:30:00 MinNodes=0 MaxCPUsPerNode=24 Nodes=c1 State=UP TotalCPUs=32 TotalNodes=1 \
DefMemPerNode=UNLIMITED MaxMemPerNode=100000 TRES=cpu=32
PartitionName=gpu Default=NO MaxNodes=UNLIMITED MaxTime=04:00:00 MaxCPUsPerNode=UNLIMITED \
MaxCPUsPerSocket=UNLIMITED Nodes=g[1-2] State=UP MaxMemPerNode=UNLIMITED
PartitionName=all Default=NO MaxNodes=1 MaxTime=UNLIMITED MaxCPUsPerNode=UNLIMITED Nodes=c1,g1
PartitionName=empty Default=NO MaxTime=UNLIMITED Nodes=(null) State=UP TotalNodes=0
"""


def refusal(*requests: Request) -> str:
    """Return why the cluster of the samples cannot start jobs."""
    with pytest.raises(UserError) as error:
        check_requests(requests, parse_nodes(NODES), parse_partitions(PARTITIONS))
    return str(error.value)


def test_nodes_of_several_versions_of_slurm():
    assert parse_nodes(NODES) == [
        Node(("cpu", "all"), 32, 191000, {}),
        Node(("gpu", "all"), 16, 64000, {"a100": 2}),
        Node(("gpu",), 94, 1030000, {"h100": 4, "l4": 2}),
        Node((), 8, 16000, {"": 2}),
    ]


def test_partitions_and_their_limits():
    assert parse_partitions(PARTITIONS) == [
        Partition("cpu", True, 3630, 2, 24, 100000),
        Partition("gpu", False, 240, None, None, None),
        Partition("all", False, None, 1, None, None),
        Partition("empty", False, None, None, None, None),
    ]


def test_a_request_is_what_the_plugin_asks_slurm_for():
    of = Request.of
    assert of("r", 9, {"mem_mb": 8000, "runtime": 60, "gpu": 2, "nodes": 2}) == Request(
        "r", nodes=2, cpus=9, memory_mb=8000, gpus=2, minutes=60
    )
    assert of("r", 9, {"slurm_partition": "a, b"}).partitions == ("a", "b")
    assert of("r", 9, {"cpus_per_task": 4, "mem_mb_per_cpu": 100}) == Request(
        "r", cpus=4, memory_mb=400
    )
    assert of("r", 9, {"gpu": 2, "cpus_per_gpu": 6}).cpus == 12
    assert of("r", 9, {"gres": "gpu:a100:3", "nodes": 2, "gpu": 6, "gpu_model": "a100"}) == Request(
        "r", nodes=2, cpus=9, gpus=6, gpu_model="a100"
    )
    assert of("r", 9, {"gres": "gpu:a100:3"}) == Request("r", cpus=9, gpus=3, gpu_model="a100")
    assert of("r", 9, {"mem_mb": "<TBD>"}).memory_mb == 0
    assert of("r", 9, {"runtime": 60, "qos": "long"}).minutes == 0


@pytest.mark.parametrize(
    "request_",
    [
        Request("r", cpus=24, memory_mb=100000, minutes=3630),
        Request("r", ("gpu",), cpus=94, gpus=6),
        Request("r", ("gpu",), gpus=4, gpu_model="H100"),
        Request("r", ("gpu",), nodes=2, cpus=16, gpus=4),
        Request("r", ("gpu", "all"), minutes=100000),
    ],
)
def test_a_job_that_fits_is_not_refused(request_: Request):
    check_requests([request_], parse_nodes(NODES), parse_partitions(PARTITIONS))


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (
            Request("r", cpus=64),
            "r asks for 64 CPUs on a node; partition cpu has 24 (set-threads: {r: 24}); "
            "slurm_partition: gpu has it",
        ),
        (
            Request("r", memory_mb=2000000),
            "r asks for 2000000 MB of memory on a node; partition cpu has 100000 "
            "(set-resources: {r: {mem_mb: 100000}})",
        ),
        (
            Request("r", ("gpu",), minutes=241, cpus=90),
            "r asks for 241 minutes; partition gpu allows 240 (set-resources: {r: {runtime: 240}})",
        ),
        (
            Request("r", ("gpu",), nodes=2, gpus=16),
            "r asks for 8 GPUs on a node; partition gpu has 6 (set-resources: {r: {gpu: 12}})",
        ),
        (
            Request("r", gpus=1),
            "r asks for 1 GPU on a node; partition cpu has 0 (slurm_partition); "
            "slurm_partition: gpu has it",
        ),
        (
            Request("r", ("gpu",), gpus=1, gpu_model="v100"),
            "r asks for 1 GPU of model v100 on a node; partition gpu has 0 "
            "(gpu_model; models: a100, h100, l4)",
        ),
        (
            Request("r", ("all",), cpus=32, gpus=1),
            "r asks for 32 CPUs and 1 GPU on a node; each node of partition all has less of one "
            "of them; slurm_partition: gpu has it",
        ),
        (
            Request("r", ("gpu",), nodes=2, cpus=90),
            "r asks for 2 nodes with 90 CPUs; partition gpu has 1 (set-resources: {r: {nodes: 1}})",
        ),
        (
            Request("r", ("gpu",), nodes=2, gpus=3),
            "r asks for 3 GPUs on 2 nodes; each node gets the same number "
            "(set-resources: {r: {gpu: 4}})",
        ),
        (
            Request("r", ("cpu", "nope")),
            "r asks for partition nope, which does not exist; "
            "this cluster has cpu, gpu, all, empty (slurm_partition)",
        ),
        (
            Request("r", ("empty",)),
            "r asks for partition empty, which has no node; slurm_partition: cpu has it",
        ),
    ],
)
def test_a_job_that_can_never_start_is_refused_with_the_key_to_change(request_: Request, line: str):
    assert refusal(request_).splitlines() == [
        "Slurm can never start these jobs:",
        f"  {line}",
        "Set these keys, or another slurm_partition, in slurm/config.yaml.",
    ]


def test_jobs_of_one_rule_are_named_once_and_all_rules_are_named():
    text = refusal(Request("a", cpus=64), Request("a", cpus=64), Request("b", cpus=65))
    assert re.findall(r"(\w) asks", text) == ["a", "b"]


def test_a_cluster_without_a_default_partition():
    partitions = parse_partitions(PARTITIONS.replace("Default=YES", "Default=NO"))
    with pytest.raises(UserError, match="asks for no partition, and there is no default"):
        check_requests([Request("r")], parse_nodes(NODES), partitions)


def test_jobs_that_slurm_holds_back():
    text = """\
1|Priority|/work|rule_a
2|PartitionTimeLimit|/work|rule_train_lfb_wildcards_0_lfb_max
3|QOSMaxWallDurationPerJobLimit|/work|rule_a|b
4|QOSMaxCpuPerUserLimit|/work|rule_a
5|AssocGrpCPUMinutesLimit|/work|rule_c
6|PartitionConfig|/elsewhere|rule_a
"""
    assert parse_held(text, "/work") == {
        "rule_train_lfb_wildcards_0_lfb_max (Slurm job 2)": "PartitionTimeLimit",
        "rule_a|b (Slurm job 3)": "QOSMaxWallDurationPerJobLimit",
        "rule_c (Slurm job 5)": "AssocGrpCPUMinutesLimit",
    }


def test_jobs_that_a_killed_snakemake_has_left():
    run = "1f0c3a52-7f1e-4c8e-9d57-0a1b2c3d4e5f"
    text = f"""\
12|{run}|/home/me/lfb|rule_train_lfb_wildcards_0_lfb_nl
13|lab_{run}|/home/me/lfb|rule_predict
14|{run}|/home/me/other|rule_predict
15|my-job|/home/me/lfb|rule_predict
16|{run}|/home/me/lfb|(null)
"""
    left = {"12": "rule_train_lfb_wildcards_0_lfb_nl", "13": "rule_predict"}
    assert parse_left(text, "/home/me/lfb") == left
    assert parse_left("", "/home/me/lfb") == {}


def test_a_cluster_that_does_not_answer_is_an_error(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"`scontrol .*` failed"):
        check_cluster([])
    sacct = tmp_path / "sacct"
    sacct.write_text("#!/bin/sh\necho Slurm accounting storage is disabled >&2; exit 1\n")
    sacct.chmod(0o755)
    assert why_no_accounting() == (
        "`sacct --noheader --allocations --starttime now` failed: "
        "Slurm accounting storage is disabled"
    )
    sacct.write_text("#!/bin/sh\n")
    assert why_no_accounting() is None
