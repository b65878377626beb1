"""Tests of lfb.files.remote_file."""

import subprocess
import sys
from pathlib import Path

import pytest

from lfb.files.remote_file import RemoteFile, fetched_paths, unpack_command, unpacked_paths

URL = "https://example.org/files/a%20b.rar"


@pytest.mark.parametrize(
    ("entry", "fetched", "unpacked"),
    [
        ({"url": URL, "to": "x"}, ["x/a b.rar"], []),
        ({"url": URL, "to": "x", "members": ["c", "d"]}, ["x/c", "x/d"], []),
        ({"url": URL, "to": "x", "unrar": ["e"]}, ["x/a b.rar"], ["x/e"]),
        ({"list": URL, "url": "https://example.org/{name}", "to": "x"}, ["x"], []),
    ],
)
def test_an_entry_names_the_files_that_it_gives(entry, fetched, unpacked):
    assert fetched_paths(entry) == [Path(path) for path in fetched]
    assert unpacked_paths(entry) == [Path(path) for path in unpacked]


def test_the_unpack_command_names_the_archive_and_the_folder():
    assert unpack_command({"url": URL, "to": "x", "unrar": ["e"]}) == "unrar e x/a b.rar x/"


def test_size_and_digest_of_a_file_are_kept():
    entry = {"url": URL, "to": "x", "bytes": 3, "sha256": "ab", "members": ["c"]}
    assert RemoteFile.from_entry(entry) == RemoteFile(URL, Path("x"), 3, "ab", ("c",))
    assert RemoteFile.from_entry({"url": URL, "to": "x"}) == RemoteFile(URL, Path("x"))


def test_the_config_reads_entries_without_loading_the_network_library():
    code = (
        "import sys, lfb.files.remote_file, lfb.config.settings; print('requests' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"
