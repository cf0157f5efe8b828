# SPDX-License-Identifier: MIT
"""The table: what is done wrong, and what must be said about it.

A case is (name, command, exit code, texts that the message must hold). In commands {d} is the folder of the files that
files() makes, and PIPE stands for `qnnflow launch` of the rest as a pipeline. Exit code 0: the input is odd but right.
"""
import os

import onnxwriter as ox

PIPE = "pipe"
IMAGE = [1, 3, 8, 8]


def simple(op="Relu", dtype=ox.FLOAT, dims=IMAGE, out_dims=None, out_dtype=None, **attributes):
    return ox.model([ox.node(op, ["image"], ["out"], "layer_7", **attributes)], [ox.value_info("image", dtype, dims)],
                    [ox.value_info("out", out_dtype or dtype, dims if out_dims is None else out_dims)])


def conv(weight_dims, declared=None):
    return ox.model([ox.node("Conv", ["image", "w"], ["out"], "conv_3", kernel_shape=[3, 3])],
                    [ox.value_info("image", ox.FLOAT, IMAGE)], [ox.value_info("out", ox.FLOAT, [1, 4, 6, 6])],
                    [ox.floats("w", weight_dims) if declared is None else
                     ox.tensor("w", ox.FLOAT, declared, b"\0" * 4 * 108)])


