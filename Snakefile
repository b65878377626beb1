"""Long-Term Feature Banks for Detailed Video Understanding, from frames to the mAP table."""

from snakemake.utils import min_version

min_version("9.13")


include: "rules/common.smk"
include: "rules/locks.smk"
include: "rules/ancient.smk"
include: "rules/programs.smk"
include: "rules/hooks.smk"


scattergather:
    frames=config["frames"]["pieces"],
    people=config.get("detector", {}).get("pieces", 2),
    bank=config["bank"]["pieces"],
    predictions=config["inference"]["pieces"],


if "demo" in config:

    include: "rules/demo.smk"


include: "rules/fetch.smk"
include: "rules/exchange.smk"
include: "rules/check.smk"
include: "rules/frames.smk"
include: "rules/proposals.smk"
include: "rules/keyframes.smk"
include: "rules/published.smk"


if "baseline" in TRAINED:

    include: "rules/baseline.smk"


include: "rules/bank.smk"
include: "rules/lfb.smk"
include: "rules/scoring.smk"


if HEADS:

    include: "rules/heads.smk"


include: "rules/films.smk"
include: "rules/report.smk"
include: "rules/watch.smk"
include: "rules/verify.smk"
include: "rules/clean.smk"
include: "rules/targets.smk"


# A workflow that uses this one as a module has its own hooks instead.
onstart:
    run_started()
    check_folders()
    correct_times()
    check_device()
    check_slurm()
    estimate_disk_use()


onsuccess:
    show_results()


onerror:
    repeat_errors(log)


rule all:
    """The mAP table and the report."""
    default_target: True
    input:
        "<results>/map_table.csv",
        "<results>/report.html",
    message:
        "{rule}: the table and the report are ready"
