"""Check that the files of finished results are undamaged and belong together.

``walk`` goes through the results of a config, and lists what does not fit. ``frames``, ``models``
and ``scores`` check one kind of file each.
"""
