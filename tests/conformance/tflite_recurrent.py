#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tflite_recurrent.cases: layers with a state and convolutions of volumes, each run twice in LiteRT's reference kernels.

usage: tflite_recurrent.py OUTPUT [GLOB]      (needs ai-edge-litert; the container is part of the repository)
"""
import fnmatch
import sys

import numpy as np
from tflite_write import OpResolverType, TYPES, build, pack, run_with, seed_of
from tflite_write import Tensor as T

CASES = {}
T_, B, I, H = 3, 2, 5, 4


def weights(r, kind, *dims):
    """Float weights, or 8-bit ones with a scale."""
    if kind == "f32":
        return T("f32", dims, data=r.uniform(-0.7, 0.7, dims))
    return T("s8", dims, data=r.integers(-127, 128, dims), scale=float(r.uniform(0.003, 0.006)), zero=0)


def lstm_inputs(r, kind, cifg=False, peephole=False, project=0, norm=False, base=None):
    """The inputs behind the data, up to the projection's bias: 17 of them."""
    out = project or H
    ins = [weights(r, kind, H, I) for _ in range(4)] + [weights(r, kind, H, out) for _ in range(4)]
    look = [weights(r, kind, H) for _ in range(3)] if peephole else [None] * 3
    bias = [T("f32", (H,), data=r.uniform(-0.5, 0.5, H)) for _ in range(4)]
    tail = [weights(r, kind, project, H), None] if project else [None, None]
    if cifg:
        ins[0] = ins[4] = look[0] = bias[0] = None
    return ins + look + bias + tail


def state(*dims, **more):
    return T(more.pop("dtype", "f32"), dims, variable=True, **more)


def norms(r, cifg):
    return [None if cifg and i == 0 else T("f32", (H,), data=r.uniform(0.5, 1.5, H)) for i in range(4)]


def float_lstm(name, kind, time_major=False, asymmetric=False, step=False, cifg=False, peephole=False, project=0, norm=False,
               cell_clip=0.0, proj_clip=0.0, act=4):
    r = seed_of(name)
    dims = (B, I) if step else (T_, B, I) if time_major else (B, T_, I)
    x, y = T("f32", dims, values=r.uniform(-1, 1, dims)), T("f32")
    ins = [x] + lstm_inputs(r, kind, cifg, peephole, project) + [state(B, project or H), state(B, H)]
    ins += norms(r, cifg) if norm else [None] * 4
    options = {"fusedActivationFunction": act, "cellClip": cell_clip, "projClip": proj_clip,
               "asymmetricQuantizeInputs": asymmetric}
    if not step:
        options["timeMajor"] = time_major
    op = ("LSTM", "LSTMOptions") if step else ("UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTMOptions")
    CASES[name] = ([(op[0], ins, [y], (op[1], options))], [x], [y])


def both_lstm(name, kind, merge, time_major=False):
    r = seed_of(name)
    dims = (T_, B, I) if time_major else (B, T_, I)
    x, y = T("f32", dims, values=r.uniform(-1, 1, dims)), [T("f32")] if merge else [T("f32"), T("f32")]
    ins = [x] + lstm_inputs(r, kind) + lstm_inputs(r, kind) + [state(B, H) for _ in range(4)] + [None] * 9
    options = {"fusedActivationFunction": 4, "mergeOutputs": merge, "timeMajor": time_major}
    CASES[name] = ([("BIDIRECTIONAL_SEQUENCE_LSTM", ins, y, ("BidirectionalSequenceLSTMOptions", options))], [x], y)


