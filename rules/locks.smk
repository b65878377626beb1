"""Two runs never make the same files at the same time, and a killed run needs no --unlock.

Snakemake lists the files of a run in .snakemake/locks, and refuses a second run that makes one of
them. A killed Snakemake leaves its list. The next run deletes it, if no run is alive.
"""

from lfb.files.disk import explain_disk_error
from lfb.files.locks import RunLock

RUN_LOCK = None
IS_ALONE = False  # whether no other run is alive in this folder


def begin_run():
    """Wait while another run starts in this folder, and delete the lists of killed runs."""
    global RUN_LOCK, IS_ALONE
    # A workflow that uses this one as a module keeps Snakemake's own behaviour.
    if not workflow.is_main_process or not workflow.modifier.is_main_snakefile():
        return
    try:
        RUN_LOCK = RunLock(".snakemake/lfb")
        others = RUN_LOCK.begin(waiting=say_waiting)
    except OSError as error:
        raise SystemExit(
            f"Error: {explain_disk_error(error, '.snakemake') or error}"
        ) from None
    IS_ALONE = others is False
    if IS_ALONE:
        for file in Path(".snakemake/locks").glob("*.lock"):
            file.unlink(missing_ok=True)
    if others:
        print(
            "Another Snakemake is running in this folder. Do not use --unlock until it has ended.",
            file=sys.stderr,
        )


def say_waiting(holder):
    """Print for which process this one waits."""
    print(
        f"Another Snakemake starts in this folder ({holder}); waiting for it.",
        file=sys.stderr,
    )


def run_started():
    """Let other runs start, and be alive until this process ends."""
    if RUN_LOCK:
        RUN_LOCK.started()


begin_run()
