# SPDX-License-Identifier: MIT
"""Trains the embedded detector from generated frames and writes detector.onnx and detector_int8.onnx.

    meson setup build && ninja -C build          # builds the renderer
    python3 -m venv build/.venv-train && build/.venv-train/bin/pip install -r models/requirements.txt
    build/.venv-train/bin/python models/train.py --library build/models/scene/libqnnscene.so --output models

Everything is seeded; two threads; at most 15 minutes on two cores. README.md says what the tensors mean.
"""

import argparse
import concurrent.futures
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

import export
import scenes

SEED_TRAIN, SEED_CALIBRATE = 1_000_001, 2_000_001
GRID_H, GRID_W = scenes.HEIGHT // scenes.STRIDE, scenes.WIDTH // scenes.STRIDE
MIN_VISIBLE = 0.25  # objects that are hidden more than this are neither taught nor punished

# name, input, kernel, channels, stride, relu. "up" doubles the size, "a+b" concatenates channels.
LAYERS = [
    ("c1", "image", 3, 16, 2, True),
    ("c2", "c1", 3, 24, 2, True),
    ("c3", "c2", 3, 32, 1, True),
    ("c4", "c3", 3, 48, 2, True),
    ("c5", "c4", 3, 48, 1, True),
    ("c6", "c5", 3, 64, 2, True),
    ("c7", "c6", 3, 64, 1, True),
    ("c8", "c7", 3, 64, 1, True),
    ("c9", "c5+up(c8)", 3, 48, 1, True),
    ("grid", "c9", 1, 5 + len(scenes.LABELS), 1, False),
]


def twice(v):
    """Nearest neighbour: each cell becomes four."""
    n, h, w, c = v.shape
    return tf.reshape(tf.broadcast_to(v[:, :, None, :, None, :], (n, h, 2, w, 2, c)), (n, 2 * h, 2 * w, c))


