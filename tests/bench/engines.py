# SPDX-License-Identifier: MIT
"""engines.py ENGINE MODEL THREADS CACHE - loads a network in one engine; every line of input is a number of runs, and is answered by a
JSON line with the median of their milliseconds. Calls are the cheapest that each Python interface has: no copies that it can spare."""
import json
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np


def make_input(shape, dtype=np.float32):
    random = np.random.default_rng(1)
    if np.issubdtype(dtype, np.integer):
        return random.integers(0, 100, shape).astype(dtype)
    return random.standard_normal(shape).astype(dtype)


def ort(model, threads, cache):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=['CPUExecutionProvider'])
    binding = session.io_binding()
    port = session.get_inputs()[0]
    binding.bind_cpu_input(port.name, make_input(port.shape))
    for y in session.get_outputs():
        binding.bind_output(y.name)
    return onnxruntime.__version__, lambda: session.run_with_iobinding(binding)


def openvino(model, threads, cache):
    import openvino
    config = {'INFERENCE_NUM_THREADS': threads, 'NUM_STREAMS': 1, 'PERFORMANCE_HINT': 'LATENCY',
              'INFERENCE_PRECISION_HINT': 'f32'}
    compiled = openvino.Core().compile_model(str(model), 'CPU', config)
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(make_input(list(compiled.input(0).shape))))
    return openvino.__version__.split('-')[0], request.infer


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
    return MNN.version(), lambda: net.forward([feed])[0].read()


def litert(model, threads, cache):
    import importlib.metadata
    from ai_edge_litert.interpreter import Interpreter
    interpreter = Interpreter(str(model), num_threads=threads)
    interpreter.allocate_tensors()
    for port in interpreter.get_input_details():
        interpreter.set_tensor(port['index'], make_input(port['shape'], port['dtype']))
    return importlib.metadata.version('ai-edge-litert'), interpreter.invoke


def median_ms(run, n):
    samples = []
    for _ in range(n):
        start = time.perf_counter()
        run()
        samples.append(time.perf_counter() - start)
    return 1e3 * statistics.median(samples)


def main():
    name, model, threads, cache = sys.argv[1:5]
    engine = {'ort': ort, 'openvino': openvino, 'mnn': mnn, 'litert': litert}[name]
    try:
        version, run = engine(pathlib.Path(model), int(threads), pathlib.Path(cache))
        median_ms(run, 5)
        print(json.dumps({'ready': True, 'version': version}), flush=True)
    except Exception as e:  # whatever a peer throws is its answer
        print(json.dumps({'error': str(e).splitlines()[0][:120] if str(e) else repr(e)}), flush=True)
        return
    for line in sys.stdin:
        print(json.dumps({'ms': median_ms(run, int(line))}), flush=True)


if __name__ == '__main__':
    main()
