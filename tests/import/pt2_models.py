#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Networks made with PyTorch, saved by torch.export.save(), run by qnnflow and compared with what PyTorch computes. Prints TAP.

usage: pt2_models.py QNNFLOW [NAME...]      skips without PyTorch
"""
import io
import os
import subprocess
import sys
import tempfile
import zipfile

try:
    import numpy as np
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError as missing:
    print(f"1..0 # SKIP {missing}")
    sys.exit(0)  # what the protocol says of a plan of none

PROGRAM = sys.argv[1]
RTOL, ATOL = 1e-3, 1e-4  # float32 sums in another order, activations by polynomials


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function, **modules):
        super().__init__()
        self.function = function
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *x):
        return self.function(self, *x)


def separable(inputs, outputs, stride):
    return nn.Sequential(nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs), nn.ReLU6(),
                         nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True))


def mobile_net():
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish(), separable(8, 16, 1),
                         separable(16, 24, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(24, 10),
                         nn.Softmax(-1))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(6, 6, 3, padding="same"), nn.Conv2d(6, 6, 3, padding=1)
        self.norm, self.up = nn.GroupNorm(2, 6), nn.ConvTranspose2d(6, 4, 3, 2, 1, output_padding=1)

    def forward(self, x):
        y = F.relu(self.norm(self.a(x)))
        x = F.leaky_relu(x + self.b(y), 0.2)
        x = F.max_pool2d(x, 2)
        z = self.up(x)
        return torch.cat([z, F.interpolate(x, scale_factor=2, mode="bilinear"), F.interpolate(x, scale_factor=2)], 1)


class Encoder(nn.Module):
    """A transformer's encoder block, written out."""

    def __init__(self, size=32, heads=4):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.first, self.second = nn.LayerNorm(size), nn.LayerNorm(size)
        self.mlp = nn.Sequential(nn.Linear(size, 64), nn.GELU(), nn.Linear(64, size))
        self.embedding = nn.Embedding(50, size)
        self.register_buffer("position", torch.randn(1, 16, size))

    def forward(self, tokens):
        x = self.embedding(tokens) + self.position[:, :tokens.shape[1]]
        n, length, size = x.shape
        q, k, v = self.qkv(self.first(x)).view(n, length, 3, self.heads, size // self.heads).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(a.transpose(1, 2).reshape(n, length, size))
        return x + self.mlp(self.second(x))


def arithmetic(_, a, b):
    c = torch.where(a > b, a * 2 - b, torch.clamp(b, -0.5, 0.5)) / (1 + a.abs())
    return torch.stack([c.pow(2), (-c).exp(), torch.sqrt(c * c + 1e-3), torch.rsub(c, 1), torch.maximum(c, b), c // 0.3, c % 0.3])


def pieces(_, x):
    a, b = x.split([1, 3], 1)
    c, d = x.chunk(2, -1)
    e = x[:, 1:, ::2].flip(1)
    return torch.cat([a.expand(-1, 3, -1, -1).flatten(1), b.reshape(2, -1), c.flatten(1), d.mean((2, 3)), e.flatten(1),
                      x.select(1, -1).roll(1, 2).flatten(1), F.pad(x, (1, 2, 0, 1), value=3.0).flatten(1),
                      x.unsqueeze(1).repeat(1, 2, 1, 1, 1).squeeze().flatten(1), torch.tril(x).flatten(1)], 1)


def reductions(_, x):
    top, where = x.topk(3, dim=1)
    largest, at = x.max(1)
    return torch.cat([x.sum(1), x.amax(1), x.var(1), x.std(1, correction=0), x.norm(dim=1), x.logsumexp(1), x.argmax(1).float(),
                      top.flatten(1), where.float().flatten(1), largest, at.float(), x.cumsum(1).flatten(1),
                      F.log_softmax(x, 1).flatten(1), (x > 0).any(1).float()], 1)


def activations(_, x):
    return torch.cat([f(x) for f in (F.silu, F.mish, F.elu, F.selu, F.gelu, F.softplus, F.hardsigmoid, F.hardtanh, F.logsigmoid,
                                     torch.tanh, torch.sigmoid, torch.erf, torch.rsqrt, torch.log1p, F.relu6,
                                     lambda v: F.gelu(v, approximate="tanh"), lambda v: F.glu(v, -1), lambda v: F.celu(v, 2.0))], -1)


def more(_, x, i):
    y = torch.cat([torch.addcmul(x, x, x, value=0.5), torch.addcdiv(x, x, x.abs() + 1, value=2.0), torch.lerp(x, x * 2, 0.25), (x * 3).trunc(),
                   torch.exp2(x), F.threshold(x, 0.1, 20.0), F.hardshrink(x), F.softshrink(x), F.tanhshrink(x)], 1).flatten()
    z = F.channel_shuffle(F.pixel_unshuffle(x, 2), 4).flatten()
    w = torch.cat([x.repeat_interleave(2, 1).flatten(), x.repeat_interleave(3), torch.outer(x.flatten()[:3], x.flatten()[:4]).flatten()])
    return torch.cat([y, z, w, F.one_hot(i, 5).float().flatten()])


def changes(_, x):
    """In place: whole tensors, parts of parts, one index."""
    y = x * 2
    y[1:3, 2:] = x[1:3, 2:] + 5
    y[0] = 7
    y[:, 1].mul_(3)
    y.view(-1)[3:9] -= 1
    y.unsqueeze(0).clamp_(-3, 9)
    z = torch.zeros_like(x)
    z[:, ::1][2:].add_(y[2:])
    z.relu_()
    return torch.cat([y, z, F.relu(x.clone(), inplace=True)])


def masks(_, q, mask):
    y = F.scaled_dot_product_attention(q, q, q, attn_mask=mask)
    return y + F.scaled_dot_product_attention(q, q[:, :2], q[:, :2], enable_gqa=True)


def indices(_, x, i):
    return x[i] + x[:, i] + torch.gather(x, 1, i.view(-1, 1)) + x[i, i].view(-1, 1) + torch.arange(7) * 0.5


def r(*shape):
    return torch.randn(*shape)


MODELS = {
    "mobile": (mobile_net, (r(2, 3, 32, 32),)),
    "residual": (Residual, (r(1, 6, 8, 12),)),
    "encoder": (Encoder, (torch.randint(0, 50, (2, 12)),)),
    "torch-encoder": (lambda: nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), (r(2, 5, 16),)),
    "attention": (lambda: Call(lambda m, x: m.a(x, x, x)[0], a=nn.MultiheadAttention(16, 4, batch_first=True)), (r(2, 5, 16),)),
    "conv1d": (lambda: nn.Sequential(nn.Conv1d(4, 6, 3, dilation=2), nn.BatchNorm1d(6), nn.PReLU(6), nn.AvgPool1d(2)), (r(2, 4, 20),)),
    "conv3d": (lambda: nn.Sequential(nn.Conv3d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2)), (r(1, 2, 4, 6, 8),)),
    "norms": (lambda: nn.Sequential(nn.InstanceNorm2d(4), nn.Conv2d(4, 8, 1), nn.PixelShuffle(2), nn.RMSNorm(12),
                                    nn.LayerNorm([8, 12], elementwise_affine=False)), (r(1, 4, 4, 6),)),
    "pools": (lambda: Call(lambda _, x: F.adaptive_avg_pool2d(F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
                                                              (2, 3))), (r(1, 3, 8, 12),)),
    "single-image": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2)), (r(3, 8, 8),)),
    "arithmetic": (lambda: Call(arithmetic), (r(3, 4), r(3, 4))),
    "more": (lambda: Call(more), (r(1, 2, 4, 6), torch.tensor([[0, 4, 2]]))),
    "changes": (lambda: Call(changes), (r(4, 5),)),
    "pieces": (lambda: Call(pieces), (r(2, 4, 4, 6),)),
    "reductions": (lambda: Call(reductions), (r(2, 5, 3),)),
    "activations": (lambda: Call(activations), (r(3, 8).abs() + 0.1,)),
    "lstm": (lambda: Call(lambda m, x: torch.cat([t.flatten() for t in (lambda y, s: (y, *s))(*m.l(x))]),
                          l=nn.LSTM(5, 4, 2, batch_first=True, bidirectional=True)), (r(3, 6, 5),)),
    "gru": (lambda: Call(lambda m, x, h: torch.cat([t.flatten() for t in m.l(x, h)]), l=nn.GRU(5, 4, 2, bias=False)),
            (r(6, 3, 5), r(2, 3, 4))),
    "rnn": (lambda: Call(lambda m, x: m.l(x)[0], l=nn.RNN(5, 4)), (r(6, 3, 5),)),
    "masks": (lambda: Call(masks), (r(1, 4, 5, 8), torch.rand(5, 5) > 0.4)),
    "indices": (lambda: Call(indices), (r(7, 7), torch.randint(0, 7, (7,)))),
    "einsum": (lambda: Call(lambda _, a, b: torch.einsum("bij,bkj->bik", a, b)), (r(2, 3, 4), r(2, 5, 4))),
    "half": (lambda: nn.Sequential(nn.Linear(8, 4), nn.ReLU()).half(), (r(2, 8).half(),)),
    "tied": (lambda: Call(lambda m, i: m.e(i) @ m.e.weight.T, e=nn.Embedding(9, 4)), (torch.randint(0, 9, (2, 3)),)),
    "dynamic": (lambda: Call(lambda m, x: m.l(x.view(x.shape[0], -1, 8).transpose(1, 2).reshape(-1, 4)).view(x.shape[0], -1)[:, 1:],
                             l=nn.Linear(4, 3)), (r(3, 32),)),
    "strided": (lambda: Call(lambda m, x: x @ m.w, w=nn.Parameter(torch.randn(5, 4).t()[1:])), (r(2, 3),)),
}


