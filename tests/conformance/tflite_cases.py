#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes one-operator models with what LiteRT's reference kernels make of them, as containers for qf-tflite-goldens.

usage: tflite_cases.py FOLDER [GLOB]      (needs ai-edge-litert; the containers are part of the repository)
tflite_ops.cases: the `tflite` scheme must give the very numbers. tflite_near.cases: it computes these in real numbers where the
peer has tables and polynomials of its own: one step at most.
"""
import fnmatch
import os
import sys

import numpy as np
import tflite_custom
from tflite_builders import CASES, NUMPY, RUNS, Random, add, const, out, scalar
from tflite_write import TYPES, make_case, pack, schema, seed_of
from tflite_write import Tensor as T

NEAR = ("sqrt_s*", "gelu_u8", "prelu_s8", "l2_normalization_u8")


QUANT = {"s8": -5, "u8": 117, "s16": 0}

UNARY = {"ABS": None, "NEG": "NegOptions", "EXP": "ExpOptions", "LOG": None, "SQRT": None, "RSQRT": None, "FLOOR": None,
         "CEIL": None, "ROUND": None, "SIGN": None, "SIN": None, "COS": "CosOptions", "RELU": None, "RELU6": None,
         "RELU_N1_TO_1": None, "RELU_0_TO_1": None, "ELU": None, "LOGISTIC": None, "TANH": None, "HARD_SWISH": None,
         "SQUARE": None, "ZEROS_LIKE": None}


def unary():
    for op in UNARY:
        n = op.lower()
        positive = op in ("LOG", "SQRT", "RSQRT")
        add(n, op, [Random(n).real(3, 7, lo=0.1 if positive else -5, hi=8)], [out()])
    for op, types in (("ABS", "s8 s16 s32"), ("RELU", "s8 u8 s16"), ("RELU6", "s8 u8 s16"), ("RELU_N1_TO_1", "s8 u8"),
                      ("RELU_0_TO_1", "s8 u8"), ("LOGISTIC", "s8 u8 s16"), ("TANH", "s8 u8 s16"), ("HARD_SWISH", "s8 u8"),
                      ("ELU", "s8"), ("EXP", "s8"), ("LOG", "s8"), ("RSQRT", "s8"), ("SQRT", "s8 s16"), ("NEG", "s32 s64"),
                      ("GELU", "s8 u8"), ("LEAKY_RELU", "s8 u8 s16")):
        for t in types.split():
            n = f"{op.lower()}_{t}"
            r = Random(n)
            if t in ("s32", "s64"):
                add(n, op, [r.whole(t, 3, 5)], [out(t)])
                continue
            fixed = {"LOGISTIC": {"s8": (1 / 256, -128), "u8": (1 / 256, 0), "s16": (1 / 32768, 0)},
                     "TANH": {"s8": (1 / 128, 0), "u8": (1 / 128, 128), "s16": (1 / 32768, 0)}}.get(op, {}).get(t)
            scale, zero = fixed or (0.08 if t != "s16" else 0.0002, QUANT[t])
            if op in ("LOG", "RSQRT", "SQRT"):
                x = r.coded(t, 2, 40, scale=0.05 if t != "s16" else 0.0002, zero=-128 if t == "s8" else 0, lo=-100 if t == "s8" else 90)
            elif op in ("LOGISTIC", "TANH") and t == "s16":
                x = r.coded(t, 2, 200, scale=1 / 4096)
            else:
                x = r.coded(t, 2, 200, scale=0.06 if t != "s16" else 0.00025)
            options = ("LeakyReluOptions", {"alpha": 0.17}) if op == "LEAKY_RELU" else None
            add(n, op, [x], [out(t, scale, zero)], options)
    add("logistic_s16_scale", "LOGISTIC", [Random("ls").coded("s16", 2, 200, scale=0.0003)], [out("s16", 1 / 32768)])
    add("tanh_s16_scale", "TANH", [Random("ts").coded("s16", 2, 200, scale=0.00021)], [out("s16", 1 / 32768)])
    for a in (0, 1):
        add(f"gelu_{a}", "GELU", [Random(f"gelu{a}").real(3, 7)], [out()], ("GeluOptions", {"approximate": bool(a)}))
    add("leaky_relu", "LEAKY_RELU", [Random("lr").real(3, 7)], [out()], ("LeakyReluOptions", {"alpha": 0.2}))
    add("logical_not", "LOGICAL_NOT", [Random("ln").flags(5)], [out("bool")])
    for f, t in (("f32", "s32"), ("s32", "f32"), ("f32", "bool"), ("s64", "s32"), ("u8", "f32"), ("f32", "f16"), ("s32", "s16"),
                 ("f32", "u8"), ("f32", "f64"), ("f64", "f32"), ("s8", "f32"), ("u32", "s64"), ("bool", "f32"), ("u16", "f32"), ("f32", "u32")):
        r = Random(f"cast{f}{t}")
        x = r.real(3, 5, lo=0, hi=99, dtype=f) if f[0] == "f" else r.flags(3, 5) if f == "bool" else r.whole(f, 3, 5, lo=0, hi=100)
        add(f"cast_{f}_{t}", "CAST", [x], [out(t)], ("CastOptions", {"inDataType": 0, "outDataType": 0}))


def binary():
    for op in ("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "POW", "FLOOR_DIV", "FLOOR_MOD", "SQUARED_DIFFERENCE",
               "EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", "ATAN2"):
        n = op.lower()
        r = Random(n)
        compare = op in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
        y = "bool" if compare else "f32"
        add(n, op, [r.real(2, 3, 4, lo=0.5 if op == "POW" else -3), r.real(*(3, 1) if op != "ATAN2" else (2, 3, 4), lo=0.5)], [out(y)])
        if op not in ("ATAN2",):
            add(n + "_s32", op, [r.whole("s32", 2, 3, 4, lo=1), r.whole("s32", 4, lo=1, hi=4)], [out("bool" if compare else "s32")])
        if op in ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "EQUAL", "LESS", "NOT_EQUAL", "GREATER_EQUAL", "FLOOR_DIV", "FLOOR_MOD"):
            if op not in ("FLOOR_DIV",):
                add(n + "_s64", op, [r.whole("s64", 2, 3), r.whole("s64", 2, 3, lo=1)], [out("bool" if compare else "s64")])
    for op, types in (("ADD", "s8 u8 s16"), ("SUB", "s8 u8 s16"), ("MUL", "s8 u8 s16"),
                      ("MAXIMUM", "s8 u8 s16"), ("MINIMUM", "s8 u8 s16"), ("SQUARED_DIFFERENCE", "s8"),
                      ("EQUAL", "s8 u8"), ("LESS", "s8 u8"), ("GREATER_EQUAL", "s8")):
        for t in types.split():
            n = f"{op.lower()}_{t}"
            r = Random(n)
            small = 0.0003 if t == "s16" else 0.05
            same = op in ("MAXIMUM", "MINIMUM")
            a = r.coded(t, 3, 4, 16, scale=small)
            b = r.coded(t, 4, 16, scale=small if same else small * 1.3, zero=a.zero if same else QUANT[t])
            compare = op in ("EQUAL", "LESS", "GREATER_EQUAL")
            if compare:
                add(n, op, [a, b], [out("bool")])
                continue
            y = out(t, small if same else small * (2.1 if op != "MUL" else 1.7 if t != "s16" else 0.9), a.zero if same else QUANT[t])
            kind = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}.get(op)
            add(n, op, [a, b], [y], (kind, {"fusedActivationFunction": 1}) if kind and t == "u8" else (kind, {}) if kind else None)
    for t in ("s16", "s32", "u32", "s8"):
        n = f"bitwise_xor_{t}"
        add(n, "BITWISE_XOR", [Random(n).whole(t, 3, 4, lo=0, hi=100), Random(n + "b").whole(t, 4, lo=0, hi=100)], [out(t)])
    for t in ("s16", "s32", "u32", "s8", "u8"):
        n = f"right_shift_{t}"
        add(n, "RIGHT_SHIFT", [Random(n).whole(t, 3, 4, lo=0 if t[0] == "u" else -100, hi=100), Random(n + "b").whole(t, 4, lo=0, hi=6)], [out(t)])
    add("logical_and", "LOGICAL_AND", [Random("la").flags(3, 4), Random("lb").flags(4)], [out("bool")])
    add("logical_or", "LOGICAL_OR", [Random("lc").flags(3, 4), Random("ld").flags(4)], [out("bool")])
    add("add_n", "ADD_N", [Random("an").real(3, 4), Random("an2").real(3, 4), Random("an3").real(3, 4)], [out()])
    add("add_n_s32", "ADD_N", [Random("an").whole("s32", 3, 4), Random("an2").whole("s32", 3, 4)], [out("s32")])
    add("prelu", "PRELU", [Random("pr").real(2, 3, 3, 4), T("f32", data=seed_of("pr2").uniform(0, 1, (1, 1, 4)))], [out()])
    for t in ("s8", "u8"):
        r = Random(f"prelu{t}")
        add(f"prelu_{t}", "PRELU", [r.coded(t, 2, 3, 3, 4), r.coded(t, 1, 1, 4, scale=0.01, const=True)], [out(t, 0.07, QUANT[t])])
    add("select", "SELECT", [Random("s1").flags(3), Random("s2").real(3, 4), Random("s3").real(3, 4)], [out()])
    add("select_v2", "SELECT_V2", [Random("s4").flags(3, 1), Random("s5").real(4), Random("s6").real(2, 3, 4)], [out()])
    add("select_v2_s8", "SELECT_V2", [Random("s4").flags(3, 4), Random("s5").coded("s8", 3, 4), Random("s6").coded("s8", 3, 4)], [out("s8", 0.05, 3)])


def weighted():
    def conv(n, op, t, x_dims, w_dims, options, bias="s32", w_type="s8", channels=None, bias_on=True, act=0, kind="Conv2DOptions", w_axis=0,
             asym=False):
        r = Random(n)
        channels = channels or w_dims[0]
        options = dict(options, fusedActivationFunction=act)
        if t == "f32":
            w = T("f32", data=r.r.uniform(-1, 1, w_dims))
            b = T("f32", data=r.r.uniform(-1, 1, channels))
            return add(n, op, [r.real(*x_dims), w] + ([b] if bias_on else []), [out()], (kind, options))
        if t == "hybrid":
            w = r.coded(w_type, *w_dims, const=True, scale=r.r.uniform(0.005, 0.01, channels), zero=0, axis=w_axis, lo=-127 if w_type == "s8" else -7)
            b = T("f32", data=r.r.uniform(-1, 1, channels))
            return add(n, op, [r.real(*x_dims), w] + ([b] if bias_on else []), [out()], (kind, options))
        sx = 0.05 if t != "s16" else 0.0003
        per = t != "u8"
        sw = r.r.uniform(0.004, 0.02, channels).astype(np.float32) if per else np.float32(0.01)
        w = r.coded("u8" if t == "u8" else w_type, *w_dims, const=True, scale=sw, zero=0 if per else 120, axis=w_axis,
                    lo=(-127 if w_type == "s8" else -7) if per else None)
        x = r.coded(t, *x_dims, scale=sx)
        b = T("s64" if t == "s16" else "s32", data=r.r.integers(-2000, 2000, channels), scale=np.float32(sx) * sw, axis=0)
        add(n, op, [x, w] + ([b] if bias_on else []), [out(t, 0.11 if t != "s16" else 0.0007, QUANT[t])], (kind, options))

    s1, s2 = {"padding": 0, "strideW": 1, "strideH": 1}, {"padding": 1, "strideW": 2, "strideH": 2}
    for t in ("f32", "s8", "u8", "s16", "hybrid"):
        conv(f"conv_{t}", "CONV_2D", t, (1, 6, 7, 8), (5, 3, 3, 8), s1, act=1 if t in ("s8", "f32") else 0)
        conv(f"conv_valid_{t}", "CONV_2D", t, (2, 7, 7, 4), (6, 3, 2, 4), s2)
        conv(f"dwconv_{t}", "DEPTHWISE_CONV_2D", t, (1, 6, 7, 4), (1, 3, 3, 8), dict(s1, depthMultiplier=2), channels=8, w_axis=3,
             kind="DepthwiseConv2DOptions", act=3 if t == "s8" else 0)
    for t in ("f32", "s8"):
        conv(f"conv_group_{t}", "CONV_2D", t, (1, 5, 5, 8), (6, 3, 3, 4), s1)
        conv(f"conv_dilated_{t}", "CONV_2D", t, (1, 9, 9, 3), (4, 3, 3, 3), dict(s1, dilationWFactor=2, dilationHFactor=2))
    for t in ("hybrid_one",):
        r = Random(t)
        w = r.coded("s8", 5, 3, 3, 8, const=True, scale=0.01, zero=0, lo=-127)
        add("conv_hybrid_one", "CONV_2D", [r.real(2, 6, 7, 8), w, T("f32", data=r.r.uniform(-1, 1, 5))], [out()],
            ("Conv2DOptions", dict(s1, fusedActivationFunction=1)))
    conv("conv_s4", "CONV_2D", "s8", (1, 6, 7, 8), (5, 3, 3, 8), s1, w_type="s4")
    conv("dwconv_s4", "DEPTHWISE_CONV_2D", "s8", (1, 6, 7, 8), (1, 3, 3, 8), dict(s1, depthMultiplier=1), channels=8, w_axis=3, w_type="s4",
         kind="DepthwiseConv2DOptions")
    for t in ("f32", "s8", "u8", "s16"):
        n = f"transpose_conv_{t}"
        r = Random(n)
        size = const("s32", [1, 8, 9, 5])
        w_dims = (5, 3, 3, 4)
        if t == "f32":
            ins = [size, T("f32", data=r.r.uniform(-1, 1, w_dims)), r.real(1, 4, 5, 4)]
        else:
            sw = r.r.uniform(0.004, 0.02, 5).astype(np.float32) if t != "u8" else np.float32(0.01)
            w = r.coded("u8" if t == "u8" else "s8", *w_dims, const=True, scale=sw, zero=0 if t != "u8" else 120)
            sx = 0.05 if t != "s16" else 0.0003
            x = r.coded(t, 1, 4, 5, 4, scale=sx)
            ins = [size, w, x, T("s64" if t == "s16" else "s32", data=r.r.integers(-2000, 2000, 5), scale=np.float32(sx) * sw)]
        add(n, "TRANSPOSE_CONV", ins, [out(t, None if t == "f32" else 0.11 if t != "s16" else 0.0007, QUANT.get(t, 0))],
            ("TransposeConvOptions", {"padding": 0, "strideW": 2, "strideH": 2}))
    for t in ("f32", "s8", "u8", "s16", "hybrid"):
        fc(f"fc_{t}", t, act=1 if t == "u8" else 0)
    fc("fc_channel_s8", "s8", per=True)
    fc("fc_keep_s8", "s8", keep=True, dims=(2, 3, 16))
    fc("fc_nobias", "f32", bias=False)
    fc("fc_s4", "s8", w_type="s4")
    fc("fc_hybrid_s4", "hybrid", w_type="s4")
    fc("fc_hybrid_asym", "hybrid", asym=True)
    fc("fc_hybrid_channel", "hybrid", per=True)
    fc("fc_hybrid_rows", "hybrid", dims=(5, 16))
    fc("fc_hybrid_rows_asym", "hybrid", dims=(5, 16), asym=True, per=True)
    blockwise("fc_blockwise_s4", "s4")
    blockwise("fc_blockwise_s8", "s8")
    sparse("fc_sparse", "f32", densify=True)
    sparse("fc_sparse_block", "f32", 4, densify=True)
    sparse("fc_sparse_direct", "f32", 4)
    sparse("fc_sparse_f16", "f16", densify=True)
    for asym in (0, 1):
        n = f"batch_matmul_hybrid_{asym}"
        r = Random(n)
        add(n, "BATCH_MATMUL", [r.real(2, 3, 16), r.coded("s8", *((16, 4) if asym else (1, 4, 16)), scale=0.01, zero=0, const=True, lo=-127)], [out()],
            ("BatchMatMulOptions", {"adjY": not asym, "asymmetricQuantizeInputs": bool(asym)}))
    for t in ("f32", "s8", "s16"):
        for adj in (0, 1):
            n = f"batch_matmul_{t}_{adj}"
            r = Random(n)
            a, b = ((2, 3, 5), (2, 5, 4)) if not adj else ((2, 5, 3), (1, 4, 5))
            s = 0.05 if t == "s8" else 0.0004
            ins = [r.real(*a), r.real(*b)] if t == "f32" else [r.coded(t, *a, scale=s), r.coded(t, *b, scale=s)]
            add(n, "BATCH_MATMUL", ins, [out(t, None if t == "f32" else 0.3 if t == "s8" else 0.0016, QUANT.get(t, 0))],
                ("BatchMatMulOptions", {"adjX": bool(adj), "adjY": bool(adj)}))

def fc(n, t, per=False, keep=False, dims=(3, 16), bias=True, act=0, w_type="s8", asym=False):
    r = Random(n)
    options = ("FullyConnectedOptions", {"fusedActivationFunction": act, "keepNumDims": keep, "asymmetricQuantizeInputs": asym})
    if t in ("f32", "hybrid"):
        w = T("f32", data=r.r.uniform(-1, 1, (6, 16)))
        if t == "hybrid":
            w = r.coded(w_type, 6, 16, const=True, scale=r.r.uniform(0.005, 0.01, 6) if per else 0.01, zero=0, lo=-127 if w_type == "s8" else -7)
        return add(n, "FULLY_CONNECTED", [r.real(*dims), w] + ([T("f32", data=r.r.uniform(-1, 1, 6))] if bias else []), [out()], options)
    sx = 0.05 if t != "s16" else 0.0003
    sw = r.r.uniform(0.004, 0.02, 6).astype(np.float32) if per else np.float32(0.01)
    w = r.coded("u8" if t == "u8" else w_type, 6, 16, const=True, scale=sw, zero=0 if t != "u8" else 130, lo=None if t == "u8" else -7 if w_type == "s4" else -127)
    b = T("s64" if t == "s16" else "s32", data=r.r.integers(-2000, 2000, 6), scale=np.float32(sx) * sw)
    return add(n, "FULLY_CONNECTED", [r.coded(t, *dims, scale=sx), w, b], [out(t, 0.09 if t != "s16" else 0.0007, QUANT[t])], options)


def levels(*given):
    """Levels of a sparse tensor: a number is a dense one, two lists are the segments and indices of a compressed one."""
    made = []
    for level in given:
        d = schema.DimensionMetadataT()
        if isinstance(level, int):
            d.format, d.denseSize = 0, level
        else:
            d.format = 1
            for name, values in zip(("Segments", "Indices"), level):
                v = schema.Uint8VectorT() if name == "Indices" else schema.Int32VectorT()
                v.values = np.array(values, np.uint8 if name == "Indices" else np.int32)
                setattr(d, "array" + name, v)
                setattr(d, f"array{name}Type", 3 if name == "Indices" else 1)
        made.append(d)
    return made


def sparse(name, dtype, block=1, densify=False):
    """A fully connected layer whose weights are stored as the blocks of four that are not zero."""
    r = Random(name)
    dense = r.r.integers(-20, 20, (6, 16)) if dtype != "f16" else np.float16(r.r.uniform(-1, 1, (6, 16)))
    keep = r.r.uniform(0, 1, (6, 16 // block)) < 0.4
    dense = dense * np.repeat(keep, block, 1)
    segments, indices, values = [0], [], []
    for row, kept in zip(dense, keep):
        for i in np.flatnonzero(kept):
            indices.append(i)
            values += list(row[i * block:(i + 1) * block])
        segments.append(len(indices))
    p = schema.SparsityParametersT()
    p.traversalOrder = np.arange(3 if block > 1 else 2, dtype=np.int32)
    p.blockMap = np.array([1] if block > 1 else [], np.int32)
    p.dimMetadata = levels(6, (segments, indices), *([block] if block > 1 else []))
    raw = np.array(values).astype(TYPES[dtype][1]).tobytes()
    w = T(dtype, (6, 16), raw=raw, sparsity=p)
    operators, weights = [], w
    if densify:
        weights = T(dtype, (6, 16))
        operators.append(("DENSIFY", [w], [weights], ("DensifyOptions", {})))
    if dtype == "f16":
        real = T("f32", (6, 16))
        operators.append(("DEQUANTIZE", [weights], [real]))
        weights = real
    x, y = r.real(3, 16), out()
    operators.append(("FULLY_CONNECTED", [x, weights, T("f32", data=r.r.uniform(-1, 1, 6))], [y], ("FullyConnectedOptions", {})))
    CASES[name] = (operators, [x], [y], ())


def blockwise(name, dtype):
    """Weights with a scale for every 32; the peer's reference kernels ignore the scales."""
    r = Random(name)
    scales = np.float16(r.r.uniform(0.01, 0.05, (6, 2)))
    w = T(dtype, data=r.r.integers(-7, 8, (6, 64)), blocks=(T("f16", data=scales), 32))
    real = np.array(w.data) * np.repeat(np.float64(scales), 32, 1)
    add(name, "FULLY_CONNECTED", [r.real(3, 64), w, T("f32", data=np.zeros(6))], [out()], ("FullyConnectedOptions", {}))
    NUMPY[name] = lambda x: x.astype(np.float64) @ real.T


