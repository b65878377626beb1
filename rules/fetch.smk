"""Downloads on request: the files that the config's `fetch` names.

in    the addresses under `fetch`
out   the files at the paths given there. They are not outputs of a rule: Snakemake deletes outputs
      before it runs a job again, and these files may be the user's own

step  download the missing files. No other stage runs this one
"""

# A target for each kind of file: `snakemake --cores 8 fetch_videos`.
for kind in config.get("fetch", {}):

    rule:
        name:
            f"fetch_{kind}"
        log:
            f"<logs>/fetch_{kind}.log",
        localrule: True
        conda:
            "../environment.yml"
        threads: 8
        params:
            program=program("fetch"),
            settings=settings_file("fetch", settings.fetch_settings(config, [kind])),
        message:
            "{rule}: download the files that are missing"
        shell:
            "python {params.program} --log {log} --settings {params.settings:q} --threads {threads}"


rule fetch:
    """Download everything that `fetch` names."""
    log:
        "<logs>/fetch.log",
    localrule: True
    conda:
        "../environment.yml"
    threads: 8
    params:
        program=program("fetch"),
        settings=settings_file(
            "fetch", settings.fetch_settings(config, config.get("fetch", {}))
        ),
    message:
        "{rule}: download all files that are missing"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q} --threads {threads}"
