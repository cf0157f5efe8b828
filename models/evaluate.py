# SPDX-License-Identifier: MIT
"""mAP@0.5 of a detector on generated frames of seeds that training has not seen, with ONNX Runtime.

    build/.venv-train/bin/python models/evaluate.py --library build/models/scene/libqnnscene.so models/detector*.onnx
"""

import argparse

import numpy as np
import onnxruntime

import metric
import scenes

SEED_TEST = 9_000_001


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", default="build/models/scene/libqnnscene.so", help="the built renderer")
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--seed", type=int, default=SEED_TEST)
    parser.add_argument("models", nargs="+")
    args = parser.parse_args()
    images, truths = scenes.draw_set(args.library, args.seed, args.frames)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    # Without it, sums of u8 x s8 products saturate at 16 bits on CPUs that have AVX2 but no VNNI.
    options.add_session_config_entry("session.x64quantprecision", "1")
    for path in args.models:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        frames = []
        for image, truth in zip(images, truths):
            grid = session.run(None, {"image": image.transpose(2, 0, 1)[None].astype(np.float32) / 255})[0][0]
            frames.append((truth["objects"], scenes.decode(grid)))
        mean, per_label = metric.mean_ap(frames, scenes.LABELS)
        print(f"{path}: mAP@0.5 {mean:.4f} over {len(frames)} frames")
        print("  " + "  ".join(f"{label} {ap:.4f}" for label, ap in per_label.items()))
        backgrounds = sorted({t["background"] for t in truths})
        for b in backgrounds:
            chosen = [f for f, t in zip(frames, truths) if t["background"] == b]
            print(f"  {b}: {metric.mean_ap(chosen, scenes.LABELS)[0]:.4f}")


if __name__ == "__main__":
    main()
