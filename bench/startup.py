"""How long `calib8 --help` takes."""

import statistics
import subprocess
import time

import measure
import peer


def main():
    parser = peer.arguments(__doc__)
    parser.add_argument("--runs", type=int, default=50)
    options = parser.parse_args()
    times = []
    for _ in range(options.runs):
        start = time.perf_counter()
        subprocess.run([str(options.calib8), "--help"], stdout=subprocess.DEVNULL, check=True)
        times.append(1000 * (time.perf_counter() - start))
    row = {"command": "calib8 --help", "median ms": statistics.median(times), "least ms": min(times), "most ms": max(times)}
    measure.show("start-up", [row], [("under 30 ms", row["median ms"] < 30)], options.json)


if __name__ == "__main__":
    main()
