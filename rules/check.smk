"""The check of the data: all errors are listed here, before any work begins.

in    the annotation files and videos (or folders of frames) that the config's `data` names
out   <results>/data/check.json    what the data set contains, and warnings

step  read every annotation file, and open every video
"""

CHECKED = ["annotations", "excluded", "proposals", "detections"]


rule check_data:
    """Check every annotation file and every video."""
    input:
        unpack(users(data_files(*CHECKED), rule="check_data")),
    output:
        "<results>/data/check.json",
    log:
        "<logs>/check_data.log",
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        *code("check_data"),
        program=program("check_data"),
        settings=settings_file(
            "check_data",
            {
                **settings.data_settings(config),
                "files": inputs.files_by_split(config, CHECKED),
            },
        ),
    message:
        "{rule}: read the annotations and open the videos"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --output {output}"