def files(detector):
    """Name to content of every file; @detector is a sound model to damage."""
    both = ox.model([ox.node("Add", ["image", "other"], ["out"], "sum")],
                    [ox.value_info("image", ox.FLOAT, IMAGE), ox.value_info("other", ox.FLOAT, IMAGE)],
                    [ox.value_info("out", ox.FLOAT, IMAGE)])
    loop = ox.model([ox.node("Relu", ["b"], ["a"], "first"), ox.node("Relu", ["a"], ["b"], "second")],
                    [ox.value_info("image", ox.FLOAT, IMAGE)], [ox.value_info("b", ox.FLOAT, IMAGE)])
    resize = ox.model([ox.node("Resize", ["image", "", "scales"], ["out"], "grow", mode="nearest")],
                      [ox.value_info("image", ox.FLOAT, IMAGE)], [ox.value_info("out", ox.FLOAT, [1, 3, 160000, 160000])],
                      [ox.tensor("scales", ox.FLOAT, [4], b"\0\0\x80?" * 2 + b"\0\x40\x9cF" * 2)])
    made = {
        "good.onnx": simple(),
        "empty.onnx": b"",
        "byte.onnx": b"\x08",
        "noise.onnx": bytes(i * 167 + (i >> 3) * 91 & 255 for i in range(4096)),
        "text.onnx": b"this is not a model\n" * 20,
        "picture.onnx": b"\x89PNG\r\n\x1a\n" + b"\0" * 200,
        "half.onnx": detector[:len(detector) // 2],
        "tail.onnx": detector[:-7],
        "length.onnx": ox.number(1, 8) + b"\x3a\xff\xff\xff\xff\x7f" + b"\0" * 64,
        "header.tflite": b"\x1c\0\0\0TFL3" + b"\xff" * 64,
        "short.tflite": b"\x1c\0\0\0TFL3",
        "op.onnx": simple("FancyOperator"),
        "attribute.onnx": ox.model([ox.node("Conv", ["image", "w"], ["out"], "conv_3", kernel_shape=[3, 3], strides=[0, 0])],
                                   [ox.value_info("image", ox.FLOAT, IMAGE)], [ox.value_info("out", ox.FLOAT, [1, 4, 6, 6])],
                                   [ox.floats("w", [4, 3, 3, 3])]),
        "weights.onnx": conv([4, 5, 3, 3]),
        "constant.onnx": conv(None, [4, 3, 3, 999]),
        "missing-input.onnx": ox.model([ox.node("Relu", ["nowhere"], ["out"], "layer_7")],
                                       [ox.value_info("image", ox.FLOAT, IMAGE)], [ox.value_info("out", ox.FLOAT, IMAGE)]),
        "loop.onnx": loop,
        "no-output.onnx": ox.model([], [ox.value_info("image", ox.FLOAT, IMAGE)], []),
        "places.onnx": simple("NonZero", out_dims=[4, "found"], out_dtype=ox.INT64),
        "open.onnx": simple(dims=[1, 3, "height", "width"]),
        "batch.onnx": simple(dims=["batch", 3, 8, 8]),
        "huge.onnx": simple(dims=[1, 1, 200000, 200000]),
        "overflow.onnx": simple(dims=[1 << 31, 1 << 31, 1 << 31]),
        "grow.onnx": resize,
        "scalar.onnx": simple("ReduceMean", out_dims=[], keepdims=0),
        "scores.onnx": simple("ReduceMean", out_dims=[1, 3], keepdims=0, axes=[2, 3]),
        "half-float.onnx": simple("Cast", out_dtype=ox.FLOAT16, to=ox.FLOAT16),
        "two.onnx": both,
        "labels-binary.txt": bytes(range(256)) * 8,
        "labels-short.txt": b"only one\n",
        "short.npy": b"\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 8, 8), }".ljust(127) + b"\n" + b"\0" * 40,
        "wrong-shape.npy": b"\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (1, 8, 8, 3), }".ljust(127) + b"\n" + b"\0" * 768,
        "wrong-type.npy": b"\x93NUMPY\x01\0v\0{'descr': '<i4', 'fortran_order': False, 'shape': (1, 3, 8, 8), }".ljust(127) + b"\n" + b"\0" * 768,
        "raw.bin": b"\0" * 768,
        "raw-short.bin": b"\0" * 700,
    }
    for k in range(1, 16):
        made[f"cut-{k}.onnx"] = detector[:len(detector) * k // 16]
    return made


# What a model file is refused for; each goes through `qnnflow dump` and through a pipeline.
MODELS = [
    ("missing file", "absent.onnx", ["absent.onnx"]),
    ("a folder", "", ["{d}"]),
    ("empty file", "empty.onnx", ["empty.onnx"]),
    ("one byte", "byte.onnx", ["byte.onnx"]),
    ("noise", "noise.onnx", ["noise.onnx"]),
    ("text", "text.onnx", ["text.onnx"]),
    ("a picture", "picture.onnx", ["picture.onnx"]),
    ("half a file", "half.onnx", ["half.onnx"]),
    ("seven bytes short", "tail.onnx", ["tail.onnx"]),
    ("length beyond the end", "length.onnx", ["length.onnx"]),
    ("tflite with offsets into nowhere", "header.tflite", ["header.tflite"]),
    ("tflite of eight bytes", "short.tflite", ["short.tflite"]),
    ("unsupported operator", "op.onnx", ["op.onnx", "layer_7", "FancyOperator"]),
    ("stride of zero", "attribute.onnx", ["attribute.onnx", "conv_3", "stride"]),
    ("weights of other channels", "weights.onnx", ["weights.onnx", "conv_3"]),
    ("constant shorter than its shape", "constant.onnx", ["constant.onnx"]),
    ("input that nothing makes", "missing-input.onnx", ["missing-input.onnx", "nowhere"]),
    ("a loop", "loop.onnx", ["loop.onnx"]),
    ("no output", "no-output.onnx", ["no-output.onnx"]),
    ("dimensions left open", "open.onnx", ["open.onnx", "image"]),
    ("dimensions that overflow", "overflow.onnx", ["overflow.onnx"]),
] + [(f"cut at {k}/16", f"cut-{k}.onnx", [f"cut-{k}.onnx"]) for k in range(1, 16)]

VIDEO = "videotestsrc num-buffers=3 ! video/x-raw,format=NV12,width=64,height=48,framerate=30/1 ! "
TENSORS = "neural-network/tensors,type=FLOAT32,dimensions=(int)<<1,3,8,8>>,framerate=30/1"
LINE = "qnnconvert ! qnninfer name=infer model={d}/good.onnx ! "


def cases():
    yield from ((f"dump: {name}", ["dump", "{d}/" + file], 1, says) for name, file, says in MODELS)
    yield from ((f"pipeline: {name}", [PIPE, VIDEO + "qnnconvert ! qnninfer name=infer model=\"{d}/" + file + "\" ! fakesink"],
                 1, says + ["infer"]) for name, file, says in MODELS if not file.startswith("cut-"))
    yield from TOOL
    yield from ELEMENTS


TOOL = [
    ("run: a good model", ["run", "{d}/good.onnx", "-i", "{d}/raw.bin"], 0, []),
    ("run: output as long as the values say", ["run", "{d}/places.onnx", "--random"], 0, []),
    ("convert: output as long as the values say", ["convert", "{d}/places.onnx", "-o", "{d}/places.qnnf"], 1, ["layer_7", "own file"]),
    ("run: open batch becomes one", ["run", "{d}/batch.onnx", "-i", "{d}/raw.bin"], 0, []),
    ("run: open dimensions given", ["run", "{d}/open.onnx", "--dims", "image=1x3x8x8", "--random"], 0, []),
    ("run: open dimensions of another rank", ["run", "{d}/open.onnx", "--dims", "image=1x3x8", "--random"], 1, ["image"]),
    ("run: dimensions of no input", ["run", "{d}/good.onnx", "--dims", "nose=1x3x8x8", "--random"], 1, ["nose"]),
    ("run: scalar output", ["run", "{d}/scalar.onnx", "--random"], 0, []),
    ("run: float16 output", ["run", "{d}/half-float.onnx", "--random"], 0, []),
    ("run: 160 GB output", ["run", "{d}/huge.onnx", "--random"], 1, ["huge.onnx", "320"]),
    ("run: output of 300 GB", ["run", "{d}/grow.onnx", "--random"], 1, ["grow.onnx", "307"]),
    ("run: no input given", ["run", "{d}/good.onnx"], 1, ["image", "--input"]),
    ("run: two inputs, one given", ["run", "{d}/two.onnx", "-i", "image={d}/raw.bin"], 1, ["other"]),
    ("run: three inputs given to two", ["run", "{d}/two.onnx", *("-i {d}/raw.bin " * 3).split()], 1, ["2 inputs"]),
    ("run: short raw file", ["run", "{d}/good.onnx", "-i", "{d}/raw-short.bin"], 1, ["raw-short.bin", "700", "768"]),
    ("run: truncated npy", ["run", "{d}/good.onnx", "-i", "{d}/short.npy"], 1, ["short.npy"]),
    ("run: NHWC array into an NCHW model", ["run", "{d}/good.onnx", "-i", "{d}/wrong-shape.npy"], 1,
     ["wrong-shape.npy", "1x8x8x3", "1x3x8x8"]),
    ("run: integer array into a float input", ["run", "{d}/good.onnx", "-i", "{d}/wrong-type.npy"], 1, ["int32", "float32"]),
    ("run: missing input file", ["run", "{d}/good.onnx", "-i", "{d}/absent.npy"], 1, ["absent.npy"]),
    ("run: damaged picture", ["run", "{d}/good.onnx", "-i", "{d}/picture.onnx"], 1, ["picture.onnx"]),
    ("run: missing labels", ["run", "{d}/good.onnx", "--random", "--labels", "{d}/absent.txt"], 1, ["absent.txt"]),
    ("run: unwritable output folder", ["run", "{d}/good.onnx", "--random", "-o", "{d}/raw.bin/x"], 1, ["raw.bin"]),
    ("run: unknown backend", ["run", "{d}/good.onnx", "--random", "-b", "abacus"], 1, ["abacus"]),
    ("bench: no such option", ["bench", "{d}/good.onnx", "--quickly"], 2, ["--quickly"]),
    ("bench: nothing to time", ["bench", "{d}/good.onnx", "--iters", "0"], 2, ["--iters"]),
    ("bench: absurd threads", ["bench", "{d}/good.onnx", "--threads", "100000"], 2, ["--threads"]),
    ("bench: no model", ["bench"], 2, ["MODEL"]),
    ("no such command", ["fly"], 2, ["fly"]),
    ("launch: no such file", ["launch", "{d}/absent.gstp"], 1, ["absent.gstp"]),
    ("launch: not a pipeline file", ["launch", "{d}/noise.onnx"], 1, ["noise.onnx"]),
    ("launch: unknown parameter", ["launch", "{top}/pipelines/detection.gstp", "speed=1"], 1, ["speed", "threshold"]),
    ("launch: value out of range", ["launch", "{top}/pipelines/detection.gstp", "threshold=7"], 1, ["threshold", "1"]),
]

ELEMENTS = [
    ("160 GB output", [PIPE, VIDEO + "qnnconvert ! qnninfer name=infer model={d}/huge.onnx ! fakesink"], 1, ["huge.onnx", "infer"]),
    ("output as long as the values say", [PIPE, VIDEO + "qnnconvert ! qnninfer name=infer model={d}/places.onnx ! fakesink"], 1,
     ["places.onnx", "'out'", "4x?"]),
    ("output of 300 GB", [PIPE, VIDEO + "qnnconvert ! qnninfer name=infer model={d}/grow.onnx ! fakesink"], 1, ["grow.onnx", "infer"]),
    ("a good line", [PIPE, VIDEO + LINE + "fakesink"], 0, []),
    ("no model set", [PIPE, VIDEO + "qnnconvert ! qnninfer name=infer ! fakesink"], 1, ["infer", "model"]),
    ("unknown backend", [PIPE, VIDEO + LINE.replace("onnx", "onnx backend=abacus") + "fakesink"], 1, ["abacus"]),
    ("resolution and format change in the stream",
     [PIPE, "concat name=c ! qnnconvert ! qnninfer model={d}/good.onnx ! fakesink "
      "videotestsrc num-buffers=3 ! video/x-raw,format=NV12,width=64,height=48 ! c. "
      "videotestsrc num-buffers=3 ! video/x-raw,format=RGB,width=320,height=20 ! c."], 0, []),
    ("frames of one pixel", [PIPE, "videotestsrc num-buffers=2 ! video/x-raw,format=RGB,width=1,height=1 ! " + LINE + "fakesink"], 0, []),
    ("other dimensions between the elements",
     [PIPE, VIDEO + "qnnconvert ! neural-network/tensors,dimensions=(int)<<1,8,8,3>> ! qnninfer name=infer model={d}/good.onnx ! fakesink"],
     1, []),
    ("short tensor buffers", [PIPE, "fakesrc num-buffers=3 sizetype=fixed sizemax=100 ! " + TENSORS +
                              " ! qnninfer name=infer model={d}/good.onnx ! fakesink"], 1, ["infer", "100", "768"]),
    ("long tensor buffers", [PIPE, "fakesrc num-buffers=3 sizetype=fixed sizemax=5000 ! " + TENSORS +
                             " ! qnninfer name=infer model={d}/good.onnx ! fakesink"], 1, ["infer", "5000", "768"]),
    ("right tensor buffers from a source", [PIPE, "fakesrc num-buffers=3 sizetype=fixed sizemax=768 filltype=zero ! " + TENSORS +
                                            " ! qnninfer name=infer model={d}/good.onnx ! fakesink"], 0, []),
    ("NHWC tensors into an NCHW model",
     [PIPE, "fakesrc num-buffers=3 sizetype=fixed sizemax=768 ! " + TENSORS.replace("1,3,8,8", "1,8,8,3") +
      " ! qnninfer name=infer model={d}/good.onnx ! fakesink"], 1, ["infer"]),
    ("tensors of another type",
     [PIPE, "fakesrc num-buffers=3 sizetype=fixed sizemax=768 ! " + TENSORS.replace("FLOAT32", "UINT8") +
      " ! qnninfer name=infer model={d}/good.onnx ! fakesink"], 1, ["infer"]),
    ("two inputs, one fed", [PIPE, VIDEO + "qnnconvert ! qnninfer name=infer model={d}/two.onnx ! fakesink"], 1, ["2 inputs", "other"]),
    ("scalar output", [PIPE, VIDEO + "qnnconvert ! qnninfer model={d}/scalar.onnx ! fakesink"], 0, []),
    ("float16 output", [PIPE, VIDEO + "qnnconvert ! qnninfer model={d}/half-float.onnx ! fakesink"], 0, []),
    ("no decoder fits", [PIPE, VIDEO + LINE + "qnndecode name=decode decoder=ssd ! fakesink"], 1, ["decode"]),
    ("no such decoder", [PIPE, VIDEO + LINE + "qnndecode name=decode decoder=crystal-ball ! fakesink"], 1, ["crystal-ball"]),
    ("missing label file", [PIPE, VIDEO + LINE + "qnndecode name=decode labels={d}/absent.txt ! fakesink"], 1, ["absent.txt"]),
    ("label file of bytes", [PIPE, VIDEO + LINE + "qnndecode name=decode labels={d}/labels-binary.txt ! fakesink"], 1,
     ["labels-binary.txt"]),
    ("label file that is a folder", [PIPE, VIDEO + LINE + "qnndecode name=decode labels={d} ! fakesink"], 1, ["{d}"]),
    ("label file of another model", [PIPE, VIDEO + "qnnconvert ! qnninfer model={d}/scores.onnx ! "
                                     "qnndecode labels={d}/labels-short.txt threshold=0.001 ! fakesink"], 0, ["none for class"]),
    ("results onto a full disk", [PIPE, VIDEO + "qnnconvert ! qnninfer model={d}/scores.onnx ! qnndecode name=decode json=/dev/full ! fakesink"],
     1, ["decode", "Cannot write results", "json"]),
    ("report onto a full disk", [PIPE, VIDEO + "qnnprofile name=profile table=false html=/dev/full ! fakesink"],
     1, ["profile", "/dev/full"]),
    ("unwritable results", [PIPE, VIDEO + "qnnconvert ! qnninfer model={d}/scores.onnx ! qnndecode name=decode json={d}/no/x.jsonl ! fakesink"],
     1, ["x.jsonl"]),
    ("mean that is no number", [PIPE, VIDEO + LINE.replace("qnnconvert", "qnnconvert name=convert mean=soft") + "fakesink"], 1,
     ["convert", "mean", "123.7"]),
    ("std of zero", [PIPE, VIDEO + LINE.replace("qnnconvert", "qnnconvert name=convert std=0") + "fakesink"], 1, ["convert"]),
]
