"""Model files: the same bytes for the same model, and refused unless whole."""

import json
import pickle
import zipfile

import numpy as np
import pytest

from projects.common import files
from projects.common.errors import ProjectError
from projects.common.model_file import FORMAT, KEY, load_model, save_model, what_is

ARRAYS = {"W1": np.arange(6, dtype=np.float32).reshape(2, 3), "b1": np.zeros(3), "words": np.array([97], np.uint8)}
SETTINGS = {"seed": 1, "features": ["a", "é"]}


@pytest.fixture
def path(tmp_path):
    save_model(tmp_path / "m.safetensors", "bikes", ARRAYS, SETTINGS)
    return tmp_path / "m.safetensors"


def test_what_was_saved_comes_back(path):
    arrays, settings = load_model(path, "bikes")
    assert settings == SETTINGS
    assert set(arrays) == set(ARRAYS)
    for name, array in arrays.items():
        assert array.dtype == ARRAYS[name].dtype
        np.testing.assert_array_equal(array, ARRAYS[name])


def test_the_same_model_gives_the_same_bytes(path, tmp_path):
    save_model(tmp_path / "again", "bikes", dict(reversed(ARRAYS.items())), dict(reversed(SETTINGS.items())))
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_fault_13_every_changed_byte_and_every_truncation_is_refused(path):
    whole = path.read_bytes()
    for i in range(len(whole)):
        for changed in (whole[:i] + bytes([whole[i] ^ 0x11]) + whole[i + 1 :], whole[:i]):
            path.write_bytes(changed)
            with pytest.raises(ProjectError, match=r"m\.safetensors"):
                load_model(path, "bikes")


def rewritten(path, **changes):
    """The model with changes in its header, its checksum left as it is."""
    from safetensors.numpy import load_file, save_file

    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"][KEY]
    save_file(load_file(path), path, metadata={KEY: json.dumps(json.loads(header) | changes, sort_keys=True)})


def test_fault_14_it_is_said_what_a_file_is_instead(path):
    with zipfile.ZipFile(path.with_name("zip"), "w") as archive:
        archive.writestr("a", "b")
    contents = {
        b"": "empty",
        pickle.dumps([1]): "a pickle, which could run code",
        path.with_name("zip").read_bytes(): "a zip file",
        b"hello, this is text": "a text file",
        bytes(8) + b"\0garbage": "damaged or not a model",
    }
    for content, words in contents.items():
        path.write_bytes(content)
        with pytest.raises(ProjectError, match=words):
            load_model(path, "bikes")


def test_fault_12_a_missing_model_says_what_to_run_first(tmp_path):
    with pytest.raises(ProjectError, match=r"no model at .*nowhere: run `sentiment train` first"):
        load_model(tmp_path / "nowhere", "sentiment")


def test_fault_14_other_and_newer_models_are_told_apart(path):
    with pytest.raises(ProjectError, match=r"is a model of `bikes`, not of `sentiment`"):
        load_model(path, "sentiment")
    rewritten(path, settings={"seed": 2})
    with pytest.raises(ProjectError, match="checksum does not match"):
        load_model(path, "bikes")
    for number, age in ((FORMAT + 1, "newer"), (FORMAT - 1, "older")):
        rewritten(path, format=number)
        with pytest.raises(ProjectError, match=f"format {number}, {age} than this program's {FORMAT}"):
            load_model(path, "bikes")


def test_fault_15_weights_that_are_no_numbers_are_refused_by_name(path):
    save_model(path, "bikes", ARRAYS | {"b1": np.array([1.0, np.nan])}, SETTINGS)
    with pytest.raises(ProjectError, match="NaN or infinity in b1"):
        load_model(path, "bikes")


def test_fault_14_a_foreign_safetensors_file_is_refused(path):
    from safetensors.numpy import save_file

    save_file(ARRAYS, path)
    with pytest.raises(ProjectError, match="not a model of this program"):
        load_model(path, "bikes")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_save_leaves_the_old_file_whole(path, monkeypatch, step):
    before = path.read_bytes()

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, step, fail)
    with pytest.raises(ProjectError, match=r"No space left on device; choose another folder with --run"):
        save_model(path, "bikes", ARRAYS, {"seed": 2})
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_file_cut_short_is_called_damaged_whatever_the_length_of_its_header(tmp_path):
    """A header of 896 bytes has a length whose first byte is the mark of a pickle."""
    path = tmp_path / "model.safetensors"
    path.write_bytes((896).to_bytes(8, "little") + b'{"a":1}' + b"\0" * 20)
    assert path.read_bytes()[:1] == b"\x80"
    assert "damaged" in what_is(path)
    path.write_bytes(b"\x80\x04K\x01." + b"\0" * 20)
    assert "a pickle" in what_is(path)