def rnn(name, kind, op, time_major=False, act=4, merge=True, asymmetric=False):
    r = seed_of(name)
    dims = (B, I) if op == "RNN" else (T_, B, I) if time_major else (B, T_, I)
    x = T("f32", dims, values=r.uniform(-1, 1, dims))
    y = [T("f32")] if merge else [T("f32"), T("f32")]

    def part():
        return [weights(r, kind, H, I), weights(r, kind, H, H), T("f32", (H,), data=r.uniform(-0.5, 0.5, H)), state(B, H)]

    options = {"fusedActivationFunction": act, "asymmetricQuantizeInputs": asymmetric}
    table = "RNNOptions"
    ins = [x] + part()
    if op != "RNN":
        options["timeMajor"] = time_major
        table = "SequenceRNNOptions"
    if op.startswith("BI"):
        table = "BidirectionalSequenceRNNOptions"
        ins += part() + [None] * 3
        options["mergeOutputs"] = merge
    CASES[name] = ([(op, ins, y, (table, options))], [x], y)


def basic_lstm(name):
    r = seed_of(name)
    x, h, c = (T("f32", d, values=r.uniform(-1, 1, d)) for d in ((B, I), (B, H), (B, H)))
    w, b = T("f32", (4 * H, I + H), data=r.uniform(-0.7, 0.7, (4 * H, I + H))), T("f32", (4 * H,), data=r.uniform(-0.5, 0.5, 4 * H))
    outs = [T("f32"), T("f32"), T("f32"), T("f32")]
    CASES[name] = ([("LSTM", [x, h, w, b, c], outs, ("LSTMOptions", {"fusedActivationFunction": 4, "kernelType": 1}))],
                   [x, h, c], outs[:2])


def int_norms(r, h, cifg):
    return [None if cifg and i == 0 else T("s16", (h,), data=r.integers(8000, 32767, h), scale=3e-5, zero=0) for i in range(4)]


def int_lstm(name, cifg=False, peephole=False, project=0, time_major=False, step=False, cell_clip=0.0, proj_clip=0.0, hidden_zero=0,
             norm=False):
    r = seed_of(name)
    h, i, t = 8, 6, 5
    dims = (B, i) if step else (t, B, i) if time_major else (B, t, i)
    out = project or h
    x = T("s8", dims, values=r.integers(-128, 128, dims), scale=0.0078, zero=-3)

    def w(*d):
        return T("s8", d, data=r.integers(-127, 128, d), scale=float(np.float32(r.uniform(0.004, 0.008))), zero=0)

    ins = [w(h, i) for _ in range(4)] + [w(h, out) for _ in range(4)]
    look = [T("s16", (h,), data=r.integers(-30000, 30000, h), scale=2.0e-5, zero=0) for _ in range(3)] if peephole else [None] * 3
    bias = [T("s32", (h,), data=r.integers(-20000, 20000, h), scale=4e-5, zero=0) for _ in range(4)]
    tail = [w(out, h), T("s32", (out,), data=r.integers(-2000, 2000, out), scale=5e-5, zero=0)] if project else [None, None]
    if cifg:
        ins[0] = ins[4] = look[0] = bias[0] = None
    y = T("s8", scale=0.0081, zero=5)
    ins = [x] + ins + look + bias + tail + [state(B, out, dtype="s8", scale=0.0081, zero=5),
                                            state(B, h, dtype="s16", scale=2.0 ** -12, zero=0)]
    ins += int_norms(r, h, cifg) if norm else [None] * 4
    if norm:
        for gate_bias in bias:
            if gate_bias is not None:
                gate_bias.scale = 2.0 ** -10 * 3e-5
    hidden = T("s8", (0,), scale=0.0079 if project else 0.0081, zero=hidden_zero if project else 5)
    between = [T("s16", (0,), scale=0.0003, zero=0) if norm else T("f32", (0,)) for _ in range(4)] + [hidden]
    options = {"fusedActivationFunction": 4, "cellClip": cell_clip, "projClip": proj_clip}
    if not step:
        options["timeMajor"] = time_major
    op = ("LSTM", "LSTMOptions") if step else ("UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTMOptions")
    CASES[name] = ([(op[0], ins, [y], (op[1], options), None, between)], [x], [y])


