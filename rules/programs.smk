"""How rules start the programs of scripts/: command, settings and tracked code."""

from lfb.code_digest import MONITORING, digests
from lfb.config.job_settings import write_settings
from lfb.files.digests import digest

# Snakemake replaces <name> in files only, not in params.
FRAMES = workflow.pathvars.apply("<resources>/frames")
RESULTS = workflow.pathvars.apply("<results>")
JOB_SETTINGS = workflow.pathvars.apply("<logs>/settings")


def program(name):
    """Return a params function: the arguments with which `python` runs a program.

    Snakemake ignores the result when it compares params, because the function takes `input`.
    Otherwise all jobs would run again after you move the project.
    """
    return lambda wildcards, input: command(name)


def command(name):
    """Return the arguments with which `python` runs a program, quoted for the shell."""
    folder = "scripts" if Path.cwd() == ROOT else str(ROOT / "scripts")
    return f"{shlex.quote(folder)} {name}"


def settings_file(rule, content):
    """Return a params function: the settings file of a job.

    `content` is the job's part of the config, or a function that gets the wildcards and returns it.
    """
    return lambda wildcards: write_settings(
        JOB_SETTINGS, rule, content(wildcards) if callable(content) else content
    )


def monitoring(model):
    """Return a params function: the option that says how to watch a training.

    Snakemake ignores the result when it compares params, because the function takes `input`.
    """

    def option(wildcards, input):
        files = inputs.split_files(config, "val")
        chosen = {
            **settings.monitoring_settings(config, model(wildcards)),
            "files": {
                "keyframes": input.validation,
                "bank": input.get("validation_bank"),
                "labels": files["labels"],
                "annotations": workflow.pathvars.apply(files["annotations"]),
                "excluded": files["excluded"] or None,
            },
        }
        return f" --monitoring {write_settings(JOB_SETTINGS, 'monitoring', chosen)}"

    return option


def code(program, models=()):
    """Return params: every file that a program runs for some models, with a digest of its code.

    A job runs again when one of them changes, and Snakemake's reason names those that changed. The
    code that watches a training counts only if it decides which epoch the model takes.
    """
    built = [settings.model_settings(config, model) for model in models]
    decides = any(settings.takes_best(config, model) for model in models)
    found = digests(f"scripts/{program}.py", built, None if decides else MONITORING)
    return [f"{file} {value[:12]}" for file, value in found.items()]


def model_code(program):
    """Return a params function: the files that a program runs only for the rule's model."""
    common = code(program)
    return lambda wildcards: [
        file for file in code(program, [wildcards.model]) if file not in common
    ]


def templates(folder):
    """Return params: the templates, styles and scripts of a package, with a digest of their content."""
    files = [
        path
        for kind in ("j2", "css", "js")
        for path in (ROOT / folder).glob(f"*.{kind}")
    ]
    return [f"{path.relative_to(ROOT)} {digest(path)[:12]}" for path in sorted(files)]
