"""The long-term feature banks, built with the baseline unless the config names published ones.

in    the baseline's checkpoint, the manifest, a split's files
out   <results>/seed-{seed}/bank/{split}.zarr       a Zarr group, see lfb/bank/store.py
      <results>/seed-{seed}/bank/lfb_{split}.pkl    on request, as MMAction2 reads it

steps build each bank in pieces (config: bank.pieces) of some of the videos, and join the pieces. A
      finished piece is kept until they are joined, also if the run is interrupted
"""


rule build_bank_piece:
    """Compute the features of some of a split's videos."""
    input:
        keyframes="<results>/data/{split}-bank.npz",
        manifest="<results>/data/manifest.json",
        checkpoint="<results>/seed-{seed}/baseline/checkpoint.safetensors",
    output:
        temp(directory("<results>/seed-{seed}/bank/pieces/{split}-{scatteritem}.zarr")),
    log:
        "<logs>/seed-{seed}/bank/{split}-{scatteritem}.log",
    benchmark:
        "<benchmarks>/seed-{seed}/bank/{split}-{scatteritem}.tsv"
    conda:
        "../environment.yml"
    threads: 1 + config["workers"]
    resources:
        gpu=1,
        device=config["device"],
        workers=config["workers"],
        mem_mb=8000,
        runtime=240,
    params:
        *code("build_bank", ["baseline"]),
        program=program("build_bank"),
        settings=settings_file("build_bank", settings.bank_settings(config)),
    message:
        "{rule}: seed {wildcards.seed}, split {wildcards.split}, piece {wildcards.scatteritem}"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --keyframes {input.keyframes} --manifest {input.manifest} --checkpoint {input.checkpoint}"
        " --device {resources.device} --threads {threads} --workers {resources.workers}"
        " --split {wildcards.split} --piece {wildcards.scatteritem} --output {output}"


rule gather_bank:
    """Join the pieces of a split's bank."""
    input:
        pieces=gather.bank(
            "<results>/seed-{{seed}}/bank/pieces/{{split}}-{scatteritem}.zarr"
        ),
    output:
        directory("<results>/seed-{seed}/bank/{split}.zarr"),
    log:
        "<logs>/seed-{seed}/bank/{split}.log",
    wildcard_constraints:
        split=one_of(split for split in SPLITS if split not in PUBLISHED_BANKS),
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        *code("gather_bank"),
        program=program("gather_bank"),
    message:
        "{rule}: seed {wildcards.seed}, split {wildcards.split}"
    shell:
        "python {params.program} --log {log} {input.pieces} --output {output}"


rule export_bank:
    """Write a bank as MMAction2 does, if you ask for the file."""
    input:
        bank="<results>/seed-{seed}/bank/{split}.zarr",
    output:
        "<results>/seed-{seed}/bank/lfb_{split}.pkl",
    log:
        "<logs>/seed-{seed}/bank/export-{split}.log",
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=6000,
        runtime=60,
    params:
        *code("export_bank"),
        program=program("export_bank"),
    message:
        "{rule}: seed {wildcards.seed}, split {wildcards.split}"
    shell:
        "python {params.program} --log {log} --bank {input.bank} --output {output}"
