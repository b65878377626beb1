"""Annotation tools: exports become the files that `data` names, and predictions go back, on request.

in    the files under `annotation_tools.exports`; a model's predictions
out   the label list, annotations, and proposals or detections under `data`. They are not outputs of a
      rule: Snakemake deletes outputs before it runs a job again, and these files may be the user's own
      <resources>/imported.json      which files an import wrote
      <results>/seed-{seed}/{model}/cvat.zip, label_studio.zip    to correct predictions in a tool

steps read the exports, list all errors, write the files; write the predictions for a tool
"""

THRESHOLD = config["annotation_tools"]["threshold"]


rule import_annotations:
    """Convert the exports of annotation tools, if you ask for it."""
    log:
        "<logs>/import_annotations.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        program=program("import_annotations"),
        settings=settings_file("import_annotations", settings.import_settings(config)),
        record=workflow.pathvars.apply("<resources>/imported.json"),
    message:
        "{rule}: convert exports of annotation tools"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --record {params.record:q}"


rule export_predictions:
    """Write predictions for an annotation tool, if you ask for the file."""
    input:
        predictions="<results>/seed-{seed}/{model}/predictions.npz",
        labels=lambda wildcards: required(config["data"]["labels"]),
        thresholds=THRESHOLD if isinstance(THRESHOLD, str) else [],
    output:
        "<results>/seed-{seed}/{model}/{tool}.zip",
    log:
        "<logs>/seed-{seed}/{model}/{tool}.log",
    wildcard_constraints:
        tool="cvat|label_studio",
    localrule: True
    conda:
        "../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=lambda wildcards: code("export_predictions"),
        program=program("export_predictions"),
        settings=settings_file("export_predictions", settings.export_settings(config)),
    message:
        "{rule}: seed {wildcards.seed}, model {wildcards.model}, for {wildcards.tool}"
    shell:
        "python {params.program} --log {log} --settings {params.settings:q}"
        " --predictions {input.predictions} --labels {input.labels:q}"
        " --thresholds {input.thresholds:q} --model {wildcards.model} --tool {wildcards.tool}"
        " --output {output}"
