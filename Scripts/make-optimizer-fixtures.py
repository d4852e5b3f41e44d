#!/usr/bin/env python3
"""Records what PyTorch's optimizers, schedules, clipping and weighted loss compute, for the tests to compare with.

  /usr/bin/python3 Scripts/make-optimizer-fixtures.py      (needs PyTorch 1.13 or later: apt-get install python3-torch)

Writes Tests/Learning.Tests/Fixtures/optimizers.json. Everything is computed in double precision from fp32 numbers
that a formula gives; the same few lines stand in PyTorchFixture.cs.
"""
import json
import os

import numpy
import torch
import torch.nn.functional as F

LENGTH, STEPS = 37, 7


def bits(stream, count):
    """32 mixed bits for each index."""
    x = numpy.arange(count, dtype=numpy.uint32) * numpy.uint32(2654435769) + numpy.uint32(stream * 668265263 % 2**32)
    x ^= x >> numpy.uint32(15)
    x *= numpy.uint32(2246822519)
    x ^= x >> numpy.uint32(13)
    x *= numpy.uint32(3266489917)
    return x ^ (x >> numpy.uint32(16))


def numbers(stream, count):
    """fp32 numbers in [-1, 1): the top 24 bits, scaled in double and rounded once."""
    return torch.from_numpy(((bits(stream, count) >> numpy.uint32(8)) / 2.0**23 - 1.0).astype(numpy.float32)).double()


def optimizer(settings, make, clip_norm=0, clip_value=0):
    p = numbers(7, LENGTH).requires_grad_()
    rule = make([p])
    for step in range(STEPS):
        p.grad = numbers(20 + step, LENGTH)
        if clip_norm:
            torch.nn.utils.clip_grad_norm_([p], clip_norm)
        if clip_value:
            torch.nn.utils.clip_grad_value_([p], clip_value)
        rule.step()
    return {"settings": settings, "rate": rule.param_groups[0]["lr"], "clipNorm": clip_norm, "clipValue": clip_value,
            "result": p.tolist()}


def rates(make, steps):
    rule = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.05)
    schedule = make(rule)
    values = []
    for _ in range(steps):
        values.append(rule.param_groups[0]["lr"])
        rule.step()
        schedule.step()
    return values


def plateau(losses, factor, patience, threshold):
    rule = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.05)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(rule, factor=factor, patience=patience, threshold=threshold)
    values = []
    for loss in losses:
        schedule.step(loss)
        values.append(rule.param_groups[0]["lr"])
    return {"losses": losses, "factor": factor, "patience": patience, "threshold": threshold, "rates": values}


def weighted_loss(smoothing):
    logits = (3 * numbers(3, 8 * 5)).reshape(8, 5).requires_grad_()
    labels = torch.from_numpy((bits(4, 8) % 5).astype(numpy.int64))
    weights = torch.tensor([0.5, 2.0, 1.0, 0.0, 3.25], dtype=torch.float64)
    loss = F.cross_entropy(logits, labels, weight=weights, label_smoothing=smoothing)
    loss.backward()
    return {"smoothing": smoothing, "weights": weights.tolist(), "loss": float(loss),
            "gradient": logits.grad.reshape(-1).tolist()}


def main():
    o, s = torch.optim, torch.optim.lr_scheduler
    fixture = {
        "optimizers": [
            optimizer({"name": "adam"}, lambda p: o.Adam(p, 0.01)),
            optimizer({"name": "adam", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "weightDecay": 0.1},
                      lambda p: o.Adam(p, 0.02, (0.8, 0.95), 1e-3, 0.1)),
            optimizer({"name": "adamw"}, lambda p: o.AdamW(p, 0.01)),
            optimizer({"name": "adamw", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "weightDecay": 0.5},
                      lambda p: o.AdamW(p, 0.02, (0.8, 0.95), 1e-3, 0.5)),
            optimizer({"name": "rmsprop"}, lambda p: o.RMSprop(p, 0.01)),
            optimizer({"name": "rmsprop", "alpha": 0.9, "epsilon": 1e-3, "momentum": 0.8, "weightDecay": 0.1},
                      lambda p: o.RMSprop(p, 0.02, 0.9, 1e-3, 0.1, 0.8)),
            optimizer({"name": "sgd", "weightDecay": 0.1}, lambda p: o.SGD(p, 0.1, 0.9, 0, 0.1, True), clip_norm=1.5),
            optimizer({"name": "sgd", "momentum": 0, "weightDecay": 0}, lambda p: o.SGD(p, 0.1), clip_norm=100),
            optimizer({"name": "sgd", "weightDecay": 0}, lambda p: o.SGD(p, 0.1, 0.9, 0, 0, True), clip_value=0.4),
        ],
        "step": rates(lambda r: s.StepLR(r, 3, 0.5), 12),
        "multiStep": rates(lambda r: s.MultiStepLR(r, [2, 3, 7], 0.1), 12),
        "plateau": [
            plateau([1.0, 0.5, 0.5, 0.49999, 0.6, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.3], 0.1, 2, 1e-4),
            plateau([1.0, 0.95, 0.91, 0.9, 0.85, 0.5, 0.5, 0.5, 0.4], 0.5, 0, 0.1),
        ],
        "weightedLoss": [weighted_loss(0.0), weighted_loss(0.2)],
    }
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    path = os.path.join(root, "Tests", "Learning.Tests", "Fixtures", "optimizers.json")
    with open(path, "w") as file:
        json.dump(fixture, file, indent=1)
        file.write("\n")
    print(f"{os.path.normpath(path)}: {os.path.getsize(path)} bytes, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
