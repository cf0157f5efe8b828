# SPDX-License-Identifier: MIT
"""peers_worker.py ENGINE MODEL THREADS CACHE - loads a network in one engine; for every line of input prints a JSON line with the median
milliseconds of a run."""
import json
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

SECONDS = 0.4


def make_input(shape):
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def ort(model, threads, cache):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=['CPUExecutionProvider'])
    port = session.get_inputs()[0]
    feed = {port.name: make_input(port.shape)}
    return lambda: session.run(None, feed)


def openvino(model, threads, cache):
    import openvino
    config = {'INFERENCE_NUM_THREADS': threads, 'NUM_STREAMS': 1, 'PERFORMANCE_HINT': 'LATENCY',
              'INFERENCE_PRECISION_HINT': 'f32'}
    compiled = openvino.Core().compile_model(str(model), 'CPU', config)
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(make_input(list(compiled.input(0).shape))))
    return request.infer


def mnn(model, threads, cache):
    import MNN
    if model.stem.endswith('.int8'):
        raise RuntimeError('does not take QDQ models')
    converted = cache / (model.stem + '.mnn')
    if not converted.exists():
        tool = pathlib.Path(sys.executable).with_name('mnnconvert')
        subprocess.run([tool, '-f', 'ONNX', '--modelFile', model, '--MNNModel', converted, '--bizCode', 'qf'],
                       check=True, capture_output=True)
    runtime = MNN.nn.create_runtime_manager(({'backend': 'CPU', 'numThread': threads, 'precision': 'high'},))
    net = MNN.nn.load_module_from_file(str(converted), [], [], runtime_manager=runtime)
    info = net.get_info()['inputs'][0]
    data = make_input(list(info.shape))
    feed = MNN.expr.const(data, list(data.shape), MNN.expr.NCHW)
    return lambda: net.forward([feed])[0].read()


def median_ms(run):
    samples = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(samples) < 3:
        start = time.perf_counter()
        run()
        samples.append(time.perf_counter() - start)
    return 1e3 * statistics.median(samples)


def main():
    engine, model, threads, cache = sys.argv[1:5]
    try:
        run = {'ort': ort, 'openvino': openvino, 'mnn': mnn}[engine](pathlib.Path(model), int(threads), pathlib.Path(cache))
        for _ in range(3):
            run()
        print(json.dumps({'ready': True}), flush=True)
    except Exception as e:  # whatever a peer throws is its answer
        print(json.dumps({'error': str(e).splitlines()[0][:120] if str(e) else repr(e)}), flush=True)
        return
    for _ in sys.stdin:
        print(json.dumps({'ms': median_ms(run)}), flush=True)


if __name__ == '__main__':
    main()
