# SPDX-License-Identifier: MIT
"""Cases that LiteRT has few kernels for: StableHLO's operators, and custom ones."""
import struct

import numpy as np
from flatbuffers import flexbuffers
from tflite_builders import CASES, NUMPY, Random, add, out, runs, scalar
from tflite_write import TYPES, seed_of
from tflite_write import Tensor as T


def detections():
    for regular in (False, True):
        for classes in (1, 2):
            if regular and classes == 2:
                continue
            name = f"detection_{'regular' if regular else 'fast'}_{classes}"
            r = Random(name)
            count, labels = 60, 4
            anchors = np.concatenate([r.r.uniform(0, 1, (count, 2)), r.r.uniform(0.1, 0.4, (count, 2))], 1)
            options = {"max_detections": 8, "max_classes_per_detection": classes, "detections_per_class": 5, "num_classes": labels,
                       "use_regular_nms": regular, "nms_score_threshold": 0.3, "nms_iou_threshold": 0.5, "y_scale": 10.0, "x_scale": 10.0,
                       "h_scale": 5.0, "w_scale": 5.0}
            add(name, "CUSTOM", [r.real(1, count, 4), r.real(1, count, labels + 1, lo=0, hi=1), T("f32", data=anchors)], [out(), out(), out(), out()],
                custom=("TFLite_Detection_PostProcess", bytes(flexbuffers.Dumps(options))))


def stablehlo():
    """LiteRT has kernels for few of these; numpy says what the others give."""
    def one(name, ins, y, expected, options=None):
        n = "stablehlo_" + name
        add(n, "STABLEHLO_" + name.split("-")[0].upper(), ins, [y], options)
        NUMPY[n] = expected

    r = Random("stablehlo")
    a, b = r.real(3, 4), r.real(3, 4, lo=0.5, hi=3)
    p = Random("positive").real(3, 4, lo=0.5, hi=3)
    for name, f in (("logistic", lambda x: 1 / (1 + np.exp(-x))), ("abs", np.abs), ("cosine", np.cos), ("exponential", np.exp), ("floor", np.floor),
                    ("negate", np.negative), ("tanh", np.tanh), ("cbrt", np.cbrt)):
        one(name, [a], out(), f)
    one("log", [p], out(), np.log)
    one("rsqrt", [p], out(), lambda x: 1 / np.sqrt(x))
    for name, f in (("add", np.add), ("divide", np.divide), ("multiply", np.multiply), ("maximum", np.maximum), ("minimum", np.minimum), ("remainder", np.fmod),
                    ("subtract", np.subtract)):
        one(name, [a, b], out(), f)
    one("power", [p, a], out(), np.power)
    for i, f in enumerate((np.equal, np.not_equal, np.greater_equal, np.greater, np.less_equal, np.less)):
        one(f"compare-{i}", [r.whole("s32", 3, 4, lo=0, hi=3), r.whole("s32", 3, 4, lo=0, hi=3)], out("bool"), f,
            ("StablehloCompareOptions", {"comparisonDirection": i}))
    one("and", [r.flags(3, 4), r.flags(3, 4)], out("bool"), np.logical_and)
    one("or", [r.whole("s32", 3, 4, lo=0), r.whole("s32", 3, 4, lo=0)], out("s32"), np.bitwise_or)
    one("shift_left", [r.whole("s32", 3, 4), r.whole("s32", 3, 4, lo=0, hi=5)], out("s32"), np.left_shift)
    one("select", [r.flags(3, 4), a, b], out(), np.where)
    one("clamp", [scalar("f32", -1), a, scalar("f32", 0.5)], out(), lambda x: np.clip(x, -1, 0.5))
    one("convert", [a], out("s32"), lambda x: x.astype(np.int32))
    one("reshape", [a], T("f32", (2, 6)), lambda x: x.reshape(2, 6))
    one("transpose", [a], T("f32", (4, 3)), lambda x: x.T, ("StablehloTransposeOptions", {"permutation": np.array([1, 0], np.int64)}))
    one("concatenate", [a, b], T("f32", (3, 8)), lambda x, y: np.concatenate([x, y], 1), ("StablehloConcatenateOptions", {"dimension": 1}))
    one("slice", [a], T("f32", (2, 2)), lambda x: x[1:3, 0:4:2],
        ("StablehloSliceOptions", {"startIndices": np.array([1, 0], np.int64), "limitIndices": np.array([3, 4], np.int64), "strides": np.array([1, 2], np.int64)}))
    one("broadcast_in_dim", [r.real(3)], T("f32", (2, 3, 4)), lambda x: np.broadcast_to(x[None, :, None], (2, 3, 4)),
        ("StablehloBroadcastInDimOptions", {"broadcastDimensions": np.array([1], np.int64)}))
    one("pad", [a, scalar("f32", 2.5)], T("f32", (5, 4)), lambda x: np.pad(x[:, 1:], ((1, 1), (0, 1)), constant_values=2.5),
        ("StablehloPadOptions", {"edgePaddingLow": np.array([1, -1], np.int64), "edgePaddingHigh": np.array([1, 1], np.int64),
                                 "interiorPadding": np.array([0, 0], np.int64)}))
    one("iota", [], T("s32", (2, 5)), lambda: np.broadcast_to(np.arange(5, dtype=np.int32), (2, 5)), ("StablehloIotaOptions", {"iotaDimension": 1}))
    x, inner, y = r.real(3, 4), T("f32", (3, 4)), out()
    body_y = T("f32", (3, 4))
    CASES["stablehlo_composite"] = ([("STABLEHLO_COMPOSITE", [x], [y], ("StableHLOCompositeOptions", {"name": "my.square", "decompositionSubgraphIndex": 1}))],
                                    [x], [y], (([("MUL", [inner, inner], [body_y], ("MulOptions", {}))], [inner], [body_y], "body"),))
    NUMPY["stablehlo_composite"] = np.square


