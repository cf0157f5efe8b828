# SPDX-License-Identifier: MIT
"""What the cases of tflite_cases.py and tflite_custom.py are made with: tensors with random values, and where cases are kept."""
import numpy as np
from flatbuffers import flexbuffers
from tflite_write import TYPES, build, seed_of
from tflite_write import Tensor as T

CASES = {}
NUMPY = {}  # what a case gives, where the peer has no kernel
RUNS = {}  # (model, inputs, outputs) of cases that the peer has no kernel for: several runs one after the other
def add(name, op, ins, outs, options=None, custom=None, graphs=()):
    CASES[name] = ([(op, ins, outs, options, custom)], [t for t in ins if t is not None and t.values is not None],
                   outs, graphs)


class Random:
    """Values that depend on the case's name only."""

    def __init__(self, name):
        self.r = seed_of(name)

    def real(self, *dims, lo=-3, hi=3, dtype="f32"):
        return T(dtype, dims, values=self.r.uniform(lo, hi, dims))

    def whole(self, dtype, *dims, lo=-10, hi=10):
        return T(dtype, dims, values=self.r.integers(lo, hi, dims))

    def flags(self, *dims):
        return T("bool", dims, values=self.r.integers(0, 2, dims))

    def coded(self, dtype, *dims, scale=0.05, zero=None, const=False, axis=0, lo=None, hi=None):
        low, high = {"s8": (-128, 128), "u8": (0, 256), "s16": (-32768, 32768), "s4": (-7, 8)}[dtype]
        zero = {"s8": 3, "u8": 120, "s16": 0, "s4": 0}[dtype] if zero is None else zero
        v = self.r.integers(low if lo is None else lo, high if hi is None else hi, dims)
        return T(dtype, dims, scale=scale, zero=zero, axis=axis, **{"data" if const else "values": v})


def const(dtype, values, **more):
    return T(dtype, data=np.array(values), **more)


def scalar(dtype, value):
    return T(dtype, [], data=np.array(value))


def out(dtype="f32", scale=None, zero=0):
    return T(dtype, scale=scale, zero=zero)


def runs(name, custom, options, ins, outs):
    """A custom operator with what it remembers: arrays of @ins and @outs are stacked runs."""
    tensors = [[T(t, a.shape[1:]) for t, a in side] for side in (ins, outs)]
    blob = options if isinstance(options, bytes) else bytes(flexbuffers.Dumps(options))
    data = build([("CUSTOM", tensors[0], tensors[1], None, (custom, blob))], *tensors)
    RUNS[name] = (data, *[[np.ascontiguousarray(a.astype(TYPES[t][1])).tobytes() for t, a in side] for side in (ins, outs)])
