"""The config: read, checked, and split into what each job depends on.

    layers        config files and their bases, merged into one config
    checks        the errors of a config, all together, and its defaults
    schema        what config/schema.yaml says about a config
    settings      the part of the config that each job depends on
    job_settings  the files that pass this part to the jobs
    inputs        the files of the data, as the rules name them
    watch         the films to watch, and what their jobs depend on
    user_files    the files that the user provides, and which of them are missing

Snakemake imports this package whenever it reads the Snakefile. So it may import ``lfb.files`` and
the modules at the root of ``lfb`` only, and nothing heavy such as torch, numpy or pandas.
"""
