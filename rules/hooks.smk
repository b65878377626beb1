"""Hooks of the Snakefile: they run before the first job, at the end, and after a failed job."""

import atexit
import subprocess
from functools import partial

from lfb.files.disk import check_access
from lfb.files.times import bring_to_present
from lfb.program import describe_failures


def check_device():
    """Stop if the config asks for a GPU and this machine has none.

    Jobs on a cluster find their GPUs where they run.
    """
    if config["device"] == "cuda" and workflow.is_main_process and workflow.local_exec:
        shell(f"python {command('check_device')} --device cuda")


def check_slurm():
    """Stop if Slurm can never start one of the jobs, and report jobs that it holds back."""
    if not workflow.is_main_process or workflow.executor_plugin.name != "slurm":
        return
    from lfb import slurm

    elsewhere = {
        "cluster",
        "clusters",
        "slurm_cluster",
    }  # resources that name another cluster
    requests = [
        slurm.Request.of(job.rule.name, job.threads, dict(job.resources.items()))
        for job in workflow.dag.needrun_jobs()
        if not job.is_local and elsewhere.isdisjoint(job.resources.keys())
    ]
    if reason := slurm.why_no_accounting():
        if workflow.executor_settings.status_command == "sacct":
            raise SystemExit(
                f"Error: Snakemake cannot ask for the state of its jobs: {reason}\nSet "
                f"`slurm-status-command: squeue` in {slurm.PROFILE}."
            )
        keep_squeue()
    try:
        if not workflow.executor_settings.partition_config:
            slurm.check_cluster(requests)
        if IS_ALONE:
            slurm.cancel_left(str(Path.cwd()), partial(print, file=sys.stderr))
    except UserError as error:
        raise SystemExit(f"Error: {error}") from None
    slurm.report_held(str(Path.cwd()), partial(print, file=sys.stderr, flush=True))


def keep_squeue():
    """Keep the plugin from using sacct while the controller is away.

    It would do so although the cluster has no accounting, and never hear of its jobs again.
    """
    import snakemake_executor_plugin_slurm as plugin

    available = plugin.is_query_tool_available
    plugin.is_query_tool_available = lambda tool: tool != "sacct" and available(tool)


def check_folders():
    """Stop if this run cannot write to one of its folders.

    `resources` may be read-only: finished frames are only read.
    """
    if not workflow.is_main_process:
        return
    folders = {
        workflow.pathvars.apply(f"<{name}>")
        for name in ("results", "logs", "benchmarks")
    }
    for folder in sorted(folders):
        try:
            check_access(folder)
        except UserError as error:
            raise SystemExit(f"Error: {error}") from None


def correct_times():
    """Bring inputs of jobs from the future to the present.

    A clock that was set back leaves them, and Snakemake refuses outputs that are older than inputs.
    """
    if not workflow.is_main_process:
        return
    changed = bring_to_present(
        {file for job in workflow.dag.jobs for file in job.input}
    )
    if changed:
        print(
            f"{len(changed)} files are from the future, such as {changed[0]}: the clock was set back."
            " They now have the present time.",
            file=sys.stderr,
        )


def estimate_disk_use():
    """Log what a run needs on disk, unless the frames exist already."""
    missing = [
        key for key in user_files.missing_files(config) if key.startswith("data.")
    ]
    manifest, table = rules.frames.input[0], rules.map_table.output[0]
    if not workflow.is_main_process or "demo" in config or missing:
        return
    if not Path(manifest).exists():
        files = inputs.files_by_split(config, ["annotations", "proposals"])
        job = {**settings.disk_settings(config), "files": files}
        path = write_settings(JOB_SETTINGS, "estimate_disk_use", job)
        options = f"--settings {path} --labels {shlex.quote(config['data']['labels'])}"
        folders = f"--frames {FRAMES} --results {Path(table).parent}"
        # A failed estimate does not stop the run.
        subprocess.run(
            f"python {command('estimate_disk_use')} {options} {folders}",
            shell=True,
            check=False,
        )


def repeat_errors(log):
    """Print the error of each failed job once more when Snakemake ends, below all else."""
    text = "".join(Path(file).read_text() for file in log)
    errors = describe_failures(text)
    atexit.register(print, "", *errors, sep="\n", file=sys.stderr, flush=True)


def is_result(folder):
    """Return whether a folder lies in that of the results, as the videos of the demo do not."""
    return Path(RESULTS) in folder.parents


def show_results():
    """Print where the results are that this run's targets include, below all else."""
    if not workflow.is_main_process:
        return
    results = {
        "mAP table": rules.map_table.output.table,
        "report": rules.report.output.page,
        "all keyframes": rules.report.output.browser,
    }
    made = {str(file) for job in workflow.dag.jobs for file in job.output}
    lines = [f"{name + ':':15}{file}" for name, file in results.items() if file in made]
    films = {Path(file).parent for file in made if file.endswith(".mp4")}
    lines += [f"{'films:':15}{folder}" for folder in sorted(films) if is_result(folder)]
    if lines:
        atexit.register(print, "", *lines, sep="\n", file=sys.stderr, flush=True)
