# SPDX-License-Identifier: MIT
"""Writes small ONNX files, sound or not, straight in the wire format: no package is needed and nothing is checked."""
import struct

FLOAT, UINT8, INT64, FLOAT16 = 1, 2, 7, 10


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while True:
        out.append(value & 127 | (128 if value > 127 else 0))
        value >>= 7
        if not value:
            return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def block(field, payload):
    payload = payload.encode() if isinstance(payload, str) else payload
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def value_info(name, dtype, dims):
    """@dims: numbers, or names for open dimensions."""
    shape = b"".join(block(1, number(1, d) if isinstance(d, int) else block(2, d)) for d in dims)
    return block(1, name) + block(2, block(1, number(1, dtype) + block(2, shape)))


def attribute(name, value):
    if isinstance(value, float):
        return block(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1)
    if isinstance(value, int):
        return block(1, name) + number(3, value) + number(20, 2)
    if isinstance(value, str):
        return block(1, name) + block(4, value) + number(20, 3)
    return block(1, name) + b"".join(number(8, v) for v in value) + number(20, 7)


def node(op, inputs, outputs, name="", **attributes):
    return (b"".join(block(1, i) for i in inputs) + b"".join(block(2, o) for o in outputs) + block(3, name or op.lower()) +
            block(4, op) + b"".join(block(5, attribute(k, v)) for k, v in attributes.items()))


def tensor(name, dtype, dims, data):
    return b"".join(number(1, d) for d in dims) + number(2, dtype) + block(8, name) + block(9, data)


def floats(name, dims, value=0.1):
    count = 1
    for d in dims:
        count *= d
    return tensor(name, FLOAT, dims, struct.pack("<f", value) * count)


def int64s(name, values):
    return tensor(name, INT64, [len(values)], struct.pack(f"<{len(values)}q", *values))


def model(nodes, inputs, outputs, constants=(), opset=17):
    graph = (b"".join(block(1, n) for n in nodes) + block(2, "test") + b"".join(block(5, c) for c in constants) +
             b"".join(block(11, i) for i in inputs) + b"".join(block(12, o) for o in outputs))
    return number(1, 8) + block(2, "qnnflow-test") + block(7, graph) + block(8, number(2, opset))