def windows():
    for op in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
        for t in ("f32", "s8", "u8", "s16"):
            if op == "L2_POOL_2D" and t != "f32":
                continue
            n = f"{op.lower()}_{t}"
            r = Random(n)
            x = r.real(2, 6, 7, 3) if t == "f32" else r.coded(t, 2, 6, 7, 3)
            add(n, op, [x], [out(t, x.scale, x.zero)],
                ("Pool2DOptions", {"padding": 0, "strideW": 2, "strideH": 1, "filterWidth": 3, "filterHeight": 2,
                                   "fusedActivationFunction": 1 if t in ("u8", "f32") else 0}))
    for t in ("f32", "s8", "u8", "s16"):
        for mode in (0, 1, 2):
            n = f"resize_bilinear_{t}_{mode}"
            r = Random(n)
            x = r.real(1, 4, 5, 3) if t == "f32" else r.coded(t, 1, 4, 5, 3)
            add(n, "RESIZE_BILINEAR", [x, const("s32", [7, 11])], [out(t, x.scale, x.zero)],
                ("ResizeBilinearOptions", {"alignCorners": mode == 1, "halfPixelCenters": mode == 2}))
            n = f"resize_nearest_{t}_{mode}"
            add(n, "RESIZE_NEAREST_NEIGHBOR", [x, const("s32", [7, 11])], [out(t, x.scale, x.zero)],
                ("ResizeNearestNeighborOptions", {"alignCorners": mode == 1, "halfPixelCenters": mode == 2}))
    for op, o, dims in (("DEPTH_TO_SPACE", "DepthToSpaceOptions", (1, 2, 3, 8)), ("SPACE_TO_DEPTH", "SpaceToDepthOptions", (1, 4, 6, 2))):
        add(op.lower(), op, [Random(op).real(*dims)], [out()], (o, {"blockSize": 2}))
    add("batch_to_space", "BATCH_TO_SPACE_ND", [Random("b2s").real(4, 2, 3, 2), const("s32", [2, 2]), const("s32", [[0, 1], [1, 0]])], [out()])
    add("space_to_batch", "SPACE_TO_BATCH_ND", [Random("s2b").real(1, 3, 5, 2), const("s32", [2, 2]), const("s32", [[0, 1], [1, 0]])], [out()])
    add("space_to_batch_1", "SPACE_TO_BATCH_ND", [Random("s2b1").real(1, 5, 2), const("s32", [2]), const("s32", [[0, 1]])], [out()])
    add("l2_normalization", "L2_NORMALIZATION", [Random("l2n").real(2, 3, 4)], [out()], ("L2NormOptions", {}))
    add("l2_normalization_s8", "L2_NORMALIZATION", [Random("l2n").coded("s8", 2, 3, 16)], [out("s8", 1 / 128, 0)], ("L2NormOptions", {}))
    add("l2_normalization_u8", "L2_NORMALIZATION", [Random("l2n").coded("u8", 2, 3, 16)], [out("u8", 1 / 128, 128)], ("L2NormOptions", {}))
    add("local_response", "LOCAL_RESPONSE_NORMALIZATION", [Random("lrn").real(1, 3, 3, 7)], [out()],
        ("LocalResponseNormalizationOptions", {"radius": 2, "bias": 1.5, "alpha": 0.3, "beta": 0.7}))
    add("dilate", "DILATE", [Random("dil").real(2, 3, 4), const("s32", [2, 1, 3]), scalar("f32", 0.5)], [out()], ("DilateOptions", {}))
    add("dilate_s8", "DILATE", [Random("dil").whole("s8", 3, 4), const("s32", [2, 3]), scalar("s8", 7)], [out("s8")], ("DilateOptions", {}))
    for k, f in ((1, "ADD"), (2, "MUL"), (3, "MINIMUM"), (4, "MAXIMUM")):
        add(f"reduce_window_{f.lower()}", "REDUCE_WINDOW",
            [Random(f).real(4, 6, 2), scalar("f32", 1.0 if k == 2 else 0.0), const("s64", [2, 3, 1]), const("s64", [1, 2, 1]),
             const("s64", [1, 1, 1])], [out()], ("ReduceWindowOptions", {"reduceFunction": k}))
    add("reduce_window_dilated", "REDUCE_WINDOW",
        [Random("rwd").whole("s32", 4, 6), scalar("s32", 0), const("s64", [2, 2]), const("s64", [1, 2]),
         const("s64", [2, 1])], [out("s32")], ("ReduceWindowOptions", {"reduceFunction": 1}))


