"""Signal to quantization noise of the int8 logits on photos that weren't calibrated on, calib8 against the peer.

The reference is PyTorch in float32; the signal is centred: the reference less its mean per logit over the photos."""

import measure
import numpy as np
import peer
import torch
from support import images, runtimes, torchvision_models


def main():
    parser = peer.peer_arguments(__doc__)
    parser.add_argument("--arch", nargs="+", default=torchvision_models.ARCHITECTURES)
    parser.add_argument("--test-photos", type=int, default=64)
    parser.add_argument("--reuse", action="store_true", help="keep the checkpoints and the peer's files of an earlier run")
    options = parser.parse_args()
    photos = peer.draw_photos(options.photos, options.test_photos)
    inputs = images.batch(photos.test, 224, 224)
    rows, goals = [], []
    for arch in options.arch:
        pair = peer.make_pair(options, arch, photos, options.reuse)
        model = torchvision_models.build(arch)
        model.load_state_dict(torch.load(pair.checkpoint, weights_only=True))
        reference = torchvision_models.logits(model, images.to_torch(inputs)).numpy()
        found = {}
        for name, path in (("calib8", pair.ours), ("peer", pair.peers)):
            logits = runtimes.run_tflite(path, inputs)
            found[name] = runtimes.sqnr(reference, logits)
            found[f"{name} agreement"] = float(np.mean(logits.argmax(1) == reference.argmax(1)))
        rows.append({
            "model": arch, "calib8 dB": found["calib8"], "peer dB": found["peer"], "more dB": found["calib8"] - found["peer"],
            "calib8 agreement": found["calib8 agreement"], "peer agreement": found["peer agreement"],
            "calib8 partition": runtimes.delegated_whole(pair.ours) or "one",
        })  # fmt: skip
        print(rows[-1], flush=True)
        goals.append((f"{arch}: at least the peer's", found["calib8"] >= found["peer"]))
    measure.show(f"int8 fidelity on {len(inputs)} photos", rows, goals, options.json)


if __name__ == "__main__":
    main()
