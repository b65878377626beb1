"""Train and run models.

``jobs`` and ``person_detection`` do the work of the programs. They use ``clips`` (what a network
sees), ``heads`` (which see features of people instead), ``lookup`` (of windows in the bank),
``training`` with ``optimizer`` and ``resume``, the ``kept`` trainings and which of them another one
is ``continuing``, ``monitoring`` with ``board``, which watch a training and change nothing,
``inference``, and the processes and devices of a job: ``launch``, ``team``, ``gpus`` and
``memory``.
"""
