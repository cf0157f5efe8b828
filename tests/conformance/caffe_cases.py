#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Caffe nets of one layer with what OpenCV's Caffe importer gives for them, as reference cases.

usage: caffe_cases.py FOLDER && tests/models/run FOLDER
Needs the Python packages opencv-python-headless (4.x) and protobuf, and protoc.
"""
import importlib
import json
import os
import subprocess
import sys
import tempfile

import cv2
import numpy as np
from google.protobuf import text_format

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
IMAGE = 'input: "data" input_shape { dim: 1 dim: 6 dim: 13 dim: 11 }\n'
rng = np.random.default_rng(0)

# name, type, parameters
LAYERS = [
    ("conv", "Convolution", "convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 }"),
    ("conv_dilated", "Convolution", "convolution_param { num_output: 4 kernel_h: 3 kernel_w: 2 pad_h: 2 pad_w: 1 dilation: 2 group: 2 bias_term: false }"),
    ("conv_depthwise", "Convolution", "convolution_param { num_output: 6 kernel_size: 3 group: 6 }"),
    ("deconv", "Deconvolution", "convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 }"),
    ("deconv_groups", "Deconvolution", "convolution_param { num_output: 6 kernel_size: 4 stride: 2 pad: 1 group: 6 bias_term: false }"),
    ("inner_product", "InnerProduct", "inner_product_param { num_output: 7 }"),
    *((f"pool_{pool}_{k}{s}{p}", "Pooling", f"pooling_param {{ pool: {pool} kernel_size: {k} stride: {s} pad: {p} }}")
      for pool in ("MAX", "AVE") for k, s, p in ((2, 2, 0), (3, 2, 0), (3, 2, 1), (5, 3, 2), (3, 3, 1))),
    ("pool_global_max", "Pooling", "pooling_param { pool: MAX global_pooling: true }"),
    ("pool_global_average", "Pooling", "pooling_param { pool: AVE global_pooling: true }"),
    ("relu", "ReLU", "relu_param { negative_slope: 0.1 }"),
    ("relu6", "ReLU6", ""),
    ("prelu", "PReLU", ""),
    ("elu", "ELU", "elu_param { alpha: 0.7 }"),
    ("sigmoid", "Sigmoid", ""),
    ("tanh", "TanH", ""),
    ("absval", "AbsVal", ""),
    ("bnll", "BNLL", ""),
    ("power", "Power", "power_param { power: 2 scale: 0.5 shift: 1 }"),
    ("exp", "Exp", "exp_param { base: 2 scale: 0.5 shift: 0.3 }"),
    ("softmax", "Softmax", ""),
    ("softmax_width", "Softmax", "softmax_param { axis: 3 }"),
    ("lrn", "LRN", "lrn_param { local_size: 3 alpha: 0.4 beta: 0.6 }"),
    ("lrn_within", "LRN", "lrn_param { local_size: 3 alpha: 0.4 beta: 0.6 norm_region: WITHIN_CHANNEL }"),
    ("batch_norm", "BatchNorm", ""),
    ("scale", "Scale", "scale_param { bias_term: true }"),
    ("mvn", "MVN", ""),
    ("mvn_across", "MVN", "mvn_param { across_channels: true }"),
    ("mvn_mean", "MVN", "mvn_param { normalize_variance: false }"),
    ("normalize", "Normalize", "norm_param { across_spatial: false channel_shared: false }"),
    ("permute", "Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }"),
    ("flatten", "Flatten", "flatten_param { axis: 1 }"),
    ("reshape", "Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: 11 } }"),
    ("reshape_axes", "Reshape", "reshape_param { axis: 1 num_axes: 2 shape { dim: 2 dim: 39 } }"),
    ("shuffle", "ShuffleChannel", "shuffle_channel_param { group: 3 }"),
    ("interp", "Interp", "interp_param { height: 25 width: 31 }"),
]
# name, type, parameters, dimensions of the two bottoms
PAIRS = [
    ("eltwise_sum", "Eltwise", "", (1, 6, 5, 4), (1, 6, 5, 4)),
    ("eltwise_coeff", "Eltwise", "eltwise_param { operation: SUM coeff: 0.5 coeff: -2 }", (1, 6, 5, 4), (1, 6, 5, 4)),
    ("eltwise_prod", "Eltwise", "eltwise_param { operation: PROD }", (1, 6, 5, 4), (1, 6, 5, 4)),
    ("eltwise_max", "Eltwise", "eltwise_param { operation: MAX }", (1, 6, 5, 4), (1, 6, 5, 4)),
    ("concat", "Concat", "", (1, 6, 5, 4), (1, 3, 5, 4)),
    ("scale_by_bottom", "Scale", "scale_param { axis: 0 }", (1, 6, 5, 4), (1, 6)),
    ("crop", "Crop", "crop_param { axis: 2 offset: 1 }", (1, 6, 5, 4), (1, 6, 3, 2)),
]


def load_schema():
    """The importer's own schema as a Python module: enough to write blobs."""
    folder = tempfile.mkdtemp()
    source = os.path.join(TOP, "libqnnflow", "import", "caffe")
    subprocess.run(["protoc", "--proto_path=" + source, "--python_out=" + folder, "caffe.proto"], check=True)
    sys.path.insert(0, folder)
    return importlib.import_module("caffe_pb2")


