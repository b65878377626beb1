"""Run the parts, print one block of figures in Markdown, and exit with 1 if any check fails."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import torch

from bench.gpu.findings import Findings
from bench.gpu.parts import PARTS

RESERVE = 60  # seconds that a part leaves for each part after it


def run_part(part: str, arguments: argparse.Namespace, folder: Path, seconds: float) -> Findings:
    """Run a part in a process of its own; its crash or its end of time is a problem too."""
    output, own = folder / f"{part}.json", folder / part
    own.mkdir()
    command = [sys.executable, "-m", "bench.gpu.parts", part, "--device", arguments.device]
    command += ["--folder", str(own), "--findings", str(output), "--seconds", str(seconds - 10)]
    with (arguments.output / "gpu.log").open("a") as log:
        log.write(f"\n=== {part}\n")
        log.flush()
        process = subprocess.Popen(
            command + ["--tiny"] * arguments.tiny,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return Findings(problems=[f"{part}: no end in {seconds:.0f} s; see gpu.log"])
    if code or not output.exists():
        last = (arguments.output / "gpu.log").read_text().strip().splitlines()[-1]
        return Findings(problems=[f"{part}: exit status {code}: {last}; see gpu.log"])
    return Findings.load(output)


def page(found: dict[str, Findings], seconds: dict[str, float]) -> str:
    """Return all findings in Markdown, as bench/README.md keeps them."""
    lines = [f"{datetime.now(UTC):%Y-%m-%d}, `python -m bench.gpu`:"]
    for part, findings in found.items():
        lines += ["", f"### {PARTS[part]} ({seconds[part]:.0f} s)", "", *findings.lines]
        problems = [problem.replace("\n", "\n  ") for problem in findings.problems]
        lines += ["", *(f"- **wrong:** {problem}" for problem in problems)]
    text = "\n".join(lines)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser("bench.gpu", description=__doc__)
    parser.add_argument("--output", required=True, type=Path, help="folder for the results")
    parser.add_argument("--parts", default=",".join(PARTS), help="parts to run, with commas")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--tiny", action="store_true", help="small networks and clips")
    parser.add_argument("--minutes", type=float, default=9.5, help="time for all parts")
    arguments = parser.parse_args()
    parts = arguments.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.error("PyTorch sees no CUDA GPU here; try --device cpu --tiny")
    arguments.output.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * arguments.minutes
    found: dict[str, Findings] = {}
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, part in enumerate(parts, start=1):
            begin = time.monotonic()
            limit = end - begin - RESERVE * (len(parts) - number)
            if limit < 20:
                found[part] = Findings(problems=[f"{part}: no time is left"])
            else:
                found[part] = run_part(part, arguments, Path(folder), limit)
            seconds[part] = time.monotonic() - begin
            wrong = len(found[part].problems)
            print(f"{part}: {seconds[part]:.0f} s, {wrong} problems", file=sys.stderr, flush=True)
            # After each part, so that a run cut short leaves what it has found.
            figures = {name: asdict(findings) for name, findings in found.items()}
            (arguments.output / "gpu.json").write_text(json.dumps(figures, indent=1) + "\n")
            (arguments.output / "gpu.md").write_text(page(found, seconds))
    print(page(found, seconds))
    sys.exit(any(findings.problems for findings in found.values()))


if __name__ == "__main__":
    main()
