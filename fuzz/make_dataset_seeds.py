"""Writes one small file of each kind that dataset_fuzz reads into fuzz/corpus/dataset/, its kind in the first byte.

Needs NumPy. Run from anywhere; the files are the same every time.
"""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "corpus" / "dataset"
ARRAY = np.arange(24, dtype=np.float32).reshape(4, 2, 3)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(name: bytes, content: bytes, deflate: bool) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    stored = packer.compress(content) + packer.flush() if deflate else content
    fields = struct.pack("<HHHHIII", 0, 8 * deflate, 0, 33, zlib.crc32(content), len(stored), len(content))
    local = b"PK\x03\x04\x14\0" + fields + struct.pack("<HH", len(name), 0) + name + stored
    central = b"PK\x01\x02\x14\0\x14\0" + fields + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    return local + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)


def seeds() -> dict[str, tuple[int, bytes]]:
    coco = {
        "images": [{"id": 3, "file_name": "1.jpg", "width": 10, "height": 20}],
        "annotations": [{"image_id": 3, "category_id": 1, "bbox": [1, 2, 3.5, 4], "segmentation": [[1, 2]]}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    entry = {"path": "1.jpg", "sha256": "ab", "row": 1, "path_hex": "61ff"}
    return {
        "yaml": (0, b"path: .\ntrain: x\nval: [images/val, val.txt]\nnames: {0: &a cat, 1: *a}\n"),
        "yaml_list": (0, b"val: ../images/val\nnames: [a, b]\ndownload: |\n  no\n"),
        "coco": (1, json.dumps(coco).encode()),
        "csv": (2, b'id,path,label\n1,"images/val/1.jpg","a ""b"""\n2,x.jpg,c\n'),
        "csv_numbers": (2, b"images/val/1.jpg,3\nx.jpg,0\n"),
        "lines": (3, b"\xef\xbb\xbfimages/val/1.jpg 3\r\n./x.jpg 1\n"),
        "npy": (4, npy(ARRAY)),
        "npy_half_fortran": (4, npy(np.asfortranarray(ARRAY.astype(">f2")))),
        "npz": (5, npz(b"image.npy", npy(ARRAY), False)),
        "npz_deflated": (5, npz(b"image.npy", npy(ARRAY.astype(np.int16)), True)),
        "metadata": (6, json.dumps({"dataset": {"calibration": [entry], "verification": ["2.jpg"]}}).encode()),
        "list": (6, b'["1.jpg", "2.jpg", "3.jpg"]'),
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (kind, content) in seeds().items():
        (FOLDER / name).write_bytes(bytes([kind]) + content)
