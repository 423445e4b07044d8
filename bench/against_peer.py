"""Time and memory of the whole command, calib8 against litert-torch + ai-edge-quantizer, from .pth and 100 photos."""

import statistics

import measure
import peer

GOALS = {"efficientnet_b0": 10.0, "resnet50": 4.0}


def main():
    parser = peer.peer_arguments(__doc__)
    parser.add_argument("--arch", nargs="+", default=list(GOALS))
    parser.add_argument("--runs", type=int, default=3, help="of each, interleaved; medians are shown")
    options = parser.parse_args()
    photos = peer.draw_photos(options.photos, 0)
    data = peer.link_images(photos.calibration, options.work / "photos")
    rows, goals = [], []
    for arch in options.arch:
        folder = options.work / f"speed_{arch}"
        checkpoint = folder / "model.pth"
        peer.make_checkpoint(arch, photos.statistics, checkpoint)
        ours, theirs = [], []
        for _ in range(options.runs):
            ours.append(peer.run_calib8(options.calib8, checkpoint, data, folder / "calib8"))
            calibration = peer.calibration_images(folder / "calib8", data)
            job = peer.torchvision_job(arch, checkpoint)
            theirs.append(peer.run_peer(options.peer_python, job, (224, 224), calibration, folder / "peer"))
        seconds = [statistics.median(run.seconds for run in runs) for runs in (ours, theirs)]
        memory = [max(run.peak_bytes for run in runs) for runs in (ours, theirs)]
        rows.append({
            "model": arch, "images": len(calibration), "calib8 s": seconds[0], "peer s": seconds[1],
            "times faster": seconds[1] / seconds[0], "calib8 MB": memory[0] / 1e6, "peer MB": memory[1] / 1e6,
            "memory share": memory[0] / memory[1],
        })  # fmt: skip
        if arch in GOALS:
            goals.append((f"{arch}: {GOALS[arch]:g}x faster", seconds[1] / seconds[0] >= GOALS[arch]))
        goals.append((f"{arch}: a third of the memory", memory[0] <= memory[1] / 3))
    measure.show("whole command, start to exit", rows, goals, options.json)


if __name__ == "__main__":
    main()
