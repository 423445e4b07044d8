"""Writes the seeds of safetensors_fuzz into fuzz/corpus/safetensors/: small files with what the format has, and some that break its rules."""

import json
import pathlib
import struct

TYPES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1, "F8_E4M3": 1}


def file_of(header, elements=b""):
    text = header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))
    data = text.encode()
    return struct.pack("<Q", len(data)) + data + elements


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def seeds():
    types, at = {}, 0
    for name, size in TYPES.items():
        if name != "F8_E4M3":
            types[f"layer.{name}"] = entry(name, [2], at, at + 2 * size)
            at += 2 * size
    float_ = entry("F32", [1], 0, 4)
    return {
        "types": file_of(types, bytes(at)),
        "unread_type": file_of({"a": entry("F8_E4M3", [2], 0, 2)}, bytes(2)),
        "metadata": file_of({"__metadata__": {"format": "pt", "arch": "resnet18"}, "model.a": float_}, bytes(4)),
        "empty": file_of({}),
        "empty_tensors": file_of({"a": entry("F32", [0, 3], 0, 0), "b": entry("F32", [], 0, 4), "c": entry("F32", [0], 4, 4)}, bytes(4)),
        "padded": file_of(json.dumps({"a": float_}) + " " * 7, bytes(4)),
        "two_networks": file_of({f"{who}.{i}.weight": entry("I8", [1], n, n + 1) for n, (who, i) in enumerate((w, i) for w in ("student", "teacher") for i in range(5))}, bytes(10)),
        "hole": file_of({"a": float_, "b": entry("F32", [1], 8, 12)}, bytes(12)),
        "overlap": file_of({"a": float_, "b": entry("F32", [1], 2, 6)}, bytes(6)),
        "twice": file_of('{"a":' + json.dumps(float_) + ',"a":' + json.dumps(float_) + "}", bytes(4)),
        "escapes": file_of('{"a\\u00e9\\n":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
        "large_sizes": file_of({"a": entry("I8", [2**62, 4], 0, 8)}, bytes(8)),
        "cut": file_of({"a": float_}, bytes(2)),
    }  # fmt: skip


def main():
    folder = pathlib.Path(__file__).parent / "corpus" / "safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