class Forward(nn.Module):
    """One input by name, so that its dimensions can be left open."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x)


def save_old(program, path):
    """The layout of PyTorch before 2.8: a zip of JSON and pickled tensors."""
    from torch._export.serde.serialize import serialize
    artifact = serialize(program)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("serialized_exported_program.json", artifact.exported_program)
        file.writestr("serialized_state_dict.pt", artifact.state_dict)
        file.writestr("serialized_constants.pt", artifact.constants)
        file.writestr("version", "8.8")


def run(folder, path, inputs, backend):
    words = [PROGRAM, "run", path, "--backend", backend, "-o", os.path.join(folder, "out")]
    if "dynamic" in path:
        words += ["--dims", "x".join(str(d) for d in inputs[0].shape)]
    for i, x in enumerate(inputs):
        file = os.path.join(folder, f"in{i}.npy")
        np.save(file, x.numpy())
        words += ["-i", file]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        return None, done.stderr.strip()
    return np.load(os.path.join(folder, "out", "output_0.npy")), ""


def compare(folder, path, inputs, want):
    for backend in ("ref", "cpu"):
        got, why = run(folder, path, inputs, backend)
        if got is None:
            return why
        if got.shape != want.shape:
            return f"{backend}: shape {got.shape}, but {want.shape} is right"
        tolerance = (2e-2, 2e-2) if want.dtype == np.float16 else (RTOL, ATOL)
        if not np.allclose(got.astype(np.float64), want.astype(np.float64), *tolerance):
            return f"{backend}: off by {np.abs(got.astype(np.float64) - want).max():.3g}"
    return ""


def programs(name, module, inputs):
    """The program as exported, and in PyTorch's core operators."""
    shapes = ({0: torch.export.Dim("n", min=2, max=64)},) if name == "dynamic" else None
    program = torch.export.export(Forward(module) if shapes else module, inputs, dynamic_shapes=shapes)
    yield "exported", program
    yield "decomposed", program.run_decompositions()


def main():
    names = sys.argv[2:] or list(MODELS)
    count = failed = 0
    for name in names:
        torch.manual_seed(1)
        make, inputs = MODELS[name]
        module = make().eval()
        with torch.no_grad():
            want = module(*inputs).numpy()
        for kind, program in programs(name, module, inputs):
            for layout, save in (("archive", torch.export.save), ("old", save_old)):
                with tempfile.TemporaryDirectory() as folder:
                    path = os.path.join(folder, f"{name}.pt2")
                    save(program, path)
                    if os.environ.get("PT2_KEEP"):
                        save(program, os.path.join(os.environ["PT2_KEEP"], f"{name}-{kind}-{layout}.pt2"))
                    why = compare(folder, path, inputs, want)
                count += 1
                failed += bool(why)
                print(f"{'not ok' if why else 'ok'} {count} - {name} {kind} {layout}{' # ' + why if why else ''}", flush=True)
    print(f"1..{count}")
    return failed > 0


sys.exit(main())