def moves():
    x = Random("mv").real(2, 3, 4)
    add("reshape", "RESHAPE", [x, const("s32", [4, -1])], [out()])
    add("squeeze", "SQUEEZE", [Random("sq").real(1, 3, 1, 4)], [out()], ("SqueezeOptions", {"squeezeDims": np.array([0, 2], np.int32)}))
    add("expand_dims", "EXPAND_DIMS", [x, scalar("s32", -2)], [out()])
    add("transpose", "TRANSPOSE", [x, const("s32", [2, 0, 1])], [out()])
    add("shape", "SHAPE", [x], [out("s32")], ("ShapeOptions", {"outType": 2}))
    add("rank", "RANK", [x], [out("s32")])
    for t in ("f32", "s8", "u8", "s16", "s32", "s64", "bool"):
        r = Random("cc" + t)
        a, b = [r.real(2, 3, 4) if t == "f32" else r.flags(2, 3, 4) if t == "bool" else r.whole(t, 2, 3, 4) if t in ("s32", "s64")
                else r.coded(t, 2, 3, 4) for _ in (0, 1)]
        add(f"concat_{t}", "CONCATENATION", [a, b], [out(t, a.scale, a.zero)], ("ConcatenationOptions", {"axis": -2}))
        if t != "bool":
            add(f"pack_{t}", "PACK", [a, b], [out(t, a.scale, a.zero)], ("PackOptions", {"valuesCount": 2, "axis": 1}))
        if t != "s64":
            add(f"unpack_{t}", "UNPACK", [a], [out(t, a.scale, a.zero), out(t, a.scale, a.zero)], ("UnpackOptions", {"num": 2, "axis": 0}))
        add(f"slice_{t}", "SLICE", [a, const("s32", [0, 1, 1]), const("s32", [-1, 2, 2])], [out(t, a.scale, a.zero)])
        add(f"gather_{t}", "GATHER", [a, const("s32", [2, 0, 1, 1])], [out(t, a.scale, a.zero)], ("GatherOptions", {"axis": 1}))
        add(f"gather_nd_{t}", "GATHER_ND", [a, const("s32", [[1, 2], [0, 0]])], [out(t, a.scale, a.zero)])
        add(f"strided_slice_{t}", "STRIDED_SLICE", [a, const("s32", [1, 0, 3]), const("s32", [2, 3, 0]), const("s32", [1, 2, -1])],
            [out(t, a.scale, a.zero)], ("StridedSliceOptions", {"beginMask": 0, "endMask": 2, "shrinkAxisMask": 1}))
        if t not in ("u8",):
            add(f"tile_{t}", "TILE", [a, const("s32", [1, 2, 1])], [out(t, a.scale, a.zero)])
        add(f"reverse_{t}", "REVERSE_V2", [a, const("s32", [1])], [out(t, a.scale, a.zero)])
        add(f"broadcast_to_{t}", "BROADCAST_TO", [a, const("s32", [2, 2, 3, 4])], [out(t, a.scale, a.zero)])
        if t != "bool":
            add(f"split_{t}", "SPLIT", [scalar("s32", 2), a], [out(t, a.scale, a.zero), out(t, a.scale, a.zero)], ("SplitOptions", {"numSplits": 2}))
        if t != "bool":
            add(f"pad_{t}", "PAD", [a, const("s32", [[0, 1], [1, 0], [2, 0]])], [out(t, a.scale, a.zero)])
            v = scalar("f32", 1.5) if t == "f32" else T(t, [], data=np.array(4), scale=a.scale, zero=a.zero)
            add(f"padv2_{t}", "PADV2", [a, const("s32", [[0, 1], [1, 0], [2, 0]]), v], [out(t, a.scale, a.zero)])
        add(f"mirror_pad_{t}", "MIRROR_PAD", [a, const("s32", [[0, 1], [1, 0], [2, 0]])], [out(t, a.scale, a.zero)], ("MirrorPadOptions", {"mode": 0}))
        if t in ("f32", "s8", "s32", "s64", "u8"):
            add(f"scatter_nd_{t}", "SCATTER_ND", [const("s32", [[1], [3]]), a, const("s32", [5, 3, 4])], [out(t, a.scale, a.zero)])
            add(f"one_hot_{t}", "ONE_HOT", [Random("oh").whole("s32", 3, lo=-1, hi=4), scalar("s32", 4), T(t, [], data=np.array(3), scale=a.scale, zero=a.zero),
                                            T(t, [], data=np.array(1), scale=a.scale, zero=a.zero)], [out(t, a.scale, a.zero)], ("OneHotOptions", {"axis": -1}))
            if t != "s8":
                add(f"reverse_sequence_{t}", "REVERSE_SEQUENCE", [a, const("s32", [1, 3])], [out(t, a.scale, a.zero)], ("ReverseSequenceOptions", {"seqDim": 1, "batchDim": 0}))
            add(f"topk_{t}", "TOPK_V2", [a, scalar("s32", 2)], [out(t, a.scale, a.zero), out("s32")])
        if t not in ("bool", "u8"):
            add(f"dynamic_update_slice_{t}", "DYNAMIC_UPDATE_SLICE", [a, T(t, [1, 2, 2], values=np.arange(4).reshape(1, 2, 2), scale=a.scale, zero=a.zero),
                                                                     T("s32", [3], values=[1, 2, 1])], [out(t, a.scale, a.zero)])
        add(f"fill_{t}", "FILL", [const("s32", [2, 3]), T(t, [], values=np.array(1), scale=a.scale, zero=a.zero)], [out(t, a.scale, a.zero)])
        if t in ("f32", "s32", "s64"):
            add(f"zeros_like_{t}", "ZEROS_LIKE", [a], [out(t, a.scale, a.zero)])
    add("strided_slice_masks", "STRIDED_SLICE", [x, const("s32", [0, 0, 1]), const("s32", [1, 0, 3]), const("s32", [1, 1, 1])], [out()],
        ("StridedSliceOptions", {"ellipsisMask": 2, "newAxisMask": 1}))
    add("split_v", "SPLIT_V", [x, const("s32", [1, 3]), scalar("s32", 2)], [out(), out()], ("SplitVOptions", {"numSplits": 2}))
    add("range_s32", "RANGE", [scalar("s32", 1), scalar("s32", 10), scalar("s32", 3)], [out("s32")])
    add("range_f32", "RANGE", [scalar("f32", 1), scalar("f32", 2), scalar("f32", 0.3)], [out()])
    add("gather_batch", "GATHER", [x, Random("gb").whole("s32", 2, 2, lo=0, hi=3)], [out()], ("GatherOptions", {"axis": 1, "batchDims": 1}))
    add("embedding_lookup", "EMBEDDING_LOOKUP", [Random("el").whole("s32", 3, lo=0, hi=5), Random("el2").real(5, 4)], [out()])
    add("embedding_lookup_hybrid", "EMBEDDING_LOOKUP", [Random("el").whole("s32", 3, lo=0, hi=5), Random("el3").coded("s8", 5, 4, const=True, scale=0.02, zero=0)], [out()])
    add("embedding_lookup_hybrid_rows", "EMBEDDING_LOOKUP", [Random("el").whole("s32", 3, lo=0, hi=5), Random("el3").coded("s8", 5, 4, const=True, scale=[0.02, 0.01, 0.03, 0.05, 0.04], zero=0)], [out()])
    for c in (0, 1, 2):
        add(f"embedding_lookup_sparse_{c}", "EMBEDDING_LOOKUP_SPARSE",
            [const("s32", [1, 3, 0, 4]), const("s32", [[0, 0], [0, 1], [2, 0], [2, 2]]), const("s32", [3, 3]), Random("els").real(4, lo=0.1, hi=2),
             Random("els2").real(5, 4)], [out()], ("EmbeddingLookupSparseOptions", {"combiner": c}))
    add("hashtable_lookup", "HASHTABLE_LOOKUP", [T("s32", [3], values=[11, 5, 20]), const("s32", [-3, 11, 20, 99]), Random("hl").real(4, 3)], [out(), out("u8")])
    add("broadcast_args", "BROADCAST_ARGS", [T("s32", [2], values=[3, 1]), T("s32", [3], values=[2, 1, 4])], [out("s32")])
    add("bucketize", "BUCKETIZE", [Random("bk").real(2, 5)], [out("s32")], ("BucketizeOptions", {"boundaries": np.array([-1, 0, 1.5], np.float32)}))
    add("bucketize_s32", "BUCKETIZE", [Random("bk").whole("s32", 2, 5)], [out("s32")], ("BucketizeOptions", {"boundaries": np.array([-1, 0, 5], np.float32)}))
    add("matrix_diag", "MATRIX_DIAG", [Random("md").real(2, 3)], [out()])
    add("matrix_diag_s32", "MATRIX_DIAG", [Random("md").whole("s32", 3)], [out("s32")])
    add("matrix_set_diag", "MATRIX_SET_DIAG", [Random("ms").real(2, 3, 4), Random("ms2").real(2, 3)], [out()])
    add("segment_sum", "SEGMENT_SUM", [Random("ss").real(4, 3), const("s32", [0, 0, 1, 2])], [out()])
    for f in ("PROD", "MAX", "SUM", "MIN"):
        for t in ("f32", "s32"):
            r = Random("us" + t)
            add(f"unsorted_segment_{f.lower()}_{t}", f"UNSORTED_SEGMENT_{f}",
                [r.real(4, 3) if t == "f32" else r.whole(t, 4, 3), T("s32", [4], values=[2, 0, 2, -1]), scalar("s32", 4)], [out(t)])
    add("sparse_to_dense_scalar", "SPARSE_TO_DENSE", [const("s32", [1, 4]), const("s32", [6]), scalar("f32", 2.5), scalar("f32", -1)], [out()])
    add("sparse_to_dense", "SPARSE_TO_DENSE", [const("s32", [[0, 1], [2, 3]]), const("s32", [3, 4]), Random("sd").real(2), scalar("f32", 0)], [out()])
    add("sparse_to_dense_s64", "SPARSE_TO_DENSE", [const("s32", [1, 3]), const("s32", [4]), Random("sd").whole("s64", 2), scalar("s64", 9)], [out("s64")])
    add("unique", "UNIQUE", [const("s32", [3, 1, 3, 2, 1])], [out("s32"), out("s32")], ("UniqueOptions", {"idxOutType": 2}))
    add("where", "WHERE", [const("bool", [[True, False], [True, True]])], [out("s64")])
    boxes = np.array([[0, 0, 1, 1], [0, .1, 1, 1.1], [0, -.1, 1, .9], [0, 10, 1, 11], [0, 10.1, 1, 11.1], [0, 100, 1, 101]], np.float32)
    scores = np.array([.9, .75, .6, .95, .5, .3], np.float32)
    nms = [T("f32", values=boxes), T("f32", values=scores), scalar("s32", 4), scalar("f32", 0.5), scalar("f32", 0.4)]
    add("nms_v4", "NON_MAX_SUPPRESSION_V4", nms, [out("s32"), out("s32")])
    add("nms_v5", "NON_MAX_SUPPRESSION_V5", nms + [scalar("f32", 0.5)], [out("s32"), out(), out("s32")])
    add("nms_v5_hard", "NON_MAX_SUPPRESSION_V5", nms + [scalar("f32", 0.0)], [out("s32"), out(), out("s32")])
    add("fake_quant", "FAKE_QUANT", [Random("fq").real(3, 5)], [out()], ("FakeQuantOptions", {"min": -2, "max": 2.5, "numBits": 8}))
    add("fake_quant_4", "FAKE_QUANT", [Random("fq").real(3, 5)], [out()], ("FakeQuantOptions", {"min": 0.5, "max": 2.5, "numBits": 4}))
    add("bitcast", "BITCAST", [Random("bc").real(3, 4)], [out("s32")])
    add("bitcast_narrow", "BITCAST", [T("s32", [2, 4], values=np.arange(8).reshape(2, 4))], [T("s16", [2, 4, 2])])
    add("bitcast_wide", "BITCAST", [T("u8", [2, 4], values=np.arange(8).reshape(2, 4))], [T("s32", [2])])
    add("quantize_s8", "QUANTIZE", [Random("q8").real(3, 40, lo=-8, hi=8)], [out("s8", 0.05, 3)])
    add("quantize_u8", "QUANTIZE", [Random("q8").real(3, 40, lo=-8, hi=8)], [out("u8", 0.05, 120)])
    add("quantize_s16", "QUANTIZE", [Random("q8").real(3, 40, lo=-8, hi=8)], [out("s16", 0.0003, 0)])
    for a, b in (("s8", "s8"), ("s8", "u8"), ("u8", "s8"), ("s16", "s8"), ("s8", "s16"), ("s16", "s16"), ("u8", "u8")):
        add(f"requantize_{a}_{b}", "QUANTIZE", [Random("rq" + a).coded(a, 3, 60, scale=0.05 if a != "s16" else 0.0003)],
            [out(b, 0.07 if b != "s16" else 0.0005, QUANT[b])])
    for a in ("s8", "u8", "s16"):
        add(f"dequantize_{a}", "DEQUANTIZE", [Random("dq" + a).coded(a, 3, 40)], [out()])
    add("dequantize_f16", "DEQUANTIZE", [Random("dqf").real(3, 4, dtype="f16")], [out()])
    add("concat_u8_scales", "CONCATENATION", [Random("c1").coded("u8", 2, 30), Random("c2").coded("u8", 2, 30, scale=0.08, zero=100)],
        [out("u8", 0.09, 117)], ("ConcatenationOptions", {"axis": -1}))


