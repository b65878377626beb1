"""What a Slurm cluster offers, and which jobs it can never start."""

import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from getpass import getuser

from lfb.errors import UserError

PROFILE = "slurm/config.yaml"
_FORMAT = "--format=%i|%r|%Z|%k"
# Reasons of pending jobs that no other job's end changes.
_HELD = re.compile(
    r"AccountNotAllowed|BadConstraints|Invalid(Account|QOS)|JobHeld(Admin|User)|MaxMemPerLimit"
    r"|Partition(Config|Down|Inactive|NodeLimit|TimeLimit)|QOSNotAllowed|QOSTimeLimit"
    r"|(Assoc|QOS)(Max|Min)\w*(Job|Node)\w*|(Assoc|QOS)Grp\w*Minutes\w*"
)
# Snakemake's name for the jobs of a run: a UUID, perhaps after a prefix.
_RUN = re.compile(r"(.+_)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Node:
    """What one node offers.

    Attributes:
        partitions: Names of the partitions that it belongs to.
        gpus: Number of GPUs of each model. Where Slurm does not know the model, it is "".
    """

    partitions: tuple[str, ...]
    cpus: int
    memory_mb: int
    gpus: Mapping[str, int]


@dataclass(frozen=True)
class Partition:
    """The limits of a partition. None means unlimited.

    Attributes:
        default: Whether a job that names no partition goes here.
        minutes: Longest run time.
        nodes: Most nodes of a job.
        cpus: Most CPUs that a job gets on one node.
        memory_mb: Most memory that a job gets on one node.
    """

    name: str
    default: bool = False
    minutes: int | None = None
    nodes: int | None = None
    cpus: int | None = None
    memory_mb: int | None = None


@dataclass(frozen=True)
class Request:
    """What the jobs of a rule ask for: CPUs and memory on each node, GPUs in total."""

    rule: str
    partitions: tuple[str, ...] = ()
    nodes: int = 1
    cpus: int = 1
    memory_mb: int = 0
    gpus: int = 0
    gpu_model: str = ""
    minutes: int = 0

    @classmethod
    def of(cls, rule: str, threads: int, resources: Mapping[str, object]) -> "Request":
        """Return what the profile's resources of a job amount to.

        A resource that is not known yet, because it depends on a file, counts as nothing.
        """

        def number(name: str) -> int:
            value = resources.get(name)
            return value if isinstance(value, int) else 0

        model, gpus = str(resources.get("gpu_model") or ""), number("gpu")
        nodes = max(number("nodes"), 1)
        asked = _gpus(str(resources.get("gres") or ""))
        if asked:
            ((model, on_each_node),) = asked.items()
            gpus = max(gpus, on_each_node * nodes)
        cpus = max(number("cpus_per_task") or number("cpus_per_gpu") * gpus or threads, 1)
        return cls(
            rule=rule,
            partitions=tuple(re.findall(r"[^,\s]+", str(resources.get("slurm_partition") or ""))),
            nodes=nodes,
            cpus=cpus,
            memory_mb=number("mem_mb_per_cpu") * cpus or number("mem_mb"),
            gpus=gpus,
            gpu_model=model,
            # A quality of service may lift the time limit of a partition.
            minutes=0 if resources.get("qos") else number("runtime"),
        )

    @property
    def gpus_per_node(self) -> int:
        return -(-self.gpus // self.nodes)


def parse_nodes(text: str) -> list[Node]:
    """Return the nodes in the output of ``scontrol show node --oneliner``."""
    return [
        Node(
            partitions=tuple(filter(None, fields.get("Partitions", "").split(","))),
            # Some CPUs and some memory may be reserved for the system.
            cpus=int(fields.get("CPUEfctv") or fields["CPUTot"]),
            memory_mb=int(fields["RealMemory"]) - int(fields.get("MemSpecLimit", 0)),
            gpus=_gpus(fields.get("Gres", "")),
        )
        for fields in map(_fields, text.splitlines())
        if "NodeName" in fields
    ]


def parse_partitions(text: str) -> list[Partition]:
    """Return the partitions in the output of ``scontrol show partition --oneliner``."""
    return [
        Partition(
            name=fields["PartitionName"],
            default=fields.get("Default") == "YES",
            minutes=_minutes(fields.get("MaxTime", "")),
            nodes=_limit(fields.get("MaxNodes", "")),
            cpus=_limit(fields.get("MaxCPUsPerNode", "")),
            memory_mb=_limit(fields.get("MaxMemPerNode", "")),
        )
        for fields in map(_fields, text.splitlines())
        if "PartitionName" in fields
    ]


def check_requests(
    requests: Iterable[Request], nodes: Sequence[Node], partitions: Sequence[Partition]
) -> None:
    """Check that the cluster can start the jobs once their turn comes.

    Raises:
        UserError: It never can. The message says for each rule what it asks for, what the partition
            offers, and which key to change.
    """
    found = [
        f"{request.rule} asks for {problem}"
        for request in dict.fromkeys(requests)
        for problem in _problems(request, nodes, {offer.name: offer for offer in partitions})
    ]
    if found:
        lines = "\n  ".join(["Slurm can never start these jobs:", *dict.fromkeys(found)])
        raise UserError(f"{lines}\nSet these keys, or another slurm_partition, in {PROFILE}.")


def check_cluster(requests: Iterable[Request]) -> None:
    """Ask Slurm what its nodes and partitions offer, and check the requests.

    Raises:
        UserError: Slurm does not answer, or can never start one of the jobs.
    """
    nodes = parse_nodes(_ask("scontrol --all --oneliner show node"))
    check_requests(
        requests, nodes, parse_partitions(_ask("scontrol --all --oneliner show partition"))
    )


def why_no_accounting() -> str | None:
    """Return why ``sacct`` cannot report the state of jobs, or None if it can."""
    try:
        _ask("sacct --noheader --allocations --starttime now")
    except UserError as error:
        return str(error)
    return None


def parse_held(text: str, folder: str) -> dict[str, str]:
    """Return the pending jobs of a folder that do not start by waiting, with Slurm's reason.

    Args:
        text: The output of ``squeue --format=%i|%r|%Z|%k``.
        folder: The working directory of the jobs.
    """
    held = {}
    for line in text.splitlines():
        job, reason, where, comment = line.split("|", 3)
        if where == folder and _HELD.fullmatch(reason):
            held[f"{comment} (Slurm job {job})"] = reason
    return held


def parse_left(text: str, folder: str) -> dict[str, str]:
    """Return the jobs that Snakemake has submitted from a folder, by their numbers: their comments.

    Args:
        text: The output of ``squeue --format=%i|%j|%Z|%k``.
        folder: The working directory of the jobs.
    """
    rows = [line.split("|", 3) for line in text.splitlines()]
    return {
        job: comment
        for job, name, where, comment in rows
        if where == folder and _RUN.fullmatch(name) and comment.startswith("rule_")
    }


def cancel_left(folder: str, report: Callable[[str], None]) -> None:
    """Cancel the jobs that a killed Snakemake has left in a folder, and wait until they have ended.

    Otherwise a job that still waits in the queue would begin by deleting what this run has made.

    Raises:
        UserError: Slurm does not answer, or a job does not end within two minutes.
    """
    ask = f"squeue --noheader --user={getuser()} --format=%i|%j|%Z|%k"
    left = parse_left(_ask(ask), folder)
    if not left:
        return
    report(
        f"Cancelling Slurm jobs that an earlier run has left: {', '.join(left.values())}. This run "
        "does them again, and training continues where it stopped."
    )
    _ask(f"scancel {' '.join(left)}")
    end = time.monotonic() + 120
    while left := parse_left(_ask(ask), folder):
        if time.monotonic() > end:
            raise UserError(f"Slurm jobs {', '.join(left)} do not end after scancel; see squeue.")
        time.sleep(1)


def report_held(folder: str, report: Callable[[str], None]) -> None:
    """Report jobs that Slurm holds back, in a thread that ends with this process.

    Limits of accounts and qualities of service only show after the submission.
    """

    def watch() -> None:
        reported: set[str] = set()
        while True:
            time.sleep(30)
            with suppress(UserError):  # the controller may be restarting
                held = parse_held(
                    _ask(f"squeue --noheader --user={getuser()} --states=PENDING {_FORMAT}"), folder
                )
                for job, reason in held.items():
                    if job not in reported:
                        report(
                            f"warning: Slurm does not start {job}: {reason}. Waiting does not help."
                            f" Interrupt the run, change the job's partition, account, qos or"
                            f" resources in {PROFILE}, and repeat the command."
                        )
                reported |= held.keys()

    threading.Thread(target=watch, daemon=True).start()


def _ask(command: str) -> str:
    """Return the output of one of Slurm's commands."""
    try:
        done = subprocess.run(command.split(), capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"`{command}` failed: {error}") from None
    if done.returncode:
        raise UserError(f"`{command}` failed: {done.stderr.strip()}")
    return done.stdout


def _problems(
    request: Request, nodes: Sequence[Node], partitions: Mapping[str, Partition]
) -> list[str]:
    """Return why no partition of a request can start it, as texts after "asks for"."""
    if request.gpus % request.nodes:
        setting = _setting(request, "gpu", request.gpus_per_node)
        return [
            f"{_quantity('gpu', request.gpus)} on {request.nodes} nodes; each node gets the same "
            f"number ({setting})"
        ]
    names = request.partitions or tuple(p.name for p in partitions.values() if p.default)
    existing = f"this cluster has {', '.join(partitions)} (slurm_partition)"
    if not names:
        return [f"no partition, and there is no default; {existing}"]
    if unknown := [name for name in names if name not in partitions]:
        return [f"partition {', '.join(unknown)}, which does not exist; {existing}"]
    excess = {
        partition.name: _excess(request, partition, nodes) for partition in partitions.values()
    }
    fewest = min((excess[name] for name in names), key=len)
    able = [name for name, found in excess.items() if not found]
    hint = f"; slurm_partition: {able[0]} has it" if able else ""
    return [f"{problem}{hint}" for problem in fewest]


def _excess(request: Request, partition: Partition, nodes: Sequence[Node]) -> list[str]:
    """Return what a request asks for and a partition does not have."""
    where = f"partition {partition.name}"
    offers = [
        _offer(node, partition, request) for node in nodes if partition.name in node.partitions
    ]
    if not offers:
        return [f"{where}, which has no node"]
    asked = {"threads": request.cpus, "mem_mb": request.memory_mb, "gpu": request.gpus_per_node}
    problems = []
    for key, value in asked.items():
        most = max(offer[key] for offer in offers)
        if value > most:
            asks, setting = _quantity(key, value), _setting(request, key, most)
            if key == "gpu" and request.gpu_model:
                asks += f" of model {request.gpu_model}"
                setting += f"; models: {', '.join(_models(nodes)) or 'none'}"
            problems.append(f"{asks} on a node; {where} has {most} ({setting})")
    if partition.minutes is not None and request.minutes > partition.minutes:
        setting = _setting(request, "runtime", partition.minutes)
        problems.append(
            f"{request.minutes} minutes; {where} allows {partition.minutes} ({setting})"
        )
    if problems:
        return problems
    whole = " and ".join(_quantity(key, value) for key, value in asked.items() if value)
    fitting = sum(all(asked[key] <= offer[key] for key in asked) for offer in offers)
    if not fitting:
        return [f"{whole} on a node; each node of {where} has less of one of them"]
    most = min(fitting, partition.nodes or fitting)
    if request.nodes > most:
        setting = _setting(request, "nodes", most)
        return [f"{request.nodes} nodes with {whole}; {where} has {most} ({setting})"]
    return []


def _offer(node: Node, partition: Partition, request: Request) -> dict[str, int]:
    """Return what a job gets at most on a node, by the key that asks for it."""
    gpus = [
        count
        for model, count in node.gpus.items()
        if request.gpu_model.lower() in ("", model.lower())
    ]
    return {
        "threads": min(node.cpus, partition.cpus or node.cpus),
        "mem_mb": min(node.memory_mb, partition.memory_mb or node.memory_mb),
        "gpu": sum(gpus),
    }


def _quantity(key: str, value: int) -> str:
    units = {"threads": "CPU", "mem_mb": "MB of memory", "gpu": "GPU"}
    plural = "s" if value != 1 and key != "mem_mb" else ""
    return f"{value} {units[key]}{plural}"


def _models(nodes: Sequence[Node]) -> list[str]:
    return sorted({model for node in nodes for model in node.gpus if model})


def _setting(request: Request, key: str, value: int) -> str:
    """Return the lines of the profile that lower what a rule asks for, as one line."""
    if key == "threads":
        return f"set-threads: {{{request.rule}: {value}}}"
    if key == "gpu" and not value:
        return "gpu_model" if request.gpu_model else "slurm_partition"
    total = value * request.nodes if key == "gpu" else value
    return f"set-resources: {{{request.rule}: {{{key}: {total}}}}}"


def _fields(line: str) -> dict[str, str]:
    """Return the fields of a line of ``scontrol``; the first one of a name counts."""
    return dict(reversed(re.findall(r"(?:^|\s)([A-Za-z]\w*)=(\S*)", line)))


def _gpus(gres: str) -> dict[str, int]:
    """Return the GPUs in a list such as ``gpu:a100:4(S:0-1),gpu:2,shard:8``, by model."""
    found: dict[str, int] = {}
    for item in re.sub(r"\([^()]*\)", "", gres).split(","):
        kind, *words = item.split(":")
        if kind == "gpu":
            count = int(words.pop()) if words and words[-1].isdigit() else 1
            model = words[0] if words else ""
            found[model] = found.get(model, 0) + count
    return found


def _limit(text: str) -> int | None:
    """Return a limit; None for ``UNLIMITED``."""
    return int(text) if text.isdigit() else None


def _minutes(text: str) -> int | None:
    """Return the minutes of ``1-12:00:00`` or ``12:00:00``; None for ``UNLIMITED``."""
    match = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):(\d+)", text)
    if match is None:
        return None
    days, hours, minutes, _ = (int(part or 0) for part in match.groups())
    return (days * 24 + hours) * 60 + minutes
