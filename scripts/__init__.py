"""One thin program a rule: parse, call the library, write. Run as ``python -m scripts.NAME``."""
