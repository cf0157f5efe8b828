# SPDX-License-Identifier: MIT
"""Folded layers to detector.onnx (float) and, calibrated on generated frames, detector_int8.onnx (QDQ)."""

import hashlib
import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

import scenes

OPSET = 13
KINDS = {"detector.onnx": "float32",
         "detector_int8.onnx": "int8 QDQ: weights s8 per channel, activations u8"}


def _tensor(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def float_model(layers):
    nodes, constants = [], [_tensor("twice", np.array([1, 1, 2, 2], np.float32))]
    for layer in layers:
        parts = []
        for s in layer["source"].split("+"):
            if s.startswith("up("):
                name = s[3:-1]
                nodes.append(helper.make_node(
                    "Resize", [name, "", "twice"], [name + "_up"], name + "_up", mode="nearest",
                    coordinate_transformation_mode="asymmetric", nearest_mode="floor"))
                s = name + "_up"
            parts.append(s)
        name, source = layer["name"], parts[0]
        if len(parts) > 1:
            source = name + "_in"
            nodes.append(helper.make_node("Concat", parts, [source], source, axis=1))
        constants += [_tensor(name + "_w", layer["weight"].astype(np.float32)),
                      _tensor(name + "_b", layer["bias"].astype(np.float32))]
        kernel, stride, pad = layer["weight"].shape[2], layer["stride"], layer["pad"]
        out = name + "_conv" if layer["relu"] else name
        nodes.append(helper.make_node("Conv", [source, name + "_w", name + "_b"], [out], out,
                                      kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4))
        if layer["relu"]:
            nodes.append(helper.make_node("Relu", [out], [name], name))
    rows, cols = scenes.HEIGHT // scenes.STRIDE, scenes.WIDTH // scenes.STRIDE
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, scenes.HEIGHT, scenes.WIDTH])
    grid = helper.make_tensor_value_info("grid", TensorProto.FLOAT, [1, 5 + len(scenes.LABELS), rows, cols])
    graph = helper.make_graph(nodes, "detector", [image], [grid], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                              producer_name="qnnflow models/train.py", ir_version=8)
    helper.set_model_props(model, {"decoder": "grid", "labels": ",".join(scenes.LABELS), "licence": "MIT"})
    onnx.checker.check_model(model, full_check=True)
    return model


class _Frames(CalibrationDataReader):
    def __init__(self, images):
        self.images = iter(images)

    def get_next(self):
        image = next(self.images, None)
        if image is None:
            return None
        return {"image": image.transpose(2, 0, 1)[None].astype(np.float32) / 255}


def _drop_doc(model):
    for node in model.graph.node:
        node.ClearField("doc_string")


def _macs(layers):
    """Multiplications of one run: each convolution works at its own size."""
    total, rows = 0, {"image": scenes.HEIGHT}
    for layer in layers:
        source = layer["source"].split("+")[0]
        rows[layer["name"]] = rows[source] // layer["stride"]
        height = rows[layer["name"]]
        total += layer["weight"].size * height * (height * scenes.WIDTH // scenes.HEIGHT)
    return total


def _write_manifest(layers, folder):
    files = {}
    for name, kind in KINDS.items():
        data = (folder / name).read_bytes()
        files[name] = {"kind": kind, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    rows, cols = scenes.HEIGHT // scenes.STRIDE, scenes.WIDTH // scenes.STRIDE
    manifest = {
        "name": "detector",
        "task": "object detection",
        "licence": "MIT",
        "made_by": "models/train.py from frames of models/scene; no data from elsewhere",
        "files": files,
        "inputs": [{"name": "image", "dtype": "float32", "shape": [1, 3, scenes.HEIGHT, scenes.WIDTH],
                    "layout": "NCHW", "channels": "RGB", "mean": 0, "std": 255, "fit": "stretch",
                    "filter": "bilinear"}],
        "outputs": [{"name": "grid", "dtype": "float32", "decoder": "grid", "stride": scenes.STRIDE,
                     "shape": [1, 5 + len(scenes.LABELS), rows, cols]}],
        "labels": scenes.LABELS,
        "parameters": int(sum(layer["weight"].size + layer["bias"].size for layer in layers)),
        "macs": int(_macs(layers)),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    (folder / "detector.labels").write_text("\n".join(scenes.LABELS) + "\n", encoding="utf-8")


def write(layers, folder, calibration):
    """Writes both models, the labels and the manifest into the folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = float_model(layers)
    onnx.save(model, folder / "detector.onnx")
    target = folder / "detector_int8.onnx"
    quantize_static(folder / "detector.onnx", target, _Frames(calibration), quant_format=QuantFormat.QDQ,
                    per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    calibrate_method=CalibrationMethod.MinMax)
    quantized = onnx.load(target)
    _drop_doc(quantized)
    helper.set_model_props(quantized, {p.key: p.value for p in model.metadata_props})
    onnx.checker.check_model(quantized, full_check=True)
    onnx.save(quantized, target)
    _write_manifest(layers, folder)
