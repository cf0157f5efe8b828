#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Frozen graphs of TensorFlow with what TensorFlow gives for them, as reference cases.

usage: tensorflow_cases.py FOLDER && tests/models/run FOLDER
Writes a graph for each operator and its variants, small networks, and, when Keras is there, the networks of
keras.applications with random weights. Needs the Python package tensorflow (or tensorflow-cpu).
"""
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import numpy as np
import tensorflow as tf

tf1, ops, nn = tf.compat.v1, tf.raw_ops, tf.nn
rng = np.random.default_rng(0)
const = tf.constant


def real(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def save(folder, graph, inputs, outputs):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "model.pb"), "wb") as file:
        file.write(graph.SerializeToString())
    for kind, arrays in (("input", inputs), ("output", outputs)):
        for i, array in enumerate(arrays):
            np.save(os.path.join(folder, f"{kind}_{i}.npy"), array)
    with open(os.path.join(folder, "case.json"), "w", encoding="utf-8") as file:
        json.dump({"model": "model.pb", "runtime": "TensorFlow " + tf.__version__}, file)


def case(root, name, make, *inputs):
    """`make` builds the graph from its placeholders and returns its outputs."""
    with tf1.Graph().as_default() as graph:
        places = [tf1.placeholder(tf.as_dtype(v.dtype), v.shape, name=f"in{i}") for i, v in enumerate(inputs)]
        made = make(*places)
        made = [tf1.identity(t, name=f"out{i}") for i, t in enumerate(made if isinstance(made, (list, tuple)) else [made])]
        with tf1.Session() as session:
            outputs = session.run(made, dict(zip(places, inputs)))
        save(os.path.join(root, name), graph.as_graph_def(), inputs, [np.asarray(v) for v in outputs])


def windows(root, x):
    pads = {"same": ("SAME", []), "valid": ("VALID", []), "explicit": ("EXPLICIT", [0, 0, 1, 2, 0, 1, 0, 0])}
    for name, (pad, amounts) in pads.items():
        for s in (1, 2):
            strides, more = [1, s, s, 1], {"padding": pad, "explicit_paddings": amounts}
            case(root, f"conv_{name}_{s}", lambda x: ops.Conv2D(input=x, filter=const(real(3, 3, 6, 8)), strides=strides, **more), x)
            case(root, f"depthwise_{name}_{s}",
                 lambda x: ops.DepthwiseConv2dNative(input=x, filter=const(real(3, 3, 6, 2)), strides=strides, **more), x)
            if amounts:
                continue
            case(root, f"max_pool_{name}_{s}", lambda x: nn.max_pool2d(x, 3, s, pad), x)
            case(root, f"avg_pool_{name}_{s}", lambda x: nn.avg_pool2d(x, [3, 2], s, pad), x)
    case(root, "conv_dilated", lambda x: nn.conv2d(x, const(real(3, 3, 6, 8)), 1, "SAME", dilations=[1, 2, 3, 1]), x)
    case(root, "conv_groups", lambda x: nn.conv2d(x, const(real(3, 3, 3, 8)), 1, "SAME"), x)
    for pad, height, width, s in (("SAME", 9, 11, 1), ("SAME", 18, 22, 2), ("SAME", 17, 21, 2), ("VALID", 19, 23, 2), ("VALID", 20, 24, 2)):
        case(root, f"conv_transpose_{pad}_{height}",
             lambda x: nn.conv2d_transpose(x, const(real(3, 3, 5, 6)), [2, height, width, 5], s, pad), x)
    case(root, "bias", lambda x: nn.bias_add(x, const(real(6))), x)
    norm = {"scale": real(6), "offset": real(6), "mean": real(6), "variance": np.abs(real(6)) + .1}
    for version in ("", "V2", "V3"):
        batch = getattr(ops, "FusedBatchNorm" + version)
        case(root, "batch_norm" + version, lambda x: batch(x=x, epsilon=1e-3, is_training=False, **norm)[0], x)
    case(root, "lrn", lambda x: ops.LRN(input=x, depth_radius=2, bias=1.5, alpha=.3, beta=.75), x)


def products(root):
    for a in (False, True):
        for b in (False, True):
            left, right = ((7, 4) if a else (4, 7)), ((5, 7) if b else (7, 5))
            case(root, f"matmul_{a:d}{b:d}", lambda x: tf1.matmul(x, const(real(*right)), a, b), real(*left))
            case(root, f"batch_matmul_{a:d}{b:d}", lambda x, y: ops.BatchMatMulV2(x=x, y=y, adj_x=a, adj_y=b),
                 real(2, 3, *left), real(3, *right))
    for i, (equation, a, b) in enumerate((
            ("abc,cde->abde", (2, 3, 4), (4, 5, 6)), ("aecd,abcd->acbe", (2, 3, 4, 5), (2, 7, 4, 5)), ("ij,jk->ki", (3, 4), (4, 5)),
            ("bi,bj->bij", (3, 4), (3, 5)), ("abcd,cde->abe", (2, 3, 4, 5), (4, 5, 6)), ("i,i->", (4,), (4,)))):
        case(root, f"einsum_{i}", lambda x, y: tf.einsum(equation, x, y), real(*a), real(*b))


def elements(root, x):
    positive, small = np.abs(x) + .1, rng.uniform(-.9, .9, 40).astype(np.float32)
    for name in "relu relu6 elu selu leaky_relu sigmoid tanh softplus softsign softmax log_softmax".split():
        case(root, name, lambda x: getattr(nn, name)(x * 3), x)
    for name in "exp abs floor ceil round rint square negative sign sin cos erf erfc expm1".split():
        case(root, name, getattr(tf.math, name), x)
    for name in "rsqrt sqrt log log1p reciprocal".split():
        case(root, name, getattr(tf.math, name), positive)
    for name in "tan asin acos atan sinh cosh asinh atanh".split():
        case(root, name, getattr(tf.math, name), small)
    for name in "add subtract multiply maximum minimum squared_difference divide".split():
        case(root, name, getattr(tf.math, name), x, np.abs(real(11, 1)) + .5)
    case(root, "pow", tf.pow, positive, x)
    case(root, "add_n", lambda a, b: tf.add_n([a, b, a]), x, positive)
    whole, by = np.array([7, -7, 8], np.int32), np.array([2, 3, -3], np.int32)
    case(root, "floor_div", tf.math.floordiv, whole, by)
    case(root, "floor_mod", tf.math.floormod, whole, by)
    for name in "equal not_equal less less_equal greater greater_equal".split():
        case(root, name, lambda a, b: tf.cast(getattr(tf.math, name)(a, b), tf.float32), np.round(real(40)), np.round(real(40)))
    case(root, "logic", lambda a, b: tf.cast(tf.logical_or(tf.logical_and(a > 0, b > 0), tf.logical_not(a < b)), tf.int32), real(40), real(40))
    case(root, "select", lambda a, b: tf1.where(const([True, False]), a, b), x, positive)
    case(root, "select_v2", lambda a, b: tf.where(a > b[..., :1], a, 0.), x, positive)
    case(root, "clip", lambda x: ops.ClipByValue(t=x, clip_value_min=-.5, clip_value_max=.7), x)
    case(root, "half", lambda x: tf.cast(tf.cast(x, tf.float16) * const(np.float16(.5)), tf.float32), np.round(x * 8) / 8)
    for bits, narrow in ((8, False), (8, True), (4, False), (12, False)):
        case(root, f"fake_quant_{bits}_{narrow:d}", lambda x: tf.quantization.fake_quant_with_min_max_vars(x, -1.3, 2.1, bits, narrow), x)
    low, high = -np.abs(real(6)) - .5, np.abs(real(6)) + .5
    case(root, "fake_quant_channels", lambda x: tf.quantization.fake_quant_with_min_max_vars_per_channel(x, low, high, 8, False), x)


def reductions(root, x):
    for name in "mean sum max min prod".split():
        reduce = getattr(tf, "reduce_" + name)
        case(root, name, lambda x: reduce(x, [1, -2]), x * .5)
        case(root, name + "_keep", lambda x: reduce(x, [-1], keepdims=True), x * .5)
    case(root, "all", lambda x: tf.cast(tf.reduce_all(x > -1, axis=[2]), tf.float32), x)
    case(root, "any", lambda x: tf.cast(tf.reduce_any(x > 1, axis=[2]), tf.float32), x)
    case(root, "sum_of_nothing", lambda x: tf.reduce_sum(x, axis=np.zeros([0], np.int32)), x)
    case(root, "argmax", lambda x: tf.argmax(x, -1), x)
    case(root, "argmin", lambda x: tf.argmin(x, 1, output_type=tf.int32), x)
    case(root, "top_k", lambda x: tf.math.top_k(x, 3), x)
    case(root, "one_hot", lambda i: tf.one_hot(i, 5, 2., -1., axis=0), np.array([3, 0, 7], np.int32))
    case(root, "cumsum", lambda x: tf.cumsum(x, 1, exclusive=True, reverse=True), x)


def shapes(root, x):
    case(root, "reshape", lambda x: tf.reshape(x, [2, -1, 3]), x)
    case(root, "squeeze", lambda x: tf.squeeze(x, [1]), real(2, 1, 3, 1))
    case(root, "expand_dims", lambda x: tf.expand_dims(x, -2), real(2, 3))
    case(root, "transpose", lambda x: tf.transpose(x, [0, 3, 1, 2]), x)
    case(root, "concat", lambda a, b: tf.concat([a, b, a], -1), x, real(2, 9, 11, 2))
    case(root, "split", lambda x: tf.split(x, 3, axis=3), x)
    case(root, "split_v", lambda x: tf.split(x, [1, -1, 2], axis=3), x)
    case(root, "stack", lambda a, b: tf.stack([a, b], 1), real(3, 4), real(3, 4))
    case(root, "unstack", lambda x: tf.unstack(x, axis=1), real(3, 4, 2))
    case(root, "slice", lambda x: tf.slice(x, [0, 1, 2, 3], [2, -1, 4, 1]), x)
    for i, cut in enumerate((lambda x: x[:, 1:-1, ::2, 2], lambda x: x[..., 1:4], lambda x: x[1, ..., None, ::-1],
                             lambda x: x[:, tf.newaxis, 3:1:-1], lambda x: x[-1:, 5:, :0:-2])):
        case(root, f"strided_slice_{i}", cut, x)
    pads = [[0, 0], [1, 2], [0, 3], [0, 0]]
    case(root, "pad", lambda x: tf.pad(x, pads, constant_values=2.5), x)
    case(root, "pad_reflect", lambda x: tf.pad(x, pads, "REFLECT"), x)
    case(root, "pad_symmetric", lambda x: tf.pad(x, pads, "SYMMETRIC"), x)
    case(root, "tile", lambda x: tf.tile(x, [1, 2, 1, 3]), x)
    at = np.array([[3, 0], [8, 2]], np.int32)
    case(root, "gather", lambda x, i: tf.gather(x, i, axis=1), x, at)
    case(root, "gather_batch", lambda x, i: tf.gather(x, i, axis=1, batch_dims=1), x, at)
    case(root, "gather_nd", tf.gather_nd, x, np.array([[1, 0], [0, 2]], np.int32))
    case(root, "shape_arithmetic", lambda x: tf.reshape(x, tf.stack([tf.shape(x)[0], tf.shape(x)[1] * tf.shape(x)[2], -1])), x)
    case(root, "fill", lambda x: x + tf.fill([2, 1, 1, 6], 3.), x)
    case(root, "range", lambda x: x * tf.cast(tf.range(1, 7), tf.float32), x)
    case(root, "like", lambda x: tf.concat([tf.zeros_like(x), tf.ones_like(x)], 0), x)
    case(root, "where", lambda x: tf.gather_nd(x, tf.where(const([[True, False], [True, True]]))), real(2, 2))
    case(root, "reverse", lambda x: tf.reverse(x, [1, 3]), x)


def images(root, x):
    for corners, halves in ((False, False), (True, False), (False, True)):
        for size in ((18, 22), (5, 6), (13, 7)):
            for op in ("ResizeBilinear", "ResizeNearestNeighbor"):
                case(root, f"{op}_{corners:d}{halves:d}_{size[0]}",
                     lambda x: getattr(ops, op)(images=x, size=size, align_corners=corners, half_pixel_centers=halves), x)
    case(root, "depth_to_space", lambda x: tf1.nn.depth_to_space(x, 2), real(1, 3, 4, 8))
    case(root, "space_to_depth", lambda x: tf1.nn.space_to_depth(x, 2), real(1, 4, 6, 3))
    case(root, "space_to_batch_1d", lambda x: tf.space_to_batch(x, [3], [[1, 2]]), real(2, 9, 4))
    case(root, "batch_to_space_1d", lambda x: tf.batch_to_space(x, [3], [[1, 0]]), real(6, 4, 4))
    pads, crops = [[2, 3], [2, 3]], [[0, 0], [0, 0]]
    case(root, "atrous", lambda x: tf.batch_to_space(nn.conv2d(tf.space_to_batch(x, [2, 2], pads), const(real(3, 3, 6, 4)), 1, "VALID"), [2, 2], crops),
         real(1, 9, 9, 6))
    boxes = np.array([[.1, .2, .8, .9], [0, 0, 1, 1], [.9, .8, .1, .1], [-.2, .5, 1.3, .7]], np.float32)
    for method in ("bilinear", "nearest"):
        case(root, "crop_" + method, lambda x, b: ops.CropAndResize(image=x, boxes=b, box_ind=const([0, 1, 1, 0]), crop_size=const([4, 5]),
                                                                   method=method, extrapolation_value=.25), real(2, 9, 11, 3), boxes)
    corner = rng.uniform(0, 1, (40, 2)).astype(np.float32)
    boxes = np.concatenate([corner, corner + rng.uniform(.1, .4, (40, 2)).astype(np.float32)], 1)
    scores, more = rng.uniform(0, 1, 40).astype(np.float32), {"max_output_size": 15, "score_threshold": .3, "pad_to_max_output_size": True}
    case(root, "suppression_v4", lambda b, s: ops.NonMaxSuppressionV4(boxes=b, scores=s, iou_threshold=.4, **more), boxes, scores)
    case(root, "suppression_v5", lambda b, s: ops.NonMaxSuppressionV5(boxes=b, scores=s, iou_threshold=.6, soft_nms_sigma=.5, **more), boxes, scores)


def speech(root):
    t = np.arange(16000) / 16000
    sound = .4 * np.sin(2 * np.pi * 440 * t) + .2 * np.sin(2 * np.pi * 1900 * t + 1) + .05 * rng.standard_normal(16000)
    sound = sound.astype(np.float32)[:, None]
    for squared in (False, True):
        case(root, f"spectrogram_{squared:d}", lambda x: ops.AudioSpectrogram(input=x, window_size=480, stride=160, magnitude_squared=squared), sound)
    for name, window, more in (("mfcc", 480, {"dct_coefficient_count": 40}),
                               ("mfcc_wide", 640, {"upper_frequency_limit": 7600, "lower_frequency_limit": 100})):
        case(root, name, lambda x: ops.Mfcc(spectrogram=ops.AudioSpectrogram(input=x, window_size=window, stride=window // 3, magnitude_squared=True),
                                            sample_rate=16000, **more), sound)


def batch_norm(x):
    c = x.shape[-1]
    return ops.FusedBatchNormV3(x=x, scale=np.abs(real(c)) * .2 + .9, offset=real(c) * .1, mean=real(c) * .1,
                                variance=np.abs(real(c)) * .2 + .9, epsilon=1e-3, is_training=False)[0]


def mobilenet(x):
    c, x = 8, nn.relu6(batch_norm(nn.conv2d(x, const(real(3, 3, 3, 8) * .3), 2, "SAME")))
    for o, s in ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1)):
        x = nn.relu6(batch_norm(nn.depthwise_conv2d(x, const(real(3, 3, c, 1) * .4), [1, s, s, 1], "SAME")))
        x = nn.relu6(batch_norm(nn.conv2d(x, const(real(1, 1, c, o) * np.float32((1.5 / c) ** .5)), 1, "VALID")))
        c = o
    x = nn.avg_pool2d(x, [x.shape[1], x.shape[2]], 1, "VALID")
    x = tf.squeeze(nn.bias_add(nn.conv2d(x, const(real(1, 1, c, 10) * .2), 1, "SAME"), const(real(10))), [1, 2])
    return nn.softmax(tf.reshape(x, tf.shape(x)))


def ds_cnn(x):
    """The keyword spotter: convolution over time and frequency, then depthwise ones."""
    c, x = 16, tf.reshape(x, [-1, 49, 10, 1])
    x = nn.relu(batch_norm(nn.bias_add(nn.conv2d(x, const(real(10, 4, 1, c) * .2), [1, 2, 2, 1], "SAME"), const(real(c) * .1))))
    for _ in range(4):
        x = nn.relu(batch_norm(nn.bias_add(nn.depthwise_conv2d(x, const(real(3, 3, c, 1) * .4), [1, 1, 1, 1], "SAME"), const(real(c) * .1))))
        x = nn.relu(batch_norm(nn.bias_add(nn.conv2d(x, const(real(1, 1, c, c) * .3), 1, "SAME"), const(real(c) * .1))))
    x = tf.squeeze(nn.avg_pool2d(x, [25, 5], [25, 5], "VALID"), [1, 2])
    return tf.matmul(x, const(real(c, 12) * .3)) + const(real(12))


def keras_networks(root):
    """Networks as Keras makes them, frozen as its documentation says."""
    import keras
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    for name, size in (("MobileNet", 96), ("MobileNetV2", 96), ("MobileNetV3Small", 96), ("ResNet50", 96), ("InceptionV3", 96),
                       ("DenseNet121", 96), ("EfficientNetB0", 96), ("EfficientNetV2B0", 96), ("Xception", 96), ("NASNetMobile", 224)):
        model = getattr(keras.applications, name)(weights=None, input_shape=(size, size, 3), classes=10)
        for layer in model.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.set_weights([rng.uniform(.8, 1.2, v.shape) if i in (0, 3) else rng.normal(0, .1, v.shape)
                                   for i, v in enumerate(layer.get_weights())] if len(layer.get_weights()) == 4 else layer.get_weights())
        call = tf.function(lambda x, model=model: model(x, training=False))
        x = rng.uniform(0, 1, (1, size, size, 3)).astype(np.float32)
        frozen = convert_variables_to_constants_v2(call.get_concrete_function(tf.TensorSpec(x.shape, tf.float32)))
        save(os.path.join(root, name), frozen.graph.as_graph_def(), [x], [v.numpy() for v in frozen(tf.constant(x))])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1])
    root = os.path.join(sys.argv[1], "tensorflow")
    x = real(2, 9, 11, 6)
    for write in (windows, elements, reductions, shapes, images):
        write(root, x)
    products(root)
    speech(root)
    case(root, "net_mobilenet", mobilenet, rng.uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32))
    case(root, "net_ds_cnn", ds_cnn, real(1, 490))
    try:
        keras_networks(root)
    except ImportError as error:
        print("without Keras's networks:", error)
    print(len(os.listdir(root)), "cases in", root)


if __name__ == "__main__":
    main()
