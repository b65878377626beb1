"""The baseline: a model without a bank. Its features fill the banks.

in    <results>/data/manifest.json, the training split, and the validation split to watch the mAP
out   <results>/seed-{seed}/baseline/checkpoint.safetensors
      <results>/seed-{seed}/baseline/history.jsonl    metrics of each epoch, as they come

step  train the model `baseline`
"""


rule train_baseline:
    """Train the model without an operator."""
    input:
        keyframes="<results>/data/train-training.npz",
        manifest="<results>/data/manifest.json",
        weights=lambda wildcards: initial_weights("baseline"),
        validation=for_validation(
            "<results>/data/val-testing.npz", lambda wildcards: "baseline"
        ),
    output:
        checkpoint="<results>/seed-{seed}/baseline/checkpoint.safetensors",
        history="<results>/seed-{seed}/baseline/history.jsonl",
    log:
        "<logs>/seed-{seed}/baseline/train.log",
    benchmark:
        "<benchmarks>/seed-{seed}/baseline/train.tsv"
    conda:
        "../environment.yml"
    threads: 1 + config["workers"]
    resources:
        **on_each_node("train_baseline"),
        gpu=1,
        nodes=1,
        device=config["device"],
        workers=config["workers"],
        mem_mb=8000,
        runtime=1440,
    params:
        *code("train", ["baseline"]),
        program=program("train"),
        settings=settings_file("train", settings.training_settings(config, "baseline")),
        saving=saving(lambda wildcards: "baseline"),
        monitoring=monitoring(lambda wildcards: "baseline"),
    message:
        "{rule}: seed {wildcards.seed}"
    shell:
        # Without exec, SIGTERM ends the shell, and Snakemake does not wait until the training has saved.
        "exec python {params.program} --log {log} --settings {params.settings:q}"
        " --seed {wildcards.seed}"
        " --keyframes {input.keyframes} --manifest {input.manifest}"
        " --device {resources.device} --processes {resources.gpu} --nodes {resources.nodes}"
        " --threads {threads} --workers {resources.workers}{params.monitoring}{params.saving}"
        " --checkpoint {output.checkpoint} --history {output.history}"
