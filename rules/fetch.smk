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
            settings=as_json(settings.fetch_settings(config, [kind])),
        shell:
            "python -m scripts.fetch --log {log} --settings {params.settings:q} --threads {threads}"


rule fetch:
    """Fetches everything."""
    log:
        "<logs>/fetch.log",
    localrule: True
    conda:
        "../environment.yml"
    threads: 8
    params:
        settings=as_json(settings.fetch_settings(config, config.get("fetch", {}))),
    shell:
        "python -m scripts.fetch --log {log} --settings {params.settings:q} --threads {threads}"