def reductions():
    for op in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
        for t in ("f32", "s32", "s64", "s8", "u8", "s16"):
            # The peer's products overflow, and its sums of int8 ignore the zero points.
            if op == "REDUCE_PROD" and t in ("s8", "u8", "s16") or op == "SUM" and t in ("s8", "s16"):
                continue
            for axes in ([1, 2], [-1], [0]):
                n = f"{op.lower()}_{t}_{'_'.join(str(a) for a in axes)}"
                r = Random(n)
                x = r.real(2, 5, 4, 6) if t == "f32" else r.whole(t, 2, 5, 4, 6) if t in ("s32", "s64") else r.coded(t, 2, 5, 4, 6)
                same = op in ("REDUCE_MAX", "REDUCE_MIN")
                scale = None if x.scale is None else x.scale if same else x.scale * (7.3 if op == "SUM" else 1.1)
                add(n, op, [x, const("s32", axes)], [out(t, scale, 0 if scale is None else x.zero if same else QUANT[t])],
                    ("ReducerOptions", {"keepDims": len(axes) == 1}))
    for t in ("s8", "u8"):
        x = Random("ms" + t).coded(t, 1, 5, 4, 6)
        add(f"mean_same_{t}", "MEAN", [x, const("s32", [1, 2])], [out(t, x.scale, x.zero)], ("ReducerOptions", {"keepDims": True}))
    add("reduce_any", "REDUCE_ANY", [Random("ra").flags(3, 4), const("s32", [1])], [out("bool")], ("ReducerOptions", {}))
    add("reduce_all", "REDUCE_ALL", [Random("rl").flags(3, 4), const("s32", [0])], [out("bool")], ("ReducerOptions", {}))
    for t in ("f32", "s8", "u8", "s32"):
        r = Random("am" + t)
        x = r.real(3, 5) if t == "f32" else r.whole(t, 3, 5) if t == "s32" else r.coded(t, 3, 5)
        for op, o in (("ARG_MAX", "ArgMaxOptions"), ("ARG_MIN", "ArgMinOptions")):
            add(f"{op.lower()}_{t}", op, [x, scalar("s32", -1)], [out("s32")], (o, {"outputType": 2}))
    for e in (0, 1):
        for v in (0, 1):
            add(f"cumsum_{e}{v}", "CUMSUM", [Random("cu").real(3, 4), scalar("s32", 1)], [out()], ("CumsumOptions", {"exclusive": bool(e), "reverse": bool(v)}))
    add("cumsum_s64", "CUMSUM", [Random("cu").whole("s64", 3, 4), scalar("s32", 0)], [out("s64")], ("CumsumOptions", {}))
    for t in ("f32", "s8", "u8"):
        r = Random("sm" + t)
        x = r.real(3, 10) if t == "f32" else r.coded(t, 3, 10, scale=0.1 if t != "s16" else 0.0005)
        y = {"f32": (None, 0), "s8": (1 / 256, -128), "u8": (1 / 256, 0), "s16": (1 / 32768, 0)}[t]
        add(f"softmax_{t}", "SOFTMAX", [x], [out(t, *y)], ("SoftmaxOptions", {"beta": 1.0}))
        if t != "s16":
            x = r.real(40, 7) if t == "f32" else r.coded(t, 40, 7, scale=0.02)
            add(f"softmax_fine_{t}", "SOFTMAX", [x], [out(t, *y)], ("SoftmaxOptions", {"beta": 0.9}))
            y = {"f32": (None, 0), "s8": (16 / 256, 127), "u8": (16 / 256, 255)}[t]
            add(f"log_softmax_{t}", "LOG_SOFTMAX", [x], [out(t, *y)])


