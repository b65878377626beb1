"""The check of the data: all errors are listed here, before any work begins.

in    the annotation files and videos (or folders of frames) that the config's `data` names
out   <results>/data/check.json                    what the data set contains, and warnings
      <results>/data/valid/{split}-{kind}.csv      with `data.invalid_keyframes: drop`: your files
                                                   without the keyframes that have errors or no
                                                   frame. Later jobs read these in place of yours

steps read every annotation file, and find the frames of every video; leave keyframes out
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
                **settings.check_settings(config),
                "files": inputs.files_by_split(config, CHECKED),
            },
        ),
    message:
        "{rule}: read the annotations and open the videos"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --labels {input.labels:q} --output {output}"


rule leave_out:
    """Copy a file without the keyframes that have errors or no frame, if the config says so."""
    input:
        unpack(users(file_of_kind, rule="leave_out")),
        check="<results>/data/check.json",
        manifest="<results>/data/manifest.json",
    output:
        "<results>/data/valid/{split}-{kind}.csv",
    log:
        "<logs>/leave_out-{split}-{kind}.log",
    wildcard_constraints:
        kind=one_of(sorted(inputs.COPIED)),
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        *code("leave_out"),
        program=program("leave_out"),
    message:
        "{rule}: {wildcards.kind} of split {wildcards.split}"
    shell:
        "python {params.program} --log {log} --check {input.check} --split {wildcards.split}"
        " --kind {wildcards.kind} --source {input.source:q} --manifest {input.manifest}"
        " --output {output}"
