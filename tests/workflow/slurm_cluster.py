"""A real Slurm cluster on this machine: one controller, and nodes with pretended CPUs and GPUs."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import psutil

PROGRAMS = ["slurmctld", "slurmd", "sbatch", "munged", "unshare", "nsenter"]
# What tests add to the profile, not to wait. Most jobs of the tiny config take 7 s. The plugin
# looks after 8 s and again 18 s later. With 5 s it looks too early, and again 15 s later.
OPTIONS = ["--slurm-init-seconds-before-status-checks", "8", "--latency-wait", "5"]
CPUS, MEMORY_MB, GPUS = 16, 64000, 2  # of each node

CONFIGURATION = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir=/run/slurmd/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/%n.log
ReturnToService=2
KillWait=5
MinJobAge=3600
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=200
GresTypes=gpu
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=main Nodes=ALL Default=YES MaxTime=2-00:00:00 State=UP
PartitionName=short Nodes=ALL MaxTime=1:00:00 State=UP
PartitionName=urgent Nodes=ALL PriorityTier=9 State=UP
"""
NODE = (
    "NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port}"
    f" CPUs={CPUS} RealMemory={MEMORY_MB} Gres=gpu:a100:{GPUS} State=UNKNOWN\n"
)

# Process 1 of the namespace: Linux kills all processes in it when this one ends.
FIRST_PROCESS = """
set -e
exec 2>log/start.log
mkdir -p /etc/slurm /run/munge /run/slurmd
mount --bind etc /etc/slurm
mount --bind etc/hosts /etc/hosts
mount --bind spool /run/slurmd  # Slurm's sockets there need short paths
mount -t tmpfs -o mode=755 tmpfs /run/munge
munged --key-file={folder}/etc/munge.key --seed-file=/run/munge/seed --log-file=/run/munge/log
slurmctld
for node in {nodes}; do slurmd -N $node; done
echo started
read -r _ || true
"""


def why_not() -> str | None:
    """Return why no cluster can start on this machine, or None if one can."""
    if os.geteuid() != 0:
        return "only root can start a Slurm cluster with its own mounts"
    missing = [name for name in PROGRAMS if not shutil.which(name, path=_path())]
    if missing:
        return f"{', '.join(missing)} not found; .ci/run installs Slurm"
    return None


class SlurmCluster:
    """Nodes ``node1``, ``node2``, ... of 16 CPUs, 64 GB and 2 GPUs (a100) each; no accounting.

    The partitions are ``main`` (the default), ``short`` (one hour) and ``urgent``, which pre-empts
    jobs of the others. The cluster has its own mounts, process numbers and ports, so several
    clusters run side by side. All its processes end with the context, or with the process that made
    it, even if that is killed.

    Args:
        folder: An empty or new folder for configuration, state and logs.
        nodes: How many nodes to start.
    """

    def __init__(self, folder: Path, nodes: int = 1) -> None:
        self.folder = folder
        self.nodes = [f"node{number}" for number in range(1, nodes + 1)]

    def __enter__(self) -> Self:
        self._write_configuration()
        script = FIRST_PROCESS.format(folder=self.folder, nodes=" ".join(self.nodes))
        namespace = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
        self._first = subprocess.Popen(
            [*namespace, "bash", "-c", script],
            cwd=self.folder,
            env={**os.environ, "PATH": _path()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._first.stdout is not None
        if self._first.stdout.readline() != "started\n":
            self.__exit__()
            raise RuntimeError(f"Slurm did not start:\n{self.logs()}")
        (child,) = psutil.Process(self._first.pid).children()
        self._namespace = child.pid
        self._wait_for_nodes()
        return self

    def __exit__(self, *_: object) -> None:
        self._first.communicate()  # closes its input, which ends it and all others

    def command(self, *command: str, folder: Path | None = None) -> list[str]:
        """Return a command, for `subprocess`, that runs another one on the cluster."""
        enter = ["nsenter", f"--target={self._namespace}", "--mount", "--pid"]
        return ["env", f"PATH={_path()}", *enter, f"--wd={folder or Path.cwd()}", *command]

    def snakemake(self, folder: Path, *arguments: str) -> list[str]:
        """Return a command, for `subprocess`, that runs Snakemake with the profile in a folder."""
        profile = ["snakemake", "--profile", "slurm", *OPTIONS]
        return self.command(*profile, *arguments, folder=folder)

    def run(
        self, *command: str, folder: Path | None = None, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the cluster; return its exit status, and both outputs as one text.

        Raises:
            subprocess.TimeoutExpired: The command is killed after this many seconds.
        """
        return subprocess.run(
            ["timeout", "--kill-after=5", str(seconds), *self.command(*command, folder=folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, command: str) -> str:
        """Return what a successful shell command prints on the cluster, such as ``squeue``."""
        done = self.run("bash", "-c", command)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def logs(self) -> str:
        """Return the logs of all daemons."""
        return "".join(f"{path}:\n{path.read_text()}" for path in (self.folder / "log").iterdir())

    def _write_configuration(self) -> None:
        for name in "etc", "run", "log", "state", "spool", "dev":
            (self.folder / name).mkdir(parents=True)
        ports = _free_ports(1 + len(self.nodes))
        configuration = CONFIGURATION.format(folder=self.folder, port=ports[0])
        for name, port in zip(self.nodes, ports[1:], strict=True):
            configuration += NODE.format(name=name, port=port)
            (self.folder / "spool" / name).mkdir()
        for number, device in enumerate(["/dev/null", "/dev/zero"]):
            (self.folder / f"dev/gpu{number}").symlink_to(device)
        etc = self.folder / "etc"
        (etc / "slurm.conf").write_text(configuration)
        (etc / "gres.conf").write_text(f"Name=gpu Type=a100 File={self.folder}/dev/gpu[0-1]\n")
        names = " ".join([*self.nodes, socket.gethostname()])
        (etc / "hosts").write_text(f"127.0.0.1 localhost {names}\n")
        (etc / "munge.key").write_bytes(os.urandom(1024))
        (etc / "munge.key").chmod(0o400)

    def _wait_for_nodes(self) -> None:
        end, idle = time.monotonic() + 60, "idle\n" * len(self.nodes)
        ask = ["sinfo", "--noheader", "--Node", "--partition=main", "--format=%T"]
        while self.run(*ask).stdout != idle:  # also while the controller does not answer yet
            if time.monotonic() > end:
                self.__exit__()
                raise RuntimeError(f"the nodes are not idle:\n{self.logs()}")
            time.sleep(0.1)


def _path() -> str:
    """Return the search path with this Python's programs first and the daemons last."""
    return f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"


def _free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [opened.getsockname()[1] for opened in sockets]
    finally:
        for opened in sockets:
            opened.close()
