"""The check of all results, on request: `snakemake --cores all verify`.

in    everything that the other stages have written. Nothing is declared as an input, because the
      check must not make anything again
out   nothing

step  read every file; list what is missing, damaged or made from something else
"""


rule verify:
    """Check that all results are undamaged and belong together."""
    log:
        "<logs>/verify.log",
    conda:
        "../environment.yml"
    threads: 8
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        program=program("verify"),
        settings=settings_file(
            "verify",
            {
                **settings.verification_settings(config),
                "files": {
                    split: {
                        kind: path and workflow.pathvars.apply(path)
                        for kind, path in inputs.selection_files(
                            config, split, f"<results>/data/{split}-proposals.pkl"
                        ).items()
                    }
                    for split in SPLITS
                },
                "check": {
                    **settings.check_settings(config),
                    "labels": config["data"]["labels"],
                    "files": inputs.files_by_split(config, CHECKED),
                },
            },
        ),
        results=RESULTS,
    message:
        "{rule}: read all results"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --results {params.results:q} --threads {threads}"