def real(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def add_blob(layer, values):
    blob = layer.blobs.add()
    blob.shape.dim.extend(values.shape)
    blob.data.extend(values.astype(np.float32).ravel().tolist())


def add_weights(layer, channels, pixels):
    conv = layer.convolution_param
    if layer.type in ("Convolution", "Deconvolution"):
        kernel = (conv.kernel_h or conv.kernel_size[0], conv.kernel_w or conv.kernel_size[0])
        pair = (conv.num_output, channels // conv.group) if layer.type == "Convolution" else (channels, conv.num_output // conv.group)
        add_blob(layer, real(*pair, *kernel) * .3)
        if conv.bias_term:
            add_blob(layer, real(conv.num_output) * .1)
    elif layer.type == "InnerProduct":
        add_blob(layer, real(layer.inner_product_param.num_output, channels * pixels) * .05)
        add_blob(layer, real(layer.inner_product_param.num_output) * .1)
    elif layer.type == "BatchNorm":
        for values in (real(channels) * .1, rng.uniform(.5, 1.5, channels), np.ones(1)):
            add_blob(layer, values)
    elif layer.type in ("Scale", "PReLU", "Normalize") and len(layer.bottom) == 1:
        add_blob(layer, rng.uniform(.5, 1.5, channels))
        if layer.scale_param.bias_term:
            add_blob(layer, real(channels))


def case(schema, root, name, text, inputs):
    folder = os.path.join(root, name)
    os.makedirs(folder, exist_ok=True)
    files = [os.path.join(folder, "net" + ending) for ending in (".prototxt", ".caffemodel")]
    net = text_format.Parse(text, schema.NetParameter(), allow_unknown_field=True)
    weights = schema.NetParameter()
    for layer in net.layer:
        shape = next(iter(inputs.values())).shape
        add_weights(layer, shape[1], int(np.prod(shape[2:])))
        weights.layer.add(name=layer.name, type=layer.type, blobs=layer.blobs)
    with open(files[0], "w", encoding="utf-8") as file:
        file.write(text)
    with open(files[1], "wb") as file:
        file.write(weights.SerializeToString())
    peer = cv2.dnn.readNetFromCaffe(*files)
    peer.enableFusion(False)
    for i, (key, value) in enumerate(inputs.items()):
        peer.setInput(value, key)
        np.save(os.path.join(folder, f"input_{i}.npy"), value)
    for i, value in enumerate(peer.forward(sorted(peer.getUnconnectedOutLayersNames()))):
        np.save(os.path.join(folder, f"output_{i}.npy"), value)
    with open(os.path.join(folder, "case.json"), "w", encoding="utf-8") as file:
        json.dump({"model": "net.prototxt", "runtime": "OpenCV " + cv2.__version__}, file)


def bottom(name, shape):
    return f'input: "{name}" input_shape {{ {" ".join(f"dim: {d}" for d in shape)} }}\n'


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1])
    schema, root = load_schema(), os.path.join(sys.argv[1], "caffe")
    for name, kind, more in LAYERS:
        case(schema, root, name, IMAGE + f'layer {{ name: "y" type: "{kind}" bottom: "data" top: "y" {more} }}\n', {"data": real(1, 6, 13, 11)})
    for name, kind, more, a, b in PAIRS:
        case(schema, root, name, bottom("a", a) + bottom("b", b) + f'layer {{ name: "y" type: "{kind}" bottom: "a" bottom: "b" top: "y" {more} }}\n',
             {"a": real(*a), "b": real(*b)})
    shape = (1, 8, 6, 4)
    case(schema, root, "reorg", bottom("data", shape) + 'layer { name: "y" type: "Reorg" bottom: "data" top: "y" reorg_param { stride: 2 } }\n',
         {"data": real(*shape)})
    boxes = np.array([[0, 0, 0, 80, 60], [0, 16, 16, 100, 100], [0, 40, 8, 47, 90], [0, 3, 5, 9, 130]], np.float32)
    case(schema, root, "roi_pooling", bottom("a", (1, 4, 9, 8)) + bottom("b", boxes.shape) +
         'layer { name: "y" type: "ROIPooling" bottom: "a" bottom: "b" top: "y" roi_pooling_param { pooled_h: 3 pooled_w: 2 spatial_scale: 0.0625 } }\n',
         {"a": real(1, 4, 9, 8), "b": boxes})
    print(len(os.listdir(root)), "cases in", root)


if __name__ == "__main__":
    main()
