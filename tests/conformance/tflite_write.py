# SPDX-License-Identifier: MIT
"""Makes a TFLite model of one operator, runs it in LiteRT's reference kernels and keeps what came out.

Used by tflite_cases.py. Needs the Python package ai-edge-litert, which brings the schema's object interface.
"""
import struct
import tempfile
import zlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

TYPES = {"f32": (0, np.float32), "f16": (1, np.float16), "s32": (2, np.int32), "u8": (3, np.uint8),
         "s64": (4, np.int64), "bool": (6, np.bool_), "s16": (7, np.int16), "s8": (9, np.int8),
         "f64": (10, np.float64), "u64": (12, np.uint64), "u32": (15, np.uint32), "u16": (16, np.uint16),
         "s4": (17, np.int8), "c64": (8, np.complex64)}


class Tensor:
    """A tensor of the model: an input when it has @values, a constant with @data, else what an operator writes."""

    def __init__(self, dtype="f32", dims=(), data=None, values=None, scale=None, zero=0, axis=0, sparsity=None,
                 signature=None, raw=None, blocks=None, variable=False):
        self.dtype, self.data, self.values = dtype, data, values
        self.dims = list(dims)
        self.scale, self.zero, self.axis = scale, zero, axis
        self.sparsity, self.signature, self.raw, self.blocks = sparsity, signature, raw, blocks
        self.variable = variable  # its value stays from run to run
        for given in (data, values):
            if given is not None and not self.dims:
                self.dims = list(np.shape(given))

    def quantization(self):
        if self.scale is None:
            return None
        q = schema.QuantizationParametersT()
        scales = np.atleast_1d(np.array(self.scale, np.float32))
        q.scale = scales
        q.zeroPoint = np.broadcast_to(np.atleast_1d(np.array(self.zero, np.int64)), scales.shape).copy()
        q.quantizedDimension = self.axis
        return q

    def bytes(self):
        if self.raw is not None:
            return self.raw
        if self.data is None:
            return None
        array = np.ascontiguousarray(np.array(self.data).astype(TYPES[self.dtype][1]))
        if self.dtype == "s4":
            flat = array.reshape(-1).astype(np.int64) & 15
            flat = np.concatenate([flat, np.zeros(len(flat) % 2, np.int64)])
            return (flat[0::2] | flat[1::2] << 4).astype(np.uint8).tobytes()
        return array.tobytes()


class Model:
    """Tensors and operators of one or more graphs."""

    def __init__(self):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.model.subgraphs = []

    def code(self, name, custom=None):
        c = schema.OperatorCodeT()
        c.builtinCode = 32 if custom else getattr(schema.BuiltinOperator, name)
        c.deprecatedBuiltinCode = min(c.builtinCode, 127)
        c.customCode = custom
        c.version = {"BROADCAST_TO": 2}.get(name, 1)
        self.model.operatorCodes.append(c)
        return len(self.model.operatorCodes) - 1

    def graph(self, operators, inputs, outputs, name="main"):
        """@operators: (name, inputs, outputs, options, custom, intermediates). Tensors are found by identity."""
        g = schema.SubGraphT()
        g.name, g.tensors, g.operators, index = name, [], [], {}

        def number(t):
            if t is None:
                return -1
            if id(t) not in index:
                index[id(t)] = len(g.tensors)
                x = schema.TensorT()
                x.shape, x.type = list(map(int, t.dims)), TYPES[t.dtype][0]
                x.name = f"t{len(g.tensors)}"
                x.quantization, x.sparsity = t.quantization(), t.sparsity
                x.hasRank, x.isVariable = True, t.variable
                if t.signature:
                    x.shapeSignature = t.signature
                data = t.bytes()
                if data is not None:
                    b = schema.BufferT()
                    b.data = np.frombuffer(data, np.uint8)
                    self.model.buffers.append(b)
                    x.buffer = len(self.model.buffers) - 1
                g.tensors.append(x)
                if t.blocks:
                    q, d = schema.QuantizationParametersT(), schema.BlockwiseQuantizationT()
                    d.scales, d.blockSize = number(t.blocks[0]), t.blocks[1]
                    q.detailsType, q.details, x.quantization = 2, d, q
            return index[id(t)]

        for op in operators:
            name, ins, outs, options, custom, between = (list(op) + [None, None, None])[:6]
            o = schema.OperatorT()
            o.opcodeIndex = self.code(name, custom if isinstance(custom, str) else custom and custom[0])
            o.inputs, o.outputs = [number(t) for t in ins], [number(t) for t in outs]
            if between:
                o.intermediates = [number(t) for t in between]
            if options:
                kind, fields = options
                table = getattr(schema, kind + "T")()
                for key, value in fields.items():
                    setattr(table, key, value)
                if hasattr(schema.BuiltinOptions, kind):
                    o.builtinOptionsType, o.builtinOptions = getattr(schema.BuiltinOptions, kind), table
                else:
                    o.builtinOptions2Type, o.builtinOptions2 = getattr(schema.BuiltinOptions2, kind), table
            if custom and not isinstance(custom, str):
                o.customOptions = np.frombuffer(custom[1], np.uint8)
            g.operators.append(o)
        g.inputs, g.outputs = [number(t) for t in inputs], [number(t) for t in outputs]
        self.model.subgraphs.append(g)

    def finish(self):
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def run_peer(data, inputs):
    """The outputs of LiteRT's reference kernels, or of its others where it has no reference."""
    try:
        return run_with(data, inputs, OpResolverType.BUILTIN_REF)
    except ValueError:
        return run_with(data, inputs, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


def run_with(data, inputs, resolver, runs=None):
    """With @runs, a list of inputs, one run after the other: the outputs of all."""
    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        file.write(data)
        file.flush()
        it = Interpreter(model_path=file.name, experimental_op_resolver_type=resolver, num_threads=1)
        it.allocate_tensors()
        details = it.get_input_details()
        results = []
        for values in runs or [inputs]:
            for d, v in zip(details, values):
                it.set_tensor(d["index"], v)
            it.invoke()
            results.append([np.array(it.get_tensor(d["index"])) for d in it.get_output_details()])
        return results if runs else results[0]


def build(operators, inputs, outputs, graphs=()):
    m = Model()
    m.graph(operators, inputs, outputs)
    for g in graphs:
        m.graph(*g)
    return m.finish()


def make_case(operators, inputs, outputs, graphs=(), expected=None):
    """(model, inputs, outputs) as bytes; the model's output shapes are those that the peer, or @expected, computes."""
    values = [np.ascontiguousarray(np.array(t.values).astype(TYPES[t.dtype][1])).reshape(t.dims) for t in inputs]
    data = build(operators, inputs, outputs, graphs)
    results = [np.array(expected(*values)).astype(TYPES[outputs[0].dtype][1])] if expected else run_peer(data, values)
    for t, r in zip(outputs, results):
        t.dims = list(r.shape)
    data = build(operators, inputs, outputs, graphs)
    return data, [v.tobytes() for v in values], [np.ascontiguousarray(r).tobytes() for r in results]


def seed_of(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def pack(cases):
    """The container that qf-tflite-goldens reads: counts and sizes are little-endian uint32."""
    def blob(b):
        return struct.pack("<I", len(b)) + b
    out = [b"QFCASES1", struct.pack("<I", len(cases))]
    for name, (data, ins, outs) in cases.items():
        out += [blob(name.encode()), blob(data), struct.pack("<I", len(ins)), *map(blob, ins),
                struct.pack("<I", len(outs)), *map(blob, outs)]
    return b"".join(out)
