#!/usr/bin/env python3
"""Records what PyTorch computes, for the tests of Shared/Learning to compare with. Run from anywhere:

  /usr/bin/python3 Scripts/make-learning-fixtures.py      (needs PyTorch 1.13 or later: apt-get install python3-torch)

Writes Tests/Learning.Tests/Fixtures/pytorch.json. Everything is computed in double precision from fp32 weights and
inputs that a formula gives (`numbers`), so the file holds no large tensor and its values are the exact ones to a few
digits more than fp32 has.
"""
import json
import os

import numpy
import torch
import torch.nn as nn
import torch.nn.functional as F

SAMPLES = 16      # recorded values of each tensor, evenly spaced
BATCH = 12
STEPS = 6
SMOOTHING = 0.1
RATE, MOMENTUM, DECAY = 0.01, 0.9, 5e-4


class Residual(nn.Module):
    """body(x) + shortcut(x), with the names of our layer of that name."""
    def __init__(self, body, shortcut=None):
        super().__init__()
        self.body, self.shortcut = nn.Sequential(*body), nn.Sequential(*shortcut or [])

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


NETWORKS = {
    "convnet": ((1, 28, 28), lambda: nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10))),
    "lenet5": ((1, 28, 28), lambda: nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))),
    "mlp": ((1, 28, 28), lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))),
    # Strides, padding, unequal sizes, overlapping pools, no biases, ReLU without a layer to fuse into.
    "oddities": ((3, 11, 9), lambda: nn.Sequential(
        nn.Conv2d(3, 5, (3, 2), stride=(2, 1), padding=(1, 0), bias=False), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.ReLU(),
        nn.Conv2d(5, 7, 2), nn.MaxPool2d((1, 2)), nn.Flatten(), nn.ReLU(), nn.Linear(14, 6, bias=False), nn.ReLU(),
        nn.Linear(6, 10))),
    # Batch norms in front of, behind and beside everything; both kinds of residual, average pools.
    "norms": ((3, 10, 10), lambda: nn.Sequential(
        nn.BatchNorm2d(3), nn.Conv2d(3, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(),
        Residual([nn.Conv2d(12, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(),
                  nn.Conv2d(12, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12)]), nn.ReLU(),
        nn.AvgPool2d(3, 2, 1),
        Residual([nn.Conv2d(12, 20, 3, stride=2, padding=1, bias=False),
                  nn.BatchNorm2d(20, eps=0.01, momentum=0.3)],
                 [nn.Conv2d(12, 20, 1, stride=2, bias=False), nn.BatchNorm2d(20)]), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(20, 10))),
    # Groups of channels, up to those of one channel each.
    "groups": ((4, 9, 9), lambda: nn.Sequential(
        nn.Conv2d(4, 6, 3, groups=2, padding=1), nn.ReLU(),
        nn.Conv2d(6, 24, 3, groups=3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Conv2d(24, 24, 3, groups=24, padding=1), nn.ReLU(),
        nn.Conv2d(24, 24, 3, groups=24, stride=2, bias=False),
        nn.Conv2d(24, 32, 3, groups=2, stride=2, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))),
}


def bits(stream, count):
    """32 mixed bits for each index: the same few lines stand in PyTorchFixture.cs."""
    x = numpy.arange(count, dtype=numpy.uint32) * numpy.uint32(2654435769) + numpy.uint32(stream * 668265263 % 2**32)
    x ^= x >> numpy.uint32(15)
    x *= numpy.uint32(2246822519)
    x ^= x >> numpy.uint32(13)
    x *= numpy.uint32(3266489917)
    return x ^ (x >> numpy.uint32(16))


def numbers(stream, count, scale):
    """fp32 numbers in [-scale, scale): the top 24 bits, scaled in double and rounded once."""
    return (((bits(stream, count) >> numpy.uint32(8)) / 2.0**23 - 1.0) * scale).astype(numpy.float32)


def fill(model):
    for stream, (name, p) in enumerate(model.named_parameters()):
        fan_in = p[0].numel() if p.dim() > 1 else 0
        scale = (4.0 / fan_in) ** 0.5 if fan_in else 0.1
        values = numbers(100 + stream, p.numel(), scale)
        if p.dim() == 1 and name.endswith("weight"):  # of a norm
            values += numpy.float32(1)
        p.data = torch.from_numpy(values).double().reshape(p.shape)
    model.double()


def probe(tensor):
    flat = tensor.detach().reshape(-1)
    places = [i * (len(flat) - 1) // (SAMPLES - 1) for i in range(SAMPLES)]
    return {"norm": float(flat.norm()), "values": [float(flat[i]) for i in places]}


def network(name):
    (channels, height, width), build = NETWORKS[name]
    model = build()
    fill(model)
    x = torch.from_numpy(numbers(1, BATCH * channels * height * width, 1.5)).double()
    x = x.reshape(BATCH, channels, height, width)
    y = torch.from_numpy((bits(2, BATCH) % 10).astype(numpy.int64))
    record = {"parameters": sum(p.numel() for p in model.parameters()), "losses": []}
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY)
    for step in range(STEPS):
        optimizer.zero_grad()
        logits = model(x)
        loss = F.cross_entropy(logits, y, label_smoothing=SMOOTHING)
        loss.backward()
        record["losses"].append(float(loss))
        if step == 0:
            record["logits"] = probe(logits)
            record["gradients"] = {n: probe(p.grad) for n, p in model.named_parameters()}
        optimizer.step()
    record["trained"] = {n: probe(p) for n, p in model.named_parameters()}
    record["trained"].update({n: probe(b) for n, b in model.named_buffers() if "running" in n})
    record["evaluated"] = probe(model.eval()(x))
    return record


def sgd(momentum, nesterov, decay):
    p = torch.from_numpy(numbers(7, 5, 1.0)).double().requires_grad_()
    optimizer = torch.optim.SGD([p], lr=0.1, momentum=momentum, nesterov=nesterov, weight_decay=decay)
    for step in range(4):
        p.grad = torch.from_numpy(numbers(20 + step, 5, 1.0)).double()
        optimizer.step()
    return {"momentum": momentum, "nesterov": nesterov, "weightDecay": decay, "result": p.tolist()}


def rates(make, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.05)
    schedule = make(optimizer)
    values = []
    for _ in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(values) < steps:
            schedule.step()
    return values


def main():
    schedulers = torch.optim.lr_scheduler
    fixture = {
        "batch": BATCH, "labelSmoothing": SMOOTHING, "learningRate": RATE, "momentum": MOMENTUM, "weightDecay": DECAY,
        "networks": {name: network(name) for name in NETWORKS},
        "sgd": [sgd(0.0, False, 0.0), sgd(0.0, False, 0.1), sgd(0.9, False, 0.01), sgd(0.9, True, 0.0),
                sgd(0.8, True, 0.1)],
        "oneCycle": {str(n): rates(lambda o: schedulers.OneCycleLR(o, 0.05, total_steps=n, pct_start=0.2), n)
                     for n in (2, 3, 17, 100)},
        "cosine": {str(n): rates(lambda o: schedulers.CosineAnnealingLR(o, n), n) for n in (1, 2, 40)},
    }
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    path = os.path.join(root, "Tests", "Learning.Tests", "Fixtures", "pytorch.json")
    with open(path, "w") as file:
        json.dump(fixture, file, indent=1)
        file.write("\n")
    print(f"{os.path.normpath(path)}: {os.path.getsize(path)} bytes, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
