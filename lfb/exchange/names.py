"""Names that annotation tools use: which are actions, and which say who a person is."""

_NO_ACTION = {"", "__undefined__", "none", "person", "people", "pedestrian"}
_PERSON = {"person", "person_id", "personid", "track_id"}


def names_no_action(name: str) -> bool:
    """Return whether a label or option is no action, such as ``person`` or ``none``."""
    return name.strip().lower() in _NO_ACTION


def is_person(name: str) -> bool:
    """Return whether an attribute says who a person is, such as ``person`` or ``Person ID``."""
    return name.strip().lower().replace(" ", "_") in _PERSON
