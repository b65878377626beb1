"""Tests of lfb.models.by_name."""

import pytest

from lfb.errors import UserError
from lfb.models.backbones import Backbone
from lfb.models.backbones.slowonly import SlowOnly
from lfb.models.by_name import class_in


def test_a_name_is_a_file_and_its_subclass():
    assert class_in("lfb.models.backbones", "slowonly", Backbone) is SlowOnly


def test_a_missing_file_is_an_error():
    with pytest.raises(UserError, match=r"no backbone 'vit'; add it in .*/backbones/vit\.py\."):
        class_in("lfb.models.backbones", "vit", Backbone)


def test_a_file_without_a_subclass_is_an_error():
    with pytest.raises(UserError, match=r"blocks\.py: define one subclass .* it has none\."):
        class_in("lfb.models.backbones", "blocks", Backbone)


def test_a_missing_package_inside_a_file_is_reported_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("import no_such_package")
    monkeypatch.setattr("lfb.models.backbones.__path__", [str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        class_in("lfb.models.backbones", "broken", Backbone)
