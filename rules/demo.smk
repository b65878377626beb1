"""The demo data set: the files that the config's `data` names, made from a seed.

in    nothing
out   videos, annotations, excluded seconds, proposals and the label list, in AVA's formats

step  film a game of Simon says. This stage exists only if the config has a `demo` section; all later
      stages treat the files as they treat AVA's
"""


rule demo_data:
    """Film the game of Simon says and write its annotations."""
    output:
        videos=directory(config["data"]["videos"]),
        labels=config["data"]["labels"],
        train=[
            config["data"]["train"][key]
            for key in ("annotations", "excluded", "proposals")
        ],
        val=[
            config["data"]["val"][key]
            for key in ("annotations", "excluded", "proposals")
        ],
    log:
        "<logs>/demo_data.log",
    benchmark:
        "<benchmarks>/demo_data.tsv"
    localrule: True
    conda:
        "../environment.yml"
    threads: 8
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        *code("demo_data"),
        program=program("demo_data"),
        settings=settings_file(
            "demo_data", {"demo": config["demo"], **settings.data_settings(config)}
        ),
    message:
        "{rule}: film the game of Simon says"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --videos {output.videos} --labels {output.labels} --train {output.train}"
        " --val {output.val} --processes {threads}"
