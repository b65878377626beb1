"""The long-term feature banks of both splits, made by the baseline.

in    the baseline's checkpoint, the manifest, a split's files
out   <results>/seed-{seed}/bank/{split}.zarr    a Zarr group, see lfb/bank.py

Each bank is built in pieces (config: bank.pieces), each of them some of the videos, so that a
piece once done is not done again.
"""


rule build_bank_piece:
    """Computes the features of some of a split's videos."""
    input:
        keyframes="<results>/data/{split}-bank.npz",
        manifest="<results>/data/manifest.json",
        checkpoint="<results>/seed-{seed}/baseline/checkpoint.safetensors",
        code=code("scripts/build_bank.py"),
    output:
        directory("<results>/seed-{seed}/bank/pieces/{split}-{scatteritem}.zarr"),
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
        settings=as_json(settings.bank_settings(config)),
    shell:
        "python -m scripts.build_bank --log {log} --settings {params.settings:q}"
        " --keyframes {input.keyframes} --manifest {input.manifest} --checkpoint {input.checkpoint}"
        " --device {resources.device} --threads {threads} --workers {resources.workers}"
        " --split {wildcards.split} --piece {wildcards.scatteritem} --output {output}"


rule gather_bank:
    """Puts the pieces of a split's bank together."""
    input:
        pieces=gather.bank(
            "<results>/seed-{{seed}}/bank/pieces/{{split}}-{scatteritem}.zarr"
        ),
        code=code("scripts/gather_bank.py"),
    output:
        directory("<results>/seed-{seed}/bank/{split}.zarr"),
    log:
        "<logs>/seed-{seed}/bank/{split}.log",
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=60,
    shell:
        "python -m scripts.gather_bank --log {log} {input.pieces} --output {output}"
