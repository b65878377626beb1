"""The report: a page with all results and one to browse the keyframes, which open offline.

in    the table, and metrics, predictions, checkpoints and (if trained) histories of the models
out   <results>/report.html
      <results>/browse.html

step  draw the results, and run the models on single keyframes
"""


rule report:
    """Draw the results, and show the models' predictions for the keyframes."""
    input:
        unpack(users(validation_files, rule="report")),
        manifest="<results>/data/manifest.json",
        check="<results>/data/check.json",
        table="<results>/map_table.csv",
        bank=(
            f"<results>/seed-{SEEDS[0]}/bank/val.zarr"
            if any(map(has_bank, MODELS))
            else []
        ),
        metrics=of_models("metrics.json", SEEDS),
        histories=of_models("history.jsonl", SEEDS, TRAINED),
        predictions=of_models("predictions.npz", SEEDS[:1]),
        checkpoints=of_models("checkpoint.safetensors", SEEDS[:1]),
    output:
        page=report("<results>/report.html", category="Results"),
        browser=report("<results>/browse.html", category="Results"),
    log:
        "<logs>/report.log",
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=6000,
        runtime=30,
    params:
        *code("report", MODELS),
        *templates("lfb/report"),
        program=program("report"),
        settings=settings_file("report", settings.report_settings(config)),
        bank=bank_options("val"),
    message:
        "{rule}: write the pages"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --annotations {input.annotations:q}"
        " --excluded {input.excluded:q} --manifest {input.manifest} --check {input.check}"
        " --table {input.table} {params.bank} --metrics {input.metrics} --histories {input.histories}"
        " --predictions {input.predictions} --checkpoints {input.checkpoints} --output {output.page}"
        " --browser {output.browser}"
