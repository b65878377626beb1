"""Train and run models.

``jobs`` and ``person_detection`` do the work of the programs. They use ``clips`` (what a network
sees), ``training`` with ``optimizer`` and ``resume``, ``inference``, and the processes and devices
of a job: ``launch``, ``team``, ``gpus`` and ``memory``.
"""
