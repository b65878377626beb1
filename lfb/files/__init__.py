"""Files: written whole or not at all, csv tables, pickles read without running them, downloads.

Imports nothing of the project but ``lfb.errors``."""
