"""One thin program per rule: it adds its arguments, then calls the library with them.

Run a program from any folder as ``python path/to/scripts NAME``. ``NAME.py`` defines
``add_arguments(parser)`` and ``run(arguments)``.
"""
