"""What networks of other things than pictures take, as arrays by the names of their inputs: bytes of files, speech, lines of
text in gray."""

from __future__ import annotations

import pathlib
import random
import sysconfig

import fitting_images as fitting
import numpy as np


def contents(_: pathlib.Path, chance: random.Random, size: int):
    """The first and last bytes of files of many kinds, `size` in all."""
    root = pathlib.Path(sysconfig.get_paths()["purelib"])
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.stat().st_size >= size)
    chance.shuffle(files)
    for path in files:
        content = np.frombuffer(path.read_bytes(), np.uint8)
        half = size // 2
        yield {"bytes": np.concatenate([content[:half], content[-half:]]).astype(np.int32)[None]}


RATE = 16000


def voice(chance: random.Random, seconds: float) -> np.ndarray:
    """Vowels of a voice whose pitch moves, with pauses and noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formants = [(chance.uniform(300, 800), 300, 1.0), (chance.uniform(1000, 2200), 400, 0.5)]
    sound = np.zeros_like(time)
    for overtone in range(1, 25):
        places = overtone * pitch
        loudness = 0.1 + sum(gain * np.exp(-(((places - at) / width) ** 2)) for at, width, gain in formants)
        sound += np.sin(overtone * phase) / overtone * loudness
    speaks = (np.sin(2 * np.pi * 0.4 * time) > -0.2) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))
    noise = np.random.default_rng(chance.randint(0, 2**32)).standard_normal(time.size)
    return (0.2 * sound * speaks + 0.01 * noise).astype(np.float32)


def speech(packages: pathlib.Path, chance: random.Random, size: int):
    """Pieces of a voice with what the network remembers of those before."""
    import onnxruntime

    session = onnxruntime.InferenceSession(next(packages.rglob("silero_vad_openvino_16k.onnx")))
    sound, step, state = voice(chance, 8), 512, np.zeros((2, 1, 128), np.float32)
    for begin in range(0, sound.size - size, step):
        sample = {"input": sound[begin : begin + size][None], "state": state}
        yield sample
        state = session.run(None, sample)[1]


def gray_lines(packages: pathlib.Path, chance: random.Random, size: tuple[int, int]):
    for picture in fitting.lines(packages, chance, size):
        yield {"input1": np.asarray(picture.convert("L"), np.float32)[None, None] / 127.5 - 1}


def write(samples, count: int, folder: pathlib.Path) -> None:
    """The first `count` as .npz files."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, sample in zip(range(count), samples):
        np.savez(folder / f"{number:04}.npz", **sample)