def lstms():
    for kind in ("f32", "s8"):
        float_lstm(f"lstm_{kind}", kind)
        float_lstm(f"lstm_time_major_{kind}", kind, time_major=True)
        float_lstm(f"lstm_peephole_{kind}", kind, peephole=True)
        float_lstm(f"lstm_project_{kind}", kind, project=3, peephole=True)
        float_lstm(f"lstm_cifg_{kind}", kind, cifg=True, peephole=True)
        float_lstm(f"lstm_norm_{kind}", kind, norm=True)
        float_lstm(f"lstm_norm_project_{kind}", kind, norm=True, project=3, peephole=True)
        float_lstm(f"lstm_clip_{kind}", kind, cell_clip=0.3, proj_clip=0.2, project=3)
        float_lstm(f"lstm_step_{kind}", kind, step=True)
        both_lstm(f"lstm_both_{kind}", kind, True, kind == "s8")  # the peer leaves the second batch empty without
        both_lstm(f"lstm_both_apart_{kind}", kind, False, True)
    for act in (1, 3):
        float_lstm(f"lstm_act{act}", "f32", act=act)
    float_lstm("lstm_asymmetric", "s8", asymmetric=True)
    basic_lstm("lstm_basic")
    int_lstm("lstm_int")
    int_lstm("lstm_int_time_major", time_major=True)
    int_lstm("lstm_int_step", step=True)
    int_lstm("lstm_int_peephole", peephole=True)
    int_lstm("lstm_int_project", project=5)
    int_lstm("lstm_int_project_zero", project=5, hidden_zero=4)
    int_lstm("lstm_int_cifg", cifg=True)
    int_lstm("lstm_int_norm", norm=True)
    # As many outputs as units: else the peer's integers go through peepholes by the number of outputs, over the wrong cells.
    int_lstm("lstm_int_norm_project_peephole", norm=True, project=8, peephole=True)
    int_lstm("lstm_int_norm_peephole", norm=True, peephole=True)
    int_lstm("lstm_int_norm_project", norm=True, project=5)
    int_lstm("lstm_int_norm_cifg", norm=True, cifg=True)
    int_lstm("lstm_int_clip", cell_clip=1.0, proj_clip=0.3, project=5)


def rnns():
    for kind in ("f32", "s8"):
        rnn(f"rnn_{kind}", kind, "RNN")
        rnn(f"rnn_sequence_{kind}", kind, "UNIDIRECTIONAL_SEQUENCE_RNN")
        rnn(f"rnn_time_major_{kind}", kind, "UNIDIRECTIONAL_SEQUENCE_RNN", time_major=True)
        rnn(f"rnn_both_{kind}", kind, "BIDIRECTIONAL_SEQUENCE_RNN")
        rnn(f"rnn_both_apart_{kind}", kind, "BIDIRECTIONAL_SEQUENCE_RNN", merge=False)
    for act in (0, 1, 2, 3):
        rnn(f"rnn_act{act}", "f32", "RNN", act=act)
    rnn("rnn_asymmetric", "s8", "RNN", asymmetric=True)


def svdf(name, kind, rank=2, act=0, units=3, memory=6):
    r = seed_of(name)
    f = units * rank
    x = T("f32", (B, I), values=r.uniform(-1, 1, (B, I)))
    y = T("f32")
    ins = [x, weights(r, kind, f, I), weights(r, kind, f, memory), T("f32", (units,), data=r.uniform(-0.5, 0.5, units)),
           state(B, f * memory)]
    CASES[name] = ([("SVDF", ins, [y], ("SVDFOptions", {"rank": rank, "fusedActivationFunction": act}))], [x], [y])


def svdf_int(name, rank=2, act=0, units=3, memory=6):
    r = seed_of(name)
    f = units * rank
    x = T("s8", (B, I), values=r.integers(-128, 128, (B, I)), scale=0.01, zero=7)
    y = T("s8", scale=0.03, zero=-4)
    ins = [x, T("s8", (f, I), data=r.integers(-127, 128, (f, I)), scale=0.006, zero=0),
           T("s16", (f, memory), data=r.integers(-32767, 32768, (f, memory)), scale=3e-5, zero=0),
           T("s32", (units,), data=r.integers(-20000, 20000, units), scale=3e-5 * 0.0002, zero=0),
           state(B, f * memory, dtype="s16", scale=0.0002, zero=0)]
    CASES[name] = ([("SVDF", ins, [y], ("SVDFOptions", {"rank": rank, "fusedActivationFunction": act}))], [x], [y])


