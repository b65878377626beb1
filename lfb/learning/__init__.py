"""Training and running models.

``jobs`` and ``person_detection`` have the work of the programs. Below them are ``clips`` (what a
network sees), ``training`` with ``optimizer`` and ``resume``, ``inference``, and the processes and
devices of a job: ``launch``, ``team``, ``gpus`` and ``memory``.

It imports packages above it in the list of ``lfb/__init__.py``. ``report`` imports it.
"""