class Network:
    """The layers above in TensorFlow: convolution, batch normalisation, ReLU; the last one has a bias instead."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        channels = {"image": 3}
        self.weights, self.norms, self.moments = {}, {}, {}
        for name, source, kernel, out, _, relu in LAYERS:
            fan = sum(channels[s.removeprefix("up(").rstrip(")")] for s in source.split("+"))
            shape = (kernel, kernel, fan, out)
            std = np.sqrt(2.0 / (kernel * kernel * fan))
            self.weights[name] = tf.Variable((rng.standard_normal(shape) * std).astype(np.float32))
            bias = np.zeros(out, np.float32)
            if not relu:
                bias[0] = -4.0  # most cells hold no object
            self.norms[name] = (tf.Variable(np.ones(out, np.float32)), tf.Variable(bias))
            self.moments[name] = (tf.Variable(np.zeros(out, np.float32)), tf.Variable(np.ones(out, np.float32)))
            channels[name] = out

    def variables(self):
        last = LAYERS[-1][0]
        return (list(self.weights.values()) + [gamma for name, (gamma, _) in self.norms.items() if name != last] +
                [beta for _, beta in self.norms.values()])

    def __call__(self, image, training):
        values = {"image": image}
        for name, source, kernel, _, stride, relu in LAYERS:
            parts = []
            for s in source.split("+"):
                up = s.startswith("up(")
                v = values[s[3:-1] if up else s]
                parts.append(twice(v) if up else v)
            v = parts[0] if len(parts) == 1 else tf.concat(parts, -1)
            pad = kernel // 2  # the same on all sides, as ONNX pads it
            x = tf.nn.conv2d(v, self.weights[name], stride, [[0, 0], [pad, pad], [pad, pad], [0, 0]])
            values[name] = self._norm(name, x, training) if relu else tf.nn.bias_add(x, self.norms[name][1])
        return values["grid"]

    def _norm(self, name, x, training):
        gamma, beta = self.norms[name]
        mean, variance = self.moments[name]
        fused = tf.compat.v1.nn.fused_batch_norm
        if not training:
            return tf.nn.relu(fused(x, gamma, beta, mean, variance, 1e-4, is_training=False)[0])
        y, m, v = fused(x, gamma, beta, epsilon=1e-4)[:3]
        mean.assign(mean * 0.97 + m * 0.03)
        variance.assign(variance * 0.97 + v * 0.03)
        return tf.nn.relu(y)

    def folded(self):
        """The layers with normalisation folded in: dicts with OIHW weights and biases, for export.py."""
        layers = []
        for name, source, kernel, _, stride, relu in LAYERS:
            w = self.weights[name].numpy()
            gamma, beta = (v.numpy() for v in self.norms[name])
            mean, variance = (v.numpy() for v in self.moments[name])
            if relu:
                factor = gamma / np.sqrt(variance + 1e-4)
                w, beta = w * factor, beta - mean * factor
            layers.append({"name": name, "source": source, "stride": stride, "pad": kernel // 2, "relu": relu,
                           "weight": np.ascontiguousarray(w.transpose(3, 2, 0, 1)), "bias": beta})
        return layers


def encode(truths, flips):
    """Targets of a batch: heat, box [dx dy lw lh], class, weight of the box and class terms."""
    n = len(truths)
    heat = np.zeros((n, GRID_H, GRID_W), np.float32)
    care = np.ones((n, GRID_H, GRID_W), np.float32)
    box = np.zeros((n, GRID_H, GRID_W, 4), np.float32)
    kind = np.zeros((n, GRID_H, GRID_W, len(scenes.LABELS)), np.float32)
    rows, cols = np.mgrid[0:GRID_H, 0:GRID_W]
    sx = scenes.WIDTH / scenes.FRAME_WIDTH / scenes.STRIDE
    sy = scenes.HEIGHT / scenes.FRAME_HEIGHT / scenes.STRIDE
    for i, truth in enumerate(truths):
        for o in truth["objects"]:  # back to front: the object in front keeps a cell that two share
            w, h = o["width"] * sx, o["height"] * sy
            cx, cy = o["x"] * sx + w / 2, o["y"] * sy + h / 2
            if flips[i][0]:
                cx = GRID_W - cx
            if flips[i][1]:
                cy = GRID_H - cy
            c, r = min(int(cx), GRID_W - 1), min(int(cy), GRID_H - 1)
            if o["visible"] < MIN_VISIBLE:
                care[i, r, c] = 0 if heat[i, r, c] < 1 else 1
                continue
            spread = np.exp(-((cols - c) / (w * 0.16 + 0.25)) ** 2 / 2 - ((rows - r) / (h * 0.16 + 0.25)) ** 2 / 2)
            heat[i] = np.maximum(heat[i], np.where(spread > 0.999, 0, spread))
            heat[i, r, c] = care[i, r, c] = 1
            box[i, r, c] = cx - c, cy - r, np.log(w), np.log(h)
            kind[i, r, c] = 0
            kind[i, r, c, scenes.LABELS.index(o["label"])] = 1
    return heat, care, box, kind


def loss_of(grid, heat, care, box, kind):
    """Focal loss with a soft border around centres, then offset, size and class at the centres."""
    positive = tf.cast(heat >= 1.0, tf.float32)
    count = tf.reduce_sum(positive) + 1.0
    obj = grid[..., 0]
    p = tf.sigmoid(obj)
    found = positive * (1 - p) ** 2 * tf.nn.softplus(-obj)
    false = care * (1 - positive) * (1 - heat) ** 4 * p ** 2 * tf.nn.softplus(obj)
    offset = tf.nn.sigmoid_cross_entropy_with_logits(box[..., :2], grid[..., 1:3])
    size = tf.abs(grid[..., 3:5] - box[..., 2:])
    label = tf.nn.sigmoid_cross_entropy_with_logits(kind, grid[..., 5:])
    centre = tf.reduce_sum(positive[..., None] * offset) + 3.0 * tf.reduce_sum(positive[..., None] * size)
    terms = [tf.reduce_sum(found + false), 0.5 * centre, tf.reduce_sum(positive[..., None] * label)]
    return tf.add_n(terms) / count


def draw_batches(images, truths, steps, batch, rng):
    """Batches in random order, mirrored at random, colour channels exchanged at random."""
    order = np.concatenate([rng.permutation(len(images)) for _ in range(steps * batch // len(images) + 1)])
    for i in range(steps):
        pick = order[i * batch:(i + 1) * batch]
        flips = rng.integers(0, 2, (batch, 2))
        x = np.stack([images[k][::-1 if f[1] else 1, ::-1 if f[0] else 1, rng.permutation(3)]
                      for k, f in zip(pick, flips)])
        yield x, *encode([truths[k] for k in pick], flips)


def train(images, truths, steps, batch, peak, seed):
    network = Network(seed)
    rng = np.random.default_rng(seed)
    variables = network.variables()
    firsts = [tf.Variable(tf.zeros_like(v)) for v in variables]
    seconds = [tf.Variable(tf.zeros_like(v)) for v in variables]

    @tf.function
    def step(image, heat, care, box, kind, rate, t):
        with tf.GradientTape() as tape:
            loss = loss_of(network(tf.cast(image, tf.float32) / 255.0, True), heat, care, box, kind)
        for v, g, m, s in zip(variables, tape.gradient(loss, variables), firsts, seconds):  # AdamW
            m.assign(0.9 * m + 0.1 * g)
            s.assign(0.99 * s + 0.01 * g * g)
            move = m / (1 - 0.9 ** t) / (tf.sqrt(s / (1 - 0.99 ** t)) + 1e-7)
            v.assign_sub(rate * (move + (1e-3 * v if len(v.shape) == 4 else 0.0)))
        return loss

    begin, mean_loss = time.time(), None
    batches = draw_batches(images, truths, steps, batch, rng)
    with concurrent.futures.ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(next, batches)
        for i in range(steps):
            ready = coming.result()
            coming = ahead.submit(next, batches, None)
            rate = peak * min(1.0, (i + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * i / steps))
            loss = float(step(*ready, tf.constant(rate, tf.float32), tf.constant(i + 1.0)))
            mean_loss = loss if mean_loss is None else mean_loss * 0.98 + loss * 0.02
            if i % 100 == 99:
                print(f"step {i + 1}/{steps} loss {mean_loss:.3f} {time.time() - begin:.0f} s", flush=True)
    return network


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", default="build/models/scene/libqnnscene.so", help="the built renderer")
    parser.add_argument("--output", default="models", help="folder for the two models")
    parser.add_argument("--frames", type=int, default=10000, help="generated training frames")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=4e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(2)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    begin = time.time()
    images, truths = scenes.draw_set(args.library, SEED_TRAIN, args.frames)
    print(f"{args.frames} frames in {time.time() - begin:.0f} s", flush=True)
    network = train(images, truths, args.steps, args.batch, args.rate, args.seed)
    calibration, _ = scenes.draw_set(args.library, SEED_CALIBRATE, 150)
    export.write(network.folded(), args.output, calibration)
    print(f"all in {time.time() - begin:.0f} s, {time.process_time():.0f} s of CPU")


if __name__ == "__main__":
    main()