def svdfs():
    for kind in ("f32", "s8"):
        for rank in (1, 2):
            svdf(f"svdf_{rank}_{kind}", kind, rank)
    svdf("svdf_relu", "f32", act=1)
    for rank in (1, 2):
        svdf_int(f"svdf_int_{rank}", rank)
    svdf_int("svdf_int_relu", act=1)


def volumes():
    for padding in (0, 1):
        for stride, dilation in ((1, 1), (2, 1), (1, 2)):
            name = f"conv3d_{padding}{stride}{dilation}"
            r = seed_of(name)
            d = (1, 6, 7, 5, 2)
            x, y = T("f32", d, values=r.uniform(-1, 1, d)), T("f32")
            w, b = T("f32", (2, 3, 2, 2, 3), data=r.uniform(-1, 1, (2, 3, 2, 2, 3))), T("f32", (3,), data=r.uniform(-1, 1, 3))
            o = {"padding": padding, "strideD": stride, "strideH": stride, "strideW": stride, "dilationDFactor": dilation,
                 "dilationHFactor": dilation, "dilationWFactor": dilation, "fusedActivationFunction": 1 if dilation > 1 else 0}
            CASES[name] = ([("CONV_3D", [x, w, b], [y], ("Conv3DOptions", o))], [x], [y])
        for stride in (1, 2):
            name = f"conv3d_transpose_{padding}{stride}"
            r = seed_of(name)
            d = (1, 3, 4, 2, 3)
            x, y = T("f32", d, values=r.uniform(-1, 1, d)), T("f32")
            w = T("f32", (2, 3, 2, 2, 3), data=r.uniform(-1, 1, (2, 3, 2, 2, 3)))
            k = (2, 3, 2)
            size = [1] + [n * stride if padding == 0 else (n - 1) * stride + k[i] for i, n in enumerate(d[1:4])] + [2]
            o = {"padding": padding, "strideD": stride, "strideH": stride, "strideW": stride, "dilationDFactor": 1,
                 "dilationHFactor": 1, "dilationWFactor": 1}
            CASES[name] = ([("CONV_3D_TRANSPOSE", [T("s32", [5], data=np.array(size)), w, x], [y], ("Conv3DOptions", o))], [x], [y])


def make(operators, inputs, outputs):
    """Two runs: the second has the values of the first in another order, and the state that it left."""
    first = [np.ascontiguousarray(np.array(t.values).astype(TYPES[t.dtype][1])).reshape(t.dims) for t in inputs]
    runs = [first, [np.ascontiguousarray(v.reshape(-1)[::-1].reshape(v.shape)) for v in first]]
    results = run_with(build(operators, inputs, outputs), None, OpResolverType.BUILTIN_REF, runs)
    for t, r in zip(outputs, results[0]):
        t.dims = list(r.shape)
    data = build(operators, inputs, outputs)
    return (data, [b"".join(v.tobytes() for v in vs) for vs in zip(*runs)],
            [b"".join(np.ascontiguousarray(v).tobytes() for v in vs) for vs in zip(*results)])


def main():
    for group in (lstms, rnns, svdfs, volumes):
        group()
    wanted = sys.argv[2] if len(sys.argv) > 2 else "*"
    done = {}
    for name, case in CASES.items():
        if not fnmatch.fnmatch(name, wanted):
            continue
        try:
            done[name] = make(*case)
        except (RuntimeError, ValueError) as error:
            print(f"{name}: the peer does not run it: {str(error).splitlines()[0]}", file=sys.stderr)
    with open(sys.argv[1], "wb") as file:
        file.write(pack(done))
    print(f"{len(done)} cases")


if __name__ == "__main__":
    main()
