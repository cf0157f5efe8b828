#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints block_values.inc: what the gguf package decodes pseudo-random blocks to. Needs: pip install gguf."""
import os
import re
import zlib

import numpy as np
from gguf import GGMLQuantizationType, quants

BLOCKS = 64


def random_bytes(seed, count):
    state, out = seed, bytearray()
    for _ in range(count):
        state = (state * 1664525 + 1013904223) & 0xffffffff
        out.append(state >> 24)
    return out


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "../../kernels/blockquant/formats.inc"), encoding="utf-8") as file:
        rows = re.findall(r"^QFK_BLOCK\((\w+), (-?\d+), (\d+), (\d+), \w+, \{(.*?)\}, \{(.*?)\}\)", file.read(), re.M)
    print("/* SPDX-License-Identifier: MIT */\n"
          "/* block_values.inc - BLOCK(format, CRC-32 of all values' bits, first value, last value): made by block_values.py. */")
    for name, number, values, size, *runs in rows:
        if int(number) < 0 or not (name in ("F32", "F16") or GGMLQuantizationType(int(number)) in quants._type_traits):
            continue
        data = np.frombuffer(random_bytes(int(number) + 1, BLOCKS * int(size)), np.uint8).reshape(BLOCKS, int(size)).copy()
        for run in runs:
            offset, width, count = ([int(v) for v in run.split(",")] + [0, 0])[:3]
            for i in range(count):  # no infinity and no NaN
                data[:, offset + (i + 1) * width - 1] &= 0xbf
        if name in ("IQ1_M", "MXFP4"):
            data[:, 55 if name == "IQ1_M" else 0] &= 0xbf
        y = quants.dequantize(data, GGMLQuantizationType(int(number))).astype("<f4").ravel()
        assert np.isfinite(y).all()
        print(f"BLOCK({name}, 0x{zlib.crc32(y.tobytes()):08x}, {float(y[0]).hex()}f, {float(y[-1]).hex()}f)")


main()
