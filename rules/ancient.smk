"""Snakemake overlooks that a job has to run again if one of its ancient inputs is made again.

It does not look at the jobs below one that runs, because they run too. But a job runs not because of
ancient inputs. So it has to be looked at, for example for changed params.
"""

from snakemake.dag import DAG

follow_all = DAG.bfs


class WithoutAncient:
    """The jobs that run because another one runs: those below it that take more than ancient files."""

    def __init__(self, depending):
        self._depending = depending

    def __getitem__(self, job):
        return {
            below: files
            for below, files in self._depending[job].items()
            if not all(file.is_ancient for file in files)
        }


def follow(dag, direction, *jobs, **options):
    """Return the jobs in a direction, without those that are reached by ancient files only."""
    if direction is dag.depending:
        direction = WithoutAncient(direction)
    return follow_all(dag, direction, *jobs, **options)


DAG.bfs = follow
