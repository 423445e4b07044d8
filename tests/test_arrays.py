"""Arrays on disk (.npy, .npz) as representative data."""

import hashlib
import json
import struct
import zipfile

import numpy as np
import pytest
from conftest import run_calib8
from support.small_onnx import save_image_classifier, save_two_inputs


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_image_classifier(tmp_path_factory.mktemp("model") / "small.onnx", size=16)


def export(model, data, folder, *arguments, status=0, calibrate=8):
    done = run_calib8(
        "export", model, "--dataset-dir", data, "--output-dir", folder, "--min-agreement", 0, "--json",
        "--num-calib-samples", calibrate, "--verify-samples", 4, *arguments,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)["dataset"] if status == 0 else done.stderr


def batch(count, seed=0, kind=np.float32):
    return np.random.default_rng(seed).normal(0, 1, (count, 16, 16, 3)).astype(kind)


def hash_of(array):
    return hashlib.sha256(np.ascontiguousarray(array, np.float32).tobytes()).hexdigest()


def check(dataset, arrays):
    """Each sample used has the hash of the float32 values that NumPy reads."""
    used = dataset["calibration"] + dataset["verification"]
    assert len(used) == 12 and len({sample["sha256"] for sample in used}) == 12
    for sample in used:
        assert sample["sha256"] == hash_of(arrays(sample["path"], sample["row"])), sample


KINDS = [np.float64, np.float16, ">f4", np.int8, np.uint8, ">i2", np.int64]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: np.dtype(kind).str)
def test_types(tmp_path, model, kind):
    array = (batch(12) * 40).astype(np.float64).clip(0 if np.dtype(kind).kind == "u" else -120, 120).astype(kind)
    np.save(tmp_path / "x.npy", array)
    dataset = export(model, tmp_path / "x.npy", tmp_path / "out")
    check(dataset, lambda path, row: array[row])


SPELLINGS = {
    "channels last": lambda array: array,
    "channels first": lambda array: np.ascontiguousarray(array.transpose(0, 3, 1, 2)),
    "fortran": np.asfortranarray,
    "fortran, channels first": lambda array: np.asfortranarray(array.transpose(0, 3, 1, 2)),
}


