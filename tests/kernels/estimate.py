# SPDX-License-Identifier: MIT
"""estimate.py - what `enable_fast_math` would gain on a machine with AVX512-BF16, from the models of main loops: nothing is run.

Cycles of a layer are those of its multiplications, of the transforms of Winograd's method and of making bfloat16, or of reading its
weights where that takes longer. llvm-mca charges vdpbf16ps two or three cycles; on Zen 4 one a cycle was measured, like vfmadd231ps, so it is
read as that. Each layer takes the way that costs least. What is neither convolution nor product (pools, sums) is left out.
"""
import math
import os
import re
import subprocess

CPU = "znver4"
CYCLES_A_BYTE = 0.19 # of weights, fetched while others are multiplied: COST_WEIGHT of kernels/conv/wino.c
CYCLES_A_RESULT = 0.1 # to store a float; measured on Zen 4: 0.90 of peak with K = 32 in bfloat16, 0.95 with 64
DETOUR = 2 # transforms go through caches: their measured time on Zen 3 to the model's
LANES = 16


class Costs:
    """Cycles of a multiplication, of a tile's transforms for 16 channels, of 16 values made bfloat16; bytes of a weight."""

    def __init__(self, build, loop_cost, bf16):
        isa, instead = ("avx512bf16", ("vdpbf16ps", "vfmadd231ps")) if bf16 else ("avx512", None)
        kind = "bf16" if bf16 else "f32"
        took, count = loop_cost("%s tile 6x64 %s" % (kind, isa), build, CPU, instead)
        self.bytes = 2 if bf16 else 4
        self.mac = took / (count * LANES * (2 if bf16 else 1))
        self.into, _ = loop_cost("%s wino F(4,3) in %s" % (kind, isa), build, CPU)
        self.out, _ = loop_cost("%s wino F(4,3) out %s" % (kind, isa), build, CPU)
        self.narrow = 0
        if bf16:
            took, count = loop_cost("bf16 from f32 avx512bf16", build, CPU)
            self.narrow = took / count
        took, count = loop_cost("f32 dw 3x3s1 avx512", build, CPU)
        self.depthwise = took / (count * LANES)

    def products(self, rows, k, n):
        return max(rows * n * (k * self.mac + CYCLES_A_RESULT), k * n * self.bytes * CYCLES_A_BYTE)

    def direct(self, rows, k, n, values):
        return self.products(rows, k, n) + values / LANES * self.narrow

    def winograd(self, height, width, c, n):
        tiles = math.ceil(height / 4) * math.ceil(width / 4)
        return 36 * self.products(tiles, c, n) + DETOUR * tiles * (c * self.into + n * self.out) / LANES


def tensors(text):
    return [[int(d) for d in dims.split("x")] for dims in re.findall(r":float32\[([0-9x]+)\]", text)]


def layers(tool, model):
    """(operator, dimensions of x, of w, of y, stride) of each node that multiplies by constants."""
    text = subprocess.run([tool, "dump", model], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        node = re.match(r"\s*\d+ (\w+) '[^']*' \((.*)\) -> \(([^)]*)\)(.*)", line)
        if not node or node.group(1) not in ("Conv2d", "DepthWiseConv2d", "FullyConnected", "MatMul"):
            continue
        inputs, outputs = tensors(node.group(2)), tensors(node.group(3))
        if len(inputs) > 1 and outputs and "=const" in node.group(2):
            stride = re.search(r"\bstride=(\d+)", node.group(4))
            yield node.group(1), inputs[0], inputs[1], outputs[0], int(stride.group(1)) if stride else 1


def cost_of(costs, layer):
    """(cycles, multiplications, whether Winograd's method is cheapest) of a layer."""
    op, x, w, y, stride = layer
    if op == "DepthWiseConv2d":
        macs = math.prod(y) * w[0] * w[1]
        return macs * costs.depthwise, macs, False
    n = y[-1]
    rows, k = math.prod(y) // n, math.prod(w) // n
    direct = costs.direct(rows, k, n, math.prod(x) // stride**2 if k == x[-1] else math.prod(x))
    if op == "Conv2d" and w[:2] == [3, 3] and stride == 1 and w[2] == x[-1] and w[2] % LANES == 0 and n % LANES == 0:
        wino = costs.winograd(y[1], y[2], w[2], n)
        if wino < direct:
            return wino, rows * k * n, True
    return direct, rows * k * n, False


def main(build, models, loop_cost):
    tool = os.path.join(build, "libqnnflow/tools/qnnflow")
    floats, bf16 = Costs(build, loop_cost, False), Costs(build, loop_cost, True)
    print("Estimated by llvm-mca's %s with vdpbf16ps as fast as vfmadd231ps; not measured." % CPU)
    print("a multiplication: %.4f cycles in float32, %.4f in bfloat16; 16 channels of an F(4,3) tile, in and out: %.0f and %.0f, %.0f and "
          "%.0f; 16 values made bfloat16: %.1f\n" % (floats.mac, bf16.mac, floats.into, floats.out, bf16.into, bf16.out, bf16.narrow))
    print("| network | MMAC | of these by F(4,3) | Mcycles float32 | Mcycles bfloat16 | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for model in models:
        pairs = [(cost_of(floats, layer), cost_of(bf16, layer)) for layer in layers(tool, model)]
        macs = sum(a[1] for a, _ in pairs)
        before, after = sum(a[0] for a, _ in pairs), sum(b[0] for _, b in pairs)
        by_wino = sum(b[1] for _, b in pairs if b[2])
        print("| %s | %.0f | %.0f %% | %.2f | %.2f | %.2f |" % (os.path.basename(model).rsplit(".", 1)[0], macs / 1e6,
              100 * by_wino / macs, before / 1e6, after / 1e6, after / before))
    return 0