def signal_operators():
    """TFLite Micro's operators, by what its kernels do with a list of samples."""
    r = seed_of("signal")
    x = r.integers(-20000, 20000, (6, 8))
    for prefill in (False, True):
        held, frames, valid = [0] * 6 if prefill else [], [], []
        quiet = np.concatenate([np.zeros(8, int), x.reshape(-1)])  # what frames hold before there are samples enough
        for run in x:
            rows, full = [], True
            for step in run.reshape(2, 4):
                held += list(step)
                if len(held) >= 10:
                    rows.append(held[:10])
                    held = held[4:]
                else:
                    at = 4 * (2 * len(frames) + len(rows))
                    rows.append(list(quiet[at:at + 10]))
                    full = False
            frames.append(rows)
            valid.append(full)
        runs(f"signal_framer_{int(prefill)}", "SignalFramer", {"frame_size": 10, "frame_step": 4, "prefill": prefill}, [("s16", x)],
             [("s16", np.array(frames)), ("bool", np.array(valid))])
    line = np.concatenate([np.zeros(3, int), x.reshape(-1)])[:48].reshape(6, 8)
    runs("signal_delay", "SignalDelay", {"delay_length": 3}, [("s16", x)], [("s16", line)])
    f = r.uniform(-1, 1, (4, 3, 8)).astype(np.float32)
    for dtype, frames in (("f32", f), ("s16", r.integers(-32768, 32767, (4, 3, 8)))):
        held, made = np.zeros(8, frames.dtype), []
        for run in frames:
            row = []
            for frame in run:
                held = held + frame if dtype == "f32" else np.clip(held + frame, -32768, 32767)
                row += list(held[:5])
                held = np.concatenate([held[5:], np.zeros(5, frames.dtype)])
            made.append(row)
        runs(f"signal_overlap_add_{dtype}", "SignalOverlapAdd", {"T": TYPES[dtype][0], "frame_step": 5}, [(dtype, frames)], [(dtype, np.array(made))])
    held, made, valid = [], [], []
    for i, frame in enumerate(x):
        held += [frame] * (3 if i == 0 else 1)
        full = len(held) >= 4
        made.append(np.concatenate(held[:4]) if full else np.zeros(32))
        valid.append(full)
        held = held[2:] if full else held
    runs("signal_stacker", "SignalStacker", {"num_channels": 8, "stacker_left_context": 2, "stacker_right_context": 1, "stacker_step": 2}, [("s16", x)],
         [("s16", np.array(made)), ("bool", np.array(valid))])
    wave = r.uniform(-1, 1, (2, 3, 64)).astype(np.float32)
    bins = np.fft.rfft(wave, 64)
    pairs = np.stack([bins.real, bins.imag], -1).reshape(2, 3, 66)
    runs("signal_rfft_f32", "SignalRfft", {"T": 0, "fft_length": 64}, [("f32", wave)], [("f32", pairs)])
    runs("signal_irfft_f32", "SignalIrfft", {"T": 0, "fft_length": 64}, [("f32", pairs)], [("f32", wave)])
    pulse = np.zeros((1, 64))
    pulse[0, 0] = 16384
    for dtype in ("s16", "s32"):
        flat = np.zeros((1, 66))
        flat[0, 0::2] = 256
        runs(f"signal_rfft_{dtype}", "SignalRfft", {"T": TYPES[dtype][0], "fft_length": 64}, [(dtype, pulse)], [(dtype, flat)])
        runs(f"signal_irfft_{dtype}", "SignalIrfft", {"T": TYPES[dtype][0], "fft_length": 64}, [(dtype, flat)], [(dtype, pulse / 64)])


def mediapipe():
    """Pooling that remembers where its maxima were, and the way back."""
    x = seed_of("pool").uniform(-1, 1, (1, 2, 6, 4, 3)).astype(np.float32)
    windows = x.reshape(1, 2, 3, 2, 2, 2, 3).transpose(0, 1, 2, 4, 6, 3, 5).reshape(1, 2, 3, 2, 3, 4)
    largest, place = windows.max(-1), windows.argmax(-1) + np.float32(0.1)
    options = struct.pack("<6i", 1, 2, 2, 2, 2, 0)
    runs("max_pooling_with_argmax", "MaxPoolingWithArgmax2D", options, [("f32", x)], [("f32", largest), ("f32", place)])
    runs("max_unpooling", "MaxUnpooling2D", options, [("f32", largest), ("f32", place)], [("f32", np.where(x == largest.repeat(2, 2).repeat(2, 3), x, 0))])
