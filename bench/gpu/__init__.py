"""Check and measure this project on a GPU: ``python -m bench.gpu --output FOLDER``.

Each part is one module and runs in a process of its own, so that a part that crashes or hangs does
not stop the others. ``parts`` lists them. All parts also run on the CPU with ``--device cpu
--tiny``, which proves that they work before there is a GPU.
"""
