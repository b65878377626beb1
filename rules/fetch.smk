"""Getting the data: what the config's `fetch` names, brought on request.

in    the addresses under `fetch`
out   the files at the places given there, none of them an output of a rule: Snakemake deletes
      outputs before it makes them anew, and these may be the user's own

No other rule asks for this.
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
    """Fetches everything."""
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