@pytest.mark.parametrize("how", ["npy", "npz", "compressed", "file a sample", "compressed, file a sample"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings(tmp_path, model, spelling, how):
    array = batch(20)
    data = tmp_path / "data"
    data.mkdir()
    written = SPELLINGS[spelling](array)
    if how == "npy":
        np.save(data / "x.npy", written)
    elif "file a sample" in how:
        for number, sample in enumerate(written):
            if "compressed" in how:
                np.savez_compressed(data / f"{number:02}.npz", sample)
            else:
                np.save(data / f"{number:02}.npy", sample)
    else:
        (np.savez if how == "npz" else np.savez_compressed)(data / "x.npz", image=written, other=np.arange(3))
    dataset = export(model, data, tmp_path / "out")
    assert dataset["layout"].startswith("arrays: flat folder")
    check(dataset, lambda path, row: array[int(path[:2]) if "file a sample" in how else row])


def test_the_same_model_as_by_the_python_interface(tmp_path, model):
    import calib8

    array = batch(12)
    np.save(tmp_path / "x.npy", array)
    dataset = export(model, tmp_path / "x.npy", tmp_path / "out")
    order = [sample["row"] for sample in dataset["calibration"] + dataset["verification"]]
    result = calib8.export(
        model, output_dir=tmp_path / "py", representative_data_gen=[array[[row]] for row in order], num_calib_samples=8,
        verify_samples=4, min_agreement=0.0,
    )  # fmt: skip
    assert result.tflite.read_bytes() == (tmp_path / "out" / "model.tflite").read_bytes()


def test_several_inputs_by_name(tmp_path):
    model = save_two_inputs(tmp_path / "two.onnx")
    generator = np.random.default_rng(3)
    first, second = generator.normal(size=(15, 6)), generator.normal(size=(15, 4)).astype(np.float32)
    np.savez(tmp_path / "x.npz", first=first, second=second)
    dataset = export(model, tmp_path / "x.npz", tmp_path / "out")
    values = [np.concatenate([first[i].astype(np.float32), second[i]]) for i in range(15)]
    check(dataset, lambda path, row: values[row])
    np.savez(tmp_path / "x.npz", first=first, other=second)
    assert "no array named 'second'" in export(model, tmp_path / "x.npz", tmp_path / "x", status=4)
    np.savez(tmp_path / "x.npz", first=first[:3], second=second)
    assert "different numbers of samples" in export(model, tmp_path / "x.npz", tmp_path / "x", status=4)


def test_classes_and_samples_again(tmp_path, model):
    for name in "ab":
        (tmp_path / "data" / "val" / name).mkdir(parents=True)
        np.save(tmp_path / "data" / "val" / name / "x.npy", batch(10, seed=ord(name)))
    dataset = export(model, tmp_path / "data", tmp_path / "out", "--dataset-type", "numpy")
    assert dataset["layout"] == "classification: val/<class>, 2 classes, 2 files"
    assert {sample["path"] for sample in dataset["calibration"]} == {"val/a/x.npy", "val/b/x.npy"}
    metadata = tmp_path / "out" / "model.tflite.quantization_metadata"
    again = export(model, tmp_path / "data", tmp_path / "again", "--samples-in", metadata)
    assert again["calibration"] == dataset["calibration"] and again["verification"] == dataset["verification"]
    np.save(tmp_path / "data" / "val" / "a" / "x.npy", batch(10, seed=77))
    assert "SHA-256" in export(model, tmp_path / "data", tmp_path / "x", "--samples-in", metadata, status=4)


def test_what_cannot_be_used_is_replaced(tmp_path, model):
    data = tmp_path / "data"
    data.mkdir()
    array = batch(20)
    array[3, 0, 0, 0] = np.nan
    array[4, 0, 0, 0] = np.inf
    array[5] = array[6]
    np.save(data / "x.npy", array)
    np.save(data / "wrong.npy", batch(4)[:, :8])
    dataset = export(model, data, tmp_path / "out", calibrate=20)
    assert dataset["calibration_samples"] == 17 and not dataset["held_out"]
    assert dataset["dropped_duplicates"] == 1
    skipped = {entry["path"]: entry["reason"] for entry in dataset["skipped"]}
    assert set(skipped) == {"x.npy[3]", "x.npy[4]", "wrong.npy"} and "doesn't fit" in skipped["wrong.npy"]


def npy(descr="<f4", shape="(2, 16, 16, 3)", data=bytes(4 * 2 * 768), order="False", version=1, extra=""):
    header = f"{{'descr': {descr if descr[0] == '[' else repr(descr)}, 'fortran_order': {order}, 'shape': {shape}, {extra}}}".encode()
    size = struct.pack("<H" if version == 1 else "<I", len(header) + 1)
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + b"\n" + data


HOSTILE = {
    "empty": (b"", "is not a .npy file"),
    "text": (b"\x93NUMPX" + bytes(100), "is not a .npy file"),
    "absurd shape": (npy(shape="(999999999999999, 16, 16, 3)"), "can't hold it"),
    "overflowing shape": (npy(shape="(4294967296, 4294967296, 4294967296, 4294967296)"), "can't hold it"),
    "huge number": (npy(shape="(99999999999999999999999,)"), "header is damaged"),
    "negative": (npy(shape="(-1, 16, 16, 3)"), "header is damaged"),
    "no elements": (npy(shape="(0, 16, 16, 3)"), "is empty"),
    "many dimensions": (npy(shape="(" + "1," * 50 + ")"), "more than 8 dimensions"),
    "objects": (npy(descr="|O"), "holds Python objects"),
    "records": (npy(descr="[('a', '<f4')]"), "holds records"),
    "complex": (npy(descr="<c8"), "is none of float"),
    "text array": (npy(descr="<U10"), "is none of float"),
    "expression": (npy(shape="__import__('os').system('true')"), "header is damaged"),
    "second key": (npy(extra="'shape': (1,)"), "header is damaged"),
    "other key": (npy(extra="'x': 1"), "header is damaged"),
    "order": (npy(order="1"), "header is damaged"),
    "cut header": (npy()[:40], "cut short"),
    "cut data": (npy()[:-1], "can't hold it"),
    "version": (npy(version=1).replace(b"NUMPY\x01", b"NUMPY\x09"), "unknown version"),
    "header of 4 GB": (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 5000, "absurdly long"),
    "other shape": (npy(shape="(2, 16, 48)"), "doesn't fit the model's input 'image' [1, 16, 16, 3]"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(tmp_path, model, name):
    content, message = HOSTILE[name]
    (tmp_path / "x.npy").write_bytes(content)
    assert message in export(model, tmp_path / "x.npy", tmp_path / "out", status=4)


@pytest.mark.parametrize("name", ["absurd shape", "objects", "cut data", "header of 4 GB"])
def test_hostile_in_an_archive(tmp_path, model, name):
    content, message = HOSTILE[name]
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("image.npy", content)
    assert message in export(model, tmp_path / "x.npz", tmp_path / "out", status=4)


def test_bomb(tmp_path, model):
    """12 GB of zeros in 12 MB, for an input of 3 KB: refused by its head; and a claim that isn't true."""
    import zlib

    head = npy(shape="(3, 16, 16, 4194304)", data=b"")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(head + bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    stored = block + zeros * 3000 + end
    for claimed in (len(head) + 3 * 16 * 16 * 4194304 * 4, 1 << 36, 5000):
        (tmp_path / "bomb.npz").write_bytes(archive(b"image.npy", stored, claimed))
        text = export(model, tmp_path / "bomb.npz", tmp_path / "out", status=4)
        assert any(words in text for words in ("doesn't fit", "over the limit", "can't hold it", "damaged")), text
    # The head fits, the rest is a bomb.
    head = npy(data=b"")
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    stored = packer.compress(head + bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH) + zeros * 3000 + end
    (tmp_path / "bomb.npz").write_bytes(archive(b"image.npy", stored, len(head) + 4 * 2 * 768))
    assert "damaged" in export(model, tmp_path / "bomb.npz", tmp_path / "out", status=4)


def archive(name, stored, size):
    """A ZIP archive of one deflated member that claims `size` bytes."""
    extra = struct.pack("<HHQQ", 1, 16, size, len(stored))
    fields = struct.pack("<HHHHIII", 0, 8, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF)
    local = b"PK\x03\x04" + struct.pack("<H", 45) + fields + struct.pack("<HH", len(name), len(extra)) + name + extra
    central = b"PK\x01\x02" + struct.pack("<HH", 45, 45) + fields + struct.pack("<HHHHHII", len(name), len(extra), 0, 0, 0, 0, 0)
    central += name + extra
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local) + len(stored), 0)
    return local + stored + central + end


def test_damaged_archive(tmp_path, model):
    np.savez(tmp_path / "x.npz", image=batch(12))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[2000] ^= 1
    (tmp_path / "x.npz").write_bytes(content)
    assert "checksum" in export(model, tmp_path / "x.npz", tmp_path / "out", status=4)
    (tmp_path / "x.npz").write_bytes(content[:-5])
    assert "truncated" in export(model, tmp_path / "x.npz", tmp_path / "out", status=4)
    np.savez(tmp_path / "x.npz", image=np.array([{}, None], object))
    assert "holds Python objects" in export(model, tmp_path / "x.npz", tmp_path / "out", status=4)
