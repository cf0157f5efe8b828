#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Packets that HVX kernels take on Hexagon: a measure of speed where there is no device.

usage: packets.py [--build DIR] [--networks] [--threads N]
Without --networks: prints the table of inner loops (static, from the disassembly) and of whole kernels (dynamic, by the packet
counter of qemu-hexagon), and fails when a figure is below its limit. With it: all layers of MobileNet v1, v2 and ResNet-50 at 224.

A packet is up to four instructions that begin together, one a cycle and thread at best. What is not counted: waiting for memory and for
results, and the sharing of HVX units by threads. So the figures are bounds from below on cycles, and compare kernels.
"""
import argparse
import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
PEAK = 256  # uint8 by int8 multiply-adds of two vrmpy by scalars, all that v66 can do in a packet

# Function, what, share of products that count (a 3x3 filter uses three of four taps), least multiply-adds a packet: of the loop, and of
# those of its packets that hold products. The loops of depthwise 3x3 hold the requantisation too, which takes the multipliers for 8 of
# 20 or 22 packets, 16 of 28 (8 of 14) where sums are longer than 16 bits.
LOOPS = [
    ("run_plain", "convolution", 1.0, 0.9 * PEAK, 0.9 * PEAK),
    ("qfk_dwnarrow_first", "depthwise 3x3 with its requantisation, sums of 16 bits", 0.75, 110, 110),
    ("qfk_dwnarrow_first_zero", "depthwise 3x3 with its requantisation, sums of 16 bits, a zero point", 0.75, 104, 110),
    ("run_first", "depthwise 3x3 with its requantisation", 0.75, 82, 110),
    ("run_second", "depthwise 3x3 stride 2 with its requantisation", 0.75, 82, 110),
    ("sum_three", "depthwise, other filters of three rows", 0.75, 110, 110),
    ("run_panel", "fully connected (loads a vector a packet)", 1.0, 128, 128),
]
# What, spec, least multiply-adds a packet of the whole kernel: a little below what it reaches.
WHOLE = [
    ("1x1, 28x28x256 to 256", "conv,28,28,256,256,1,1,28", 0.85 * PEAK),
    ("3x3, 56x56x64 to 64", "conv,56,56,64,64,3,1,56", 0.82 * PEAK),
    ("3x3, 28x28x128 to 128", "conv,28,28,128,128,3,1,28", 0.83 * PEAK),
    ("1x1, 14x14x512 to 512", "conv,14,14,512,512,1,1,14", 0.785 * PEAK),
    ("1x1, 7x7x512 to 512", "conv,7,7,512,512,1,1,7", 0.63 * PEAK),
    ("1x1, 56x56x64 to 64", "conv,56,56,64,64,1,1,56", 0.68 * PEAK),
    ("3x3 stride 2, 56x56x128 to 128", "conv,56,56,128,128,3,2,28", 0.74 * PEAK),
    ("depthwise 3x3, 112x112x32", "dw,112,112,32,32,3,1,112", 49),
    ("depthwise 3x3, 28x28x256", "dw,28,28,256,256,3,1,28", 37.5),
    ("depthwise 3x3, 14x14x512", "dw,14,14,512,512,3,1,14", 16.7),
    ("depthwise 3x3 stride 2, 112x112x64", "dw,112,112,64,64,3,2,56", 21),
    ("fully connected, 1024 to 1000", "fc,1,1,1024,1000,1,1,1", 110),
    ("16 bits, 1x1, 28x28x256 to 256", "conv16,28,28,256,256,1,1,28", 80),
    ("16 bits, 3x3, 28x28x128 to 128", "conv16,28,28,128,128,3,1,28", 98),
    ("16 bits, depthwise 3x3, 56x56x64", "dw16,56,56,64,64,3,1,56", 5.8),
    ("16 bits, fully connected, 1024 to 1000", "fc16,1,1,1024,1000,1,1,1", 54),
    ("product of two matrices, 64x256 by 256x256", "matmul,64,1,256,256,1,1,64", 74),
]
# The same of kernels that do not add products up: values a packet, of the output, of those that gather of the input.
VALUES = [
    ("addition, 56x56x64", "add,56,56,64,1,1,1,56", 6.5),
    ("maximum of 3x3 stride 2, 112x112x64", "pool,112,112,64,64,3,2,56", 1.04),
    ("mean of 7x7x1024", "mean,7,7,1024,1,1,1,1", 1.48),
    ("Softmax, 8 rows of 1000", "softmax,1,1,1000,1,1,1,8", 1.13),
    ("resize, linear, 28x28x64 to 56x56", "resize,28,28,64,56,56,1,56", 1.07),
    ("lookup, 56x56x64", "lookup,56,56,64,1,1,1,1", 12.2),
]


def tool(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def build(folder):
    files = [os.path.join(HERE, name) for name in ("packets.c", "packets_more.c")] + [os.path.join(ROOT, "kernels/hvx/runtime/start.S")]
    # Plans of resizing ask what others ask, too.
    for pattern in ("kernels/hvx/runtime/*.c", "kernels/*/*_hvx.c", "kernels/*/*_hvx_plan.c", "kernels/resize/resize_taps.c"):
        files += sorted(glob.glob(os.path.join(ROOT, pattern)))
    result = tool([os.path.join(HERE, "hexagon"), ROOT, folder, "packets", *files])
    if result.returncode:
        sys.stdout.write(result.stdout)
        sys.stderr.write(result.stderr)
        sys.exit(result.returncode)
    return os.path.join(folder, "packets")


def disassemble(program):
    """Packets as (function, address, instructions, whether a hardware loop ends there)."""
    text = tool(["llvm-objdump-19", "-d", "--mcpu=hexagonv66", "--mattr=+hvxv66,+hvx-length128b", "--no-show-raw-insn", program]).stdout
    function, packets, current = "", [], None
    for line in text.split("\n"):
        head = re.match(r"^[0-9a-f]+ <(.*)>:", line)
        body = re.match(r"^\s*([0-9a-f]+):\s+(.*)$", line)
        if head:
            function = head[1]
        if not body:
            continue
        words = body[2]
        if words.startswith("{"):
            current, words = (function, int(body[1], 16), []), words[1:]
        if current is None:
            continue
        if "}" in words:
            words, end = words.split("}", 1)
            packets.append((*current[:2], current[2] + [words.strip()], "endloop0" in end))
            current = None
        else:
            current[2].append(words.strip())
    return packets


def products(instruction):
    """Multiply-adds of bytes by one instruction."""
    if "vrmpy" not in instruction:
        return 0
    return 256 if re.match(r"v\d+:\d+\.", instruction) else 128


def loops(packets):
    """Hardware loops with products: {function: [(packets, those with products, multiply-adds)]}."""
    index = {p[1]: i for i, p in enumerate(packets)}
    found, start = {}, None
    for i, (function, _, instructions, ends) in enumerate(packets):
        for instruction in instructions:
            match = re.search(r"loop0\(0x([0-9a-f]+)", instruction)
            start = int(match[1], 16) if match else start
        if ends and start in index:
            body = packets[index[start]:i + 1]
            macs = [sum(products(x) for x in p[2]) for p in body]
            if any(macs):
                found.setdefault(function, []).append((len(body), sum(map(bool, macs)), sum(macs)))
    return found


def run(program, specs):
    result = tool(["qemu-hexagon", program, *specs])
    if result.returncode:
        sys.exit(f"qemu-hexagon ends with {result.returncode}: {result.stderr}")
    counted = {}
    for line in result.stdout.split("\n"):
        if line:
            spec, macs, packets = line.split()
            counted[spec] = (int(macs), int(packets))
    return counted


def row(number, what, macs, packets, least):
    rate = macs / packets
    ok = rate >= least
    limit = f", at least {least:.1f}"
    print(f"{'ok' if ok else 'not ok'} {number} - {what}: {macs:.0f} in {packets} packets, {rate:.1f} a packet, "
          f"{100 * rate / PEAK:.0f} % of {PEAK}{limit}")
    return ok


def gate(program):
    failed, number = 0, 0
    print("# inner loops, static")
    found = loops(disassemble(program))
    for function, what, share, least, least_products in LOOPS:
        if function not in found:
            number += 1
            failed += 1
            print(f"not ok {number} - {what}: {function} has no loop with products")
        for packets, busy, macs in found.get(function, []):
            number += 1
            failed += not row(number, f"{what}, loop of {packets}", macs * share, packets, least)
            if busy < packets:
                number += 1
                failed += not row(number, f"{what}, its packets of products", macs * share, busy, least_products)
    print("# whole kernels, dynamic")
    counted = run(program, [spec for _, spec, _ in WHOLE + VALUES])
    for what, spec, least in WHOLE:
        number += 1
        failed += not row(number, what, *counted[spec], least)
    for what, spec, least in VALUES:
        number += 1
        values, packets = counted[spec]
        failed += values < least * packets
        print(f"{'ok' if values >= least * packets else 'not ok'} {number} - {what}: {values} values in {packets} packets, "
              f"{values / packets:.2f} a packet, at least {least}")
    print(f"1..{number}")
    return failed


def mobilenet_v1():
    layers, size, c = [("conv", 224, 3, 32, 3, 2)], 112, 32
    for oc, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]:
        layers += [("dw", size, c, c, 3, stride), ("conv", size // stride, c, oc, 1, 1)]
        size, c = size // stride, oc
    return layers + [("fc", 1, c, 1000, 1, 1)]


def mobilenet_v2():
    layers, size, c = [("conv", 224, 3, 32, 3, 2)], 112, 32
    for expand, oc, repeat, first in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(repeat):
            stride, wide = (1 if i else first), c * expand
            layers += [("conv", size, c, wide, 1, 1)] if expand > 1 else []
            layers += [("dw", size, wide, wide, 3, stride), ("conv", size // stride, wide, oc, 1, 1)]
            size //= stride
            layers += [("add", size, oc, oc, 1, 1)] if i else []
            c = oc
    return layers + [("conv", size, c, 1280, 1, 1), ("fc", 1, 1280, 1000, 1, 1)]


def resnet50():
    layers, size, c = [("conv", 224, 3, 64, 7, 2)], 56, 64
    for wide, repeat, first in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]:
        for i in range(repeat):
            stride = 1 if i else first
            layers += [("conv", size, c, wide, 1, 1), ("conv", size, wide, wide, 3, stride), ("conv", size // stride, wide, 4 * wide, 1, 1)]
            layers += [] if i else [("conv", size, c, 4 * wide, 1, stride)]
            size, c = size // stride, 4 * wide
            layers += [("add", size, c, c, 1, 1)]
    return layers + [("fc", 1, c, 1000, 1, 1)]


NETWORKS = {"mobilenet_v1": mobilenet_v1, "mobilenet_v2": mobilenet_v2, "resnet50": resnet50}


def spec_of(layer, threads):
    """The share of one of @threads: rows of output, or outputs of a fully connected layer."""
    kind, size, c, oc, k, stride = layer
    out = (size - 1) // stride + 1
    if kind == "fc":
        oc = -(-oc // threads)
    return f"{kind},{size},{size},{c},{oc},{k},{stride},{-(-out // threads)}"


def macs_of(layer):
    kind, size, c, oc, k, stride = layer
    pixels = ((size - 1) // stride + 1) ** 2
    return {"conv": pixels * c * oc * k * k, "dw": pixels * c * k * k, "fc": c * oc, "add": 0}[kind]


def networks(program, threads):
    print(f"Packets of each layer at 224x224, int8: of one thread, and of the longest of {threads} threads that share rows (outputs, where "
          "a layer is fully connected).\n"
          "Assumed: all data in VTCM or in a cache, a packet a cycle, threads that do not wait for each other's HVX units; pooling, Softmax and "
          "the change of\nlayout at the borders are left out.\n")
    for name, make in NETWORKS.items():
        layers = make()
        counted = run(program, sorted({spec_of(layer, n) for layer in layers for n in (1, threads)}))
        print(f"{name:<36}{'multiply-adds':>14}{'packets':>12}{'a packet':>10}{f'{threads} threads':>12}")
        total = [0, 0, 0]
        for layer in layers:
            alone, shared = counted[spec_of(layer, 1)][1], counted[spec_of(layer, threads)][1]
            kind, size, c, oc, k, stride = layer
            what = f"{kind} {size}x{size}x{c} to {oc}" + (f", {k}x{k}" if k > 1 else "") + (f" stride {stride}" if stride > 1 else "")
            macs = macs_of(layer)
            total = [a + b for a, b in zip(total, (macs, alone, shared))]
            print(f"  {what:<34}{macs:>14}{alone:>12}{macs / alone:>10.1f}{shared:>12}")
        print(f"  {'all':<34}{total[0]:>14}{total[1]:>12}{total[0] / total[1]:>10.1f}{total[2]:>12}"
              f"   {total[1] / 1e6:.2f} ms alone and {total[2] / 1e6:.2f} ms shared at 1 GHz\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build/tests/kernels/hvx/hexagon"), metavar="DIR")
    parser.add_argument("--networks", action="store_true")
    parser.add_argument("--threads", type=int, default=4, metavar="N")
    options = parser.parse_args()
    program = build(options.build)
    if options.networks:
        networks(program, options.threads)
        return 0
    return 1 if gate(program) else 0


if __name__ == "__main__":
    sys.exit(main())
