"""Annotation tools: their exports become the files that the config's `data` names.

in    the files under `annotation_tools.exports`
out   the label list, annotations, and proposals or detections under `data`. They are not outputs of a
      rule: Snakemake deletes outputs before it runs a job again, and these files may be the user's own
      <resources>/imported.json, which remembers what an import wrote

step  read the exports, list all errors, write the files. No other stage runs this one
"""


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