def signals():
    for dims, length in (((2, 16), [1, 16]), ((1, 4, 8), [4, 8]), ((3, 10), [1, 8])):
        n = "rfft2d_" + "x".join(map(str, dims))
        x = Random(n).real(*dims)
        if length[0] == 1:
            x = Random(n).real(dims[0], 1, dims[1])
        spectrum = T("c64")
        y = out()
        CASES[n + "_abs"] = ([("RFFT2D", [x, const("s32", length)], [spectrum], ("Rfft2dOptions", {})), ("COMPLEX_ABS", [spectrum], [y])], [x], [y], ())
        for op in ("REAL", "IMAG"):
            y, spectrum = out(), T("c64")
            CASES[f"{n}_{op.lower()}"] = ([("RFFT2D", [x, const("s32", length)], [spectrum], ("Rfft2dOptions", {})), (op, [spectrum], [y])], [x], [y], ())


def main():
    for group in (tflite_custom.signal_operators, tflite_custom.mediapipe, tflite_custom.stablehlo, tflite_custom.detections, unary, binary, weighted, windows, moves, reductions, signals):
        group()
    wanted = sys.argv[2] if len(sys.argv) > 2 else "*"
    files = {"tflite_ops.cases": {}, "tflite_near.cases": {}}
    for name, (operators, inputs, outputs, graphs) in CASES.items():
        if not fnmatch.fnmatch(name, wanted):
            continue
        near = any(fnmatch.fnmatch(name, n) for n in NEAR)
        try:
            files["tflite_near.cases" if near else "tflite_ops.cases"][name] = make_case(operators, inputs, outputs, graphs,
                                                                                                              NUMPY.get(name))
        except (RuntimeError, ValueError) as error:
            print(f"{name}: the peer does not run it: {str(error).splitlines()[0]}", file=sys.stderr)
    files["tflite_ops.cases"].update({k: v for k, v in RUNS.items() if fnmatch.fnmatch(k, wanted)})
    for name, cases in files.items():
        with open(os.path.join(sys.argv[1], name), "wb") as file:
            file.write(pack(cases))
        print(f"{name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
