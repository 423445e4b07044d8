"""The int8 model against the peer's on LiteRT with XNNPACK, one thread: paired and interleaved runs, medians."""

import pathlib
import statistics
import time

import measure
import numpy as np
import peer
from support import images, runtimes

WARM_UP = 5


def load(path: pathlib.Path, sample: np.ndarray):
    model = runtimes.interpreter(path, threads=1)
    (details,) = model.get_input_details()
    model.set_tensor(details["index"], runtimes.quantize(sample, details))
    return model


def milliseconds(model) -> float:
    start = time.perf_counter()
    model.invoke()
    return 1000 * (time.perf_counter() - start)


def compare(ours: pathlib.Path, peers: pathlib.Path, sample: np.ndarray, rounds: int) -> dict:
    """Both in each round, the first of them in turn; the ratio is the median of the rounds' ratios."""
    models = [load(ours, sample), load(peers, sample)]
    for model in models * WARM_UP:
        milliseconds(model)
    times = ([], [])
    for number in range(rounds):
        for index in (0, 1) if number % 2 else (1, 0):
            times[index].append(milliseconds(models[index]))
    medians = [statistics.median(entry) for entry in times]
    return {
        "calib8 ms": medians[0], "peer ms": medians[1], "ratio of medians": medians[0] / medians[1],
        "median of ratios": statistics.median(a / b for a, b in zip(*times, strict=True)),
        "calib8 bytes": ours.stat().st_size, "peer bytes": peers.stat().st_size,
    }  # fmt: skip


def main():
    parser = peer.peer_arguments(__doc__)
    parser.add_argument("--arch", nargs="+", default=["efficientnet_b0", "resnet50", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_v2_s"])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--reuse", action="store_true", help="keep the checkpoints and the peer's files of an earlier run")
    options = parser.parse_args()
    photos = peer.draw_photos(options.photos, 1)
    sample = images.batch(photos.test, 224, 224)
    rows, goals = [], []
    for arch in options.arch:
        pair = peer.make_pair(options, arch, photos, options.reuse)
        row = compare(pair.ours, pair.peers, sample, options.rounds)
        rows.append({"model": arch, **row})
        goals.append((f"{arch}: latency ratio at most 1.03", row["ratio of medians"] <= 1.03))
        goals.append((f"{arch}: no larger", row["calib8 bytes"] <= row["peer bytes"]))
    measure.show(f"int8 latency, one thread, {options.rounds} rounds", rows, goals, options.json)


if __name__ == "__main__":
    main()
