"""Long-Term Feature Banks for Detailed Video Understanding, from frames to the mAP table."""

from snakemake.utils import min_version

min_version("9.13")


include: "rules/common.smk"


scattergather:
    bank=config["bank"]["pieces"],
    people=config.get("detector", {}).get("pieces", 2),


if "demo" in config:

    include: "rules/data.smk"


include: "rules/fetch.smk"
include: "rules/frames.smk"
include: "rules/proposals.smk"
include: "rules/published.smk"


if "baseline" in TRAINED:

    include: "rules/baseline.smk"


include: "rules/bank.smk"
include: "rules/lfb.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"


onstart:
    # A cluster's jobs find their GPUs where they run; here one has to be at hand.
    if (
        config["device"] == "cuda"
        and workflow.is_main_process
        and workflow.local_exec
    ):
        shell("python -m scripts.check_device --device cuda")
    if workflow.is_main_process:
        tell_disk_need()


rule all:
    """The mAP table and the report."""
    default_target: True
    input:
        "<results>/map_table.csv",
        "<results>/report.html",


rule frames:
    """The frames of all videos, checked."""
    input:
        "<results>/data/manifest.json",


rule proposals:
    """The detected people of all splits, and how many of the annotated ones they are."""
    input:
        expand(
            "<results>/data/{split}-recall.json",
            split=splits_from("proposals", "detections", "detector"),
        ),


rule banks:
    """The feature banks of all splits."""
    input:
        expand(
            "<results>/seed-{seed}/bank/{split}.zarr",
            seed=SEEDS,
            split=SPLITS,
        ),
