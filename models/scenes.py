# SPDX-License-Identifier: MIT
"""Frames of scene/ as network inputs and truths: ctypes over the renderer, and the pipeline's own conversion."""

import ctypes
import json
import pathlib

import numpy as np

WIDTH, HEIGHT = 256, 144  # of the network's input
STRIDE = 8
LABELS = ["ball", "box", "triangle", "star", "ring"]
FRAME_WIDTH, FRAME_HEIGHT = 1280, 720


class Scene:
    """One seeded world at 1280x720; frame(n) gives NV12 planes and the truth."""

    def __init__(self, library, seed, shot_length=0, width=FRAME_WIDTH, height=FRAME_HEIGHT):
        lib = ctypes.CDLL(str(pathlib.Path(library).resolve()))
        lib.qf_scene_new.restype = ctypes.c_void_p
        lib.qf_scene_new.argtypes = [ctypes.c_uint64, ctypes.c_int32, ctypes.c_int32, ctypes.c_uint32]
        lib.qf_scene_free.argtypes = [ctypes.c_void_p]
        lib.qf_scene_render.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_int32,
                                        ctypes.c_void_p, ctypes.c_int32]
        lib.qf_scene_truth.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32]
        self.lib = lib
        self.handle = lib.qf_scene_new(seed, width, height, shot_length)
        if not self.handle:
            raise ValueError(f"no scene of {width}x{height}")
        self.luma = np.empty((height, width), np.uint8)
        self.chroma = np.empty((height // 2, width // 2, 2), np.uint8)
        self.text = ctypes.create_string_buffer(2048)

    def __del__(self):
        if getattr(self, "handle", None):
            self.lib.qf_scene_free(self.handle)

    def frame(self, n):
        self.lib.qf_scene_render(self.handle, n, self.luma.ctypes.data, self.luma.strides[0],
                                 self.chroma.ctypes.data, self.chroma.strides[0])
        self.lib.qf_scene_truth(self.handle, self.text, len(self.text))
        return self.luma, self.chroma, json.loads(self.text.value)


def _taps(source, target):
    """Index of both taps and the weight of the second, of a two-tap bilinear stretch (include/qnnflow/image.h)."""
    at = np.clip((np.arange(target) + 0.5) * (source / target) - 0.5, 0, source - 1)
    low = np.minimum(at.astype(np.int64), source - 1)
    return low, np.minimum(low + 1, source - 1), (at - low).astype(np.float32)


def _resample(plane):
    y0, y1, fy = _taps(plane.shape[0], HEIGHT)
    x0, x1, fx = _taps(plane.shape[1], WIDTH)
    tail = (1,) * (plane.ndim - 2)
    fx, fy = fx.reshape(1, -1, *tail), fy.reshape(-1, 1, *tail)

    def row(y):
        taps = plane[y]
        left = taps[:, x0].astype(np.float32)
        return left + (taps[:, x1] - left) * fx if fx.any() else left

    top = row(y0)
    return top + (row(y1) - top) * fy if fy.any() else top


def to_image(luma, chroma):
    """NV12, BT.709 limited range, to uint8 RGB of the network's size: what qnnconvert gives, before 1/255."""
    y = (_resample(luma) - 16) * (255 / 219)
    cbcr = (_resample(chroma) - 128) * (255 / 224)
    cb, cr = cbcr[..., 0], cbcr[..., 1]
    kr, kb = 0.2126, 0.0722
    kg = 1 - kr - kb
    rgb = np.stack([y + 2 * (1 - kr) * cr,
                    y - 2 * (1 - kb) * kb / kg * cb - 2 * (1 - kr) * kr / kg * cr,
                    y + 2 * (1 - kb) * cb], axis=-1)
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def draw_set(library, seed, count, shot_length=64):
    """count frames, each from a shot of its own at a random moment. Returns images and truths."""
    scene = Scene(library, seed, shot_length)
    rng = np.random.default_rng(seed)
    images = np.empty((count, HEIGHT, WIDTH, 3), np.uint8)
    truths = []
    for i in range(count):
        luma, chroma, truth = scene.frame(i * shot_length + int(rng.integers(shot_length)))
        images[i] = to_image(luma, chroma)
        truths.append(truth)
    return images, truths


def decode(grid, threshold=0.02, overlap=0.45):
    """One `grid` [5+C, rows, cols] to detections in frame pixels, as the card defines them."""
    from metric import iou
    sigmoid = lambda v: 1 / (1 + np.exp(-v))
    best = grid[5:].argmax(0)
    scores = sigmoid(grid[0]) * sigmoid(grid[5:].max(0))
    found = []
    sx, sy = FRAME_WIDTH / WIDTH, FRAME_HEIGHT / HEIGHT
    for row, col in zip(*np.nonzero(scores >= threshold)):
        dx, dy, lw, lh = grid[1:5, row, col]
        cx, cy = (col + sigmoid(dx)) * STRIDE * sx, (row + sigmoid(dy)) * STRIDE * sy
        w, h = np.exp(lw) * STRIDE * sx, np.exp(lh) * STRIDE * sy
        found.append({"label": LABELS[best[row, col]], "x": cx - w / 2, "y": cy - h / 2, "width": w, "height": h,
                      "score": float(scores[row, col])})
    kept = []
    for d in sorted(found, key=lambda d: -d["score"]):
        if all(d["label"] != k["label"] or iou(d, k) <= overlap for k in kept):
            kept.append(d)
    return kept
