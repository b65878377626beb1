"""Tests of lfb.exchange.names."""

from lfb.exchange.names import is_person, names_no_action


def test_names_of_no_action() -> None:
    assert all(map(names_no_action, ["", " Person ", "__undefined__", "none", "pedestrian"]))
    assert not any(map(names_no_action, ["sit", "talk to a person"]))


def test_names_that_say_who_a_person_is() -> None:
    assert all(map(is_person, ["person", "Person ID", "person_id", "track_id"]))
    assert not any(map(is_person, ["id", "personality"]))
