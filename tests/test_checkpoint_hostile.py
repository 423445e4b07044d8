"""Checkpoints that are damaged or made to harm: each is refused in one line, or read for what it is."""

import json
import random
import struct
import zipfile

import pytest
import torch
from support.checkpoint_files import MODEL_ERROR, inspect, read, refuse, rewrite, small_model

SIGNATURE_CENTRAL = b"PK\x01\x02"


@pytest.fixture(scope="module", params=[True, False], ids=["zip", "legacy"])
def saved(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model.pth"
    torch.save(
        {"model_state_dict": small_model().state_dict(), "config": {"arch": "x"}}, path,
        _use_new_zipfile_serialization=request.param,
    )  # fmt: skip
    return path.read_bytes(), request.param


def test_truncated(saved, tmp_path):
    content, _ = saved
    path = tmp_path / "model.pth"
    for i in range(64):
        path.write_bytes(content[: max(1, len(content) * i // 64)])
        refuse(path)


def test_flipped_bits(saved, tmp_path):
    """A flipped bit is refused, or hits what is not used: in an archive the tensors are then the same."""
    content, is_zip = saved
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    whole = read(path)
    seed = random.randrange(2**32)
    print("seed", seed)
    generator = random.Random(seed)
    for _ in range(100):
        damaged = bytearray(content)
        damaged[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        result = inspect(path)
        assert result.returncode in (0, MODEL_ERROR), (seed, result.stderr)
        if result.returncode == MODEL_ERROR:
            assert len(result.stderr.strip().splitlines()) == 1, result.stderr
        elif is_zip:
            assert json.loads(result.stdout)["tensors"] == whole["tensors"], seed


def test_wrong_checksum(tmp_path):
    path = tmp_path / "model.pth"
    torch.save(small_model().state_dict(), path)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        member = next(info for info in archive.infolist() if info.filename.endswith("data/0"))
        position = content.index(archive.read(member))
    content[position] ^= 1
    path.write_bytes(content)
    refuse(path, "data/0", "checksum")


def test_duplicate_member(tmp_path):
    path = tmp_path / "model.pth"
    with pytest.warns(UserWarning, match="Duplicate"):
        torch.save(small_model().state_dict(), path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("model/data.pkl", b"\x80\x02}.")
    refuse(path, "model/data.pkl", "twice")


def central_entries(content):
    position = content.index(SIGNATURE_CENTRAL)
    while content[position : position + 4] == SIGNATURE_CENTRAL:
        name, extra, comment = struct.unpack_from("<HHH", content, position + 28)
        yield position, content[position + 46 : position + 46 + name].decode()
        position += 46 + name + extra + comment


def test_overlapping_members(tmp_path):
    """Two directory entries that share the same bytes of the file."""
    path = tmp_path / "model.pth"
    state_dict = {"a": torch.ones(8), "b": torch.zeros(8)}
    torch.save(state_dict, path)
    rewrite(path, lambda name, content: content)
    content = bytearray(path.read_bytes())
    entries = {name: position for position, name in central_entries(content)}
    first, second = entries["model/data/0"], entries["model/data/1"]
    content[second : second + 46] = content[first : first + 46]
    path.write_bytes(content)
    refuse(path, "model/data/1")


@pytest.mark.parametrize("field", [20, 24, 42], ids=["stored size", "size", "offset"])
@pytest.mark.parametrize("value", [0, 1, 1000, 2**31, 2**32 - 2])
def test_lies_about_members(tmp_path, field, value):
    path = tmp_path / "model.pth"
    torch.save({"a": torch.ones(8)}, path)
    content = bytearray(path.read_bytes())
    entries = {name: position for position, name in central_entries(content)}
    struct.pack_into("<I", content, entries["model/data/0"] + field, value)
    path.write_bytes(content)
    refuse(path)


def test_sizes_that_lie(tmp_path):
    """The pickle claims more elements than the storage has, and strides that leave it."""
    path = tmp_path / "model.pth"
    for old, new in [(b"K\x20", b"K\x21"), (b"K\x08\x86", b"K\x09\x86"), (b"K\x01\x86", b"K\xff\x86")]:
        torch.save({"a": torch.ones(4, 8)}, path)
        changed = []

        def change(name, content, old=old, new=new, changed=changed):
            if name.endswith("data.pkl"):
                assert old in content
                changed.append(name)
                return content.replace(old, new)
            return content

        rewrite(path, change)
        assert changed
        refuse(path)


def test_expanded_bomb(tmp_path):
    path = tmp_path / "model.pth"
    torch.save({"a": torch.ones(1).expand(2**20, 2**20)}, path)
    refuse(path, '"a"', "repeated")


def archive_of(path, pickled):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickled)
        archive.writestr("model/version", b"3\n")
    return path


def test_deep_nesting(tmp_path):
    depth = 200000
    path = tmp_path / "model.pth"
    refuse(archive_of(path, b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."), "deep")
    refuse(archive_of(path, b"\x80\x02" + b"(" * depth + b"t" * depth + b"."), "deep")
    refuse(archive_of(path, b"\x80\x02)" + b"\x85" * depth + b"."), "deep")


def test_memo_bombs(tmp_path):
    path = tmp_path / "model.pth"
    config = b"\x80\x02}X\x06\x00\x00\x00config"
    # Each list holds the one before ten times.
    bomb = config + b"]q\x00"
    for level in range(60):
        bomb += b"0](" + (b"h" + bytes([level])) * 10 + b"eq" + bytes([level + 1])
    refuse(archive_of(path, bomb + b"s."), "memo bomb")
    # A memo index near 2^32 must not become an allocation of that size.
    refuse(archive_of(path, b"\x80\x02}r\xff\xff\xff\xff."), "state_dict")
    # A list that contains itself.
    refuse(archive_of(path, config + b"]q\x00h\x00as."), "state_dict")


@pytest.mark.parametrize(
    "pickled",
    [
        b"", b".", b"\x80", b"\x80\x06}.", b"\x80\x02}", b"\x80\x02}}.", b"\x80\x02(}.", b"\x80\x02h\x00.", b"\x80\x02s.",
        b"\x80\x02}NR.", b"\x80\x02NNb.", b"\x80\x02ccollections\nOrderedDict\nNR.", b"\x80\x02X\xff\xff\xff\xffa.",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffa.", b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f}.",
        b"\x80\x02\x8b\xff\xff\xff\xff.", b"(iposix\nsystem\n.", b"(cposix\nsystem\no.", b"\x82\x01.", b"\x97.", b"\x80\x02Na.",
    ],
)  # fmt: skip
def test_malformed_pickles(tmp_path, pickled):
    refuse(archive_of(tmp_path / "model.pth", pickled))


def test_compressed_member(tmp_path):
    path = tmp_path / "model.pth"
    torch.save(small_model().state_dict(), path)
    with zipfile.ZipFile(path) as source:
        members = [(name, source.read(name)) for name in source.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members:
            target.writestr(name, content)
    refuse(path, "compressed")
