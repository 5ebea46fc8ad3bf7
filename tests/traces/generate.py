"""Writes the traces of this folder: 20 steps of a small network by PyTorch, in float64.

    python3 generate.py            all of them
    python3 generate.py adam       those whose name holds a word

Each trace says in the language what is trained (`spec`), and holds PyTorch's rate, loss and, at the end, parameters. Images
and first weights come from the formula of the conformance cases, so that the files stay small. Needs torch and numpy.
"""

import json
import math
import os
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

STEPS_PER_EPOCH, EPOCHS, BATCH, IMAGES, CLASSES = 4, 5, 8, 30, 4
SIDE = 6


def hash_index(index, seed):
    x = (index.astype(np.uint64) * 2654435761 + seed) & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    x = ((x ^ (x >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return x ^ (x >> 16)


def fill(shape, seed, scale, offset=0.0):
    size = int(np.prod(shape))
    unit = hash_index(np.arange(size, dtype=np.uint64), seed) / 2.0**32
    return torch.tensor((offset + scale * (unit * 2 - 1)).astype(np.float32).astype(np.float64)).reshape(shape)


class Plain(nn.Module):
    """conv -> batch norm -> tanh -> average pool -> linear"""

    text = """input 1 x 6 x 6
  conv(4, kernel: 3, padding: 1, bias: false) -> batch_norm -> tanh -> avg_pool(2)
  flatten
  linear(4)"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.batch_norm1 = nn.BatchNorm2d(4)
        self.linear1 = nn.Linear(36, 4)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.batch_norm1(self.conv1(x))), 2)
        return (self.linear1(x.flatten(1)),)


class LogSoftmax(Plain):
    text = Plain.text + " -> log_softmax"

    def forward(self, x):
        return (F.log_softmax(super().forward(x)[0], dim=1),)


class Auxiliary(nn.Module):
    """Two auxiliary heads beside the main one."""

    text = """input 1 x 6 x 6
  conv(4, kernel: 3, padding: 1) -> tanh as stem
  head aux1 from stem weight 0.3 { global_avg_pool -> flatten -> linear(4) }
  avg_pool(2) -> flatten
  linear(10) -> tanh as hidden
  head aux2 weight 0.5 { linear(4) }
  linear(4)"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.aux1 = nn.Module()
        self.aux1.linear1 = nn.Linear(4, 4)
        self.linear1 = nn.Linear(36, 10)
        self.aux2 = nn.Module()
        self.aux2.linear1 = nn.Linear(10, 4)
        self.linear2 = nn.Linear(10, 4)

    def forward(self, x):
        stem = torch.tanh(self.conv1(x))
        hidden = torch.tanh(self.linear1(F.avg_pool2d(stem, 2).flatten(1)))
        return self.linear2(hidden), self.aux1.linear1(stem.mean((2, 3))), self.aux2.linear1(hidden)


HEAD_WEIGHTS = (1.0, 0.3, 0.5)


def sgd(**options):
    return lambda params: torch.optim.SGD(params, **options)


MOMENTUM = (lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9), "sgd(lr: 0.1, momentum: 0.9)")
ADAM = (lambda params: torch.optim.Adam(params, lr=0.01), "adam(lr: 0.01)")


def plateau(optimizer):
    return torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0.5, cooldown=1, min_lr=0.02)


def one_cycle(optimizer, **more):
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=EPOCHS * STEPS_PER_EPOCH, **more)


lr = torch.optim.lr_scheduler
SCHEDULES = {
    "constant": ("constant", lambda o: None, "never"),
    "step": ("step(step_size: 2, factor: 0.3)", lambda o: lr.StepLR(o, 2, 0.3), "epoch"),
    "multi_step": ("multi_step(milestones: (1, 3), factor: 0.4)", lambda o: lr.MultiStepLR(o, [1, 3], 0.4), "epoch"),
    "cosine": ("cosine(eta_min: 0.001)", lambda o: lr.CosineAnnealingLR(o, EPOCHS, 0.001), "epoch"),
    "one_cycle": ("one_cycle(max_lr: 0.2)", one_cycle, "step"),
    "reduce_on_plateau": (
        "reduce_on_plateau(factor: 0.5, patience: 0, threshold: 0.5, cooldown: 1, min_lr: 0.02)",
        plateau,
        "loss",
    ),
}

CASES = []


def case(name, optimizer, schedule="constant", model=Plain, warmup=0, loss="cross_entropy", lines="", schedule_parts=None, **options):
    make, text = optimizer
    parts = schedule_parts or SCHEDULES[schedule]
    CASES.append(dict(name=name, make=make, text=text, parts=parts, model=model, warmup=warmup, loss=loss, lines=lines, options=options))


case("sgd", (sgd(lr=0.1), "sgd(lr: 0.1)"))
case("sgd_momentum", MOMENTUM)
case("sgd_nesterov_decay", (sgd(lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True), "sgd(lr: 0.1, momentum: 0.9, weight_decay: 0.01, nesterov: true)"))
case("sgd_dampening", (sgd(lr=0.1, momentum=0.9, dampening=0.3), "sgd(lr: 0.1, momentum: 0.9, dampening: 0.3)"))
case("adam", ADAM)
case("adam_decay", (lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.95), weight_decay=0.01), "adam(lr: 0.01, betas: (0.8, 0.95), weight_decay: 0.01)"))
case("adamw", (lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1), "adamw(lr: 0.01, weight_decay: 0.1)"))
case("adam_amsgrad", (lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.7), amsgrad=True), "adam(lr: 0.02, betas: (0.8, 0.7), amsgrad: true)"))
case(
    "adamw_amsgrad",
    (lambda p: torch.optim.AdamW(p, lr=0.02, betas=(0.9, 0.6), weight_decay=0.1, amsgrad=True), "adamw(lr: 0.02, betas: (0.9, 0.6), weight_decay: 0.1, amsgrad: true)"),
)
case("rmsprop", (lambda p: torch.optim.RMSprop(p, lr=0.01), "rmsprop(lr: 0.01)"))
case(
    "rmsprop_centered",
    (lambda p: torch.optim.RMSprop(p, lr=0.005, alpha=0.9, momentum=0.5, centered=True, weight_decay=0.01), "rmsprop(lr: 0.005, alpha: 0.9, momentum: 0.5, centered: true, weight_decay: 0.01)"),
)
case("sgd_clip_norm", MOMENTUM, lines="clip_norm 0.3", clip=0.3)
case("adam_clip_norm", ADAM, lines="clip_norm 0.5", clip=0.5)
case("sgd_accumulate", MOMENTUM, lines="accumulate 4", accumulate=4)
case("adam_accumulate_clip_norm", ADAM, lines="accumulate 3  clip_norm 0.2", accumulate=3, clip=0.2)
for name, _ in SCHEDULES.items():
    if name != "constant":
        case(f"schedule_{name}", MOMENTUM, name)
    case(f"schedule_{name}_warmup", MOMENTUM, name, warmup=1.5)
case("schedule_one_cycle_adam", ADAM, "one_cycle")
case("schedule_one_cycle_no_momentum", (sgd(lr=0.1), "sgd(lr: 0.1)"), "one_cycle")
case(
    "schedule_one_cycle_three_phase",
    MOMENTUM,
    schedule_parts=(
        "one_cycle(max_lr: 0.2, pct_start: 0.4, div_factor: 10, final_div_factor: 100, anneal_strategy: linear, three_phase: true, cycle_momentum: false)",
        lambda o: one_cycle(o, pct_start=0.4, div_factor=10, final_div_factor=100, anneal_strategy="linear", three_phase=True, cycle_momentum=False),
        "step",
    ),
)
case("schedule_step_gamma", MOMENTUM, schedule_parts=("step(step_size: 1, gamma: 0.8)", lambda o: lr.StepLR(o, 1, gamma=0.8), "epoch"))
case("schedule_multi_step_gamma", MOMENTUM, schedule_parts=("multi_step((2, 4, 4))", lambda o: lr.MultiStepLR(o, [2, 4, 4]), "epoch"))
case("schedule_cosine_t_max", MOMENTUM, schedule_parts=("cosine(T_max: 2, eta_min: 0.01)", lambda o: lr.CosineAnnealingLR(o, T_max=2, eta_min=0.01), "epoch"))
case(
    "schedule_one_cycle_total_steps",
    MOMENTUM,
    schedule_parts=("one_cycle(max_lr: 0.2, total_steps: 26)", lambda o: lr.OneCycleLR(o, 0.2, total_steps=26), "step"),
)
case(
    "schedule_one_cycle_epochs",
    ADAM,
    schedule_parts=(
        "one_cycle(max_lr: 0.05, epochs: 3, steps_per_epoch: 8, base_momentum: 0.7, max_momentum: 0.9)",
        lambda o: lr.OneCycleLR(o, 0.05, epochs=3, steps_per_epoch=8, base_momentum=0.7, max_momentum=0.9),
        "step",
    ),
)
case(
    "schedule_reduce_on_plateau_abs",
    MOMENTUM,
    schedule_parts=(
        "reduce_on_plateau(min, factor: 0.4, patience: 0, threshold: 0.2, threshold_mode: abs, eps: 0.03)",
        lambda o: lr.ReduceLROnPlateau(o, factor=0.4, patience=0, threshold=0.2, threshold_mode="abs", eps=0.03),
        "loss",
    ),
)
case(
    "schedule_reduce_on_plateau_max",
    MOMENTUM,
    schedule_parts=(
        "reduce_on_plateau(mode: max, factor: 0.5, patience: 1, threshold: 0.01)",
        lambda o: lr.ReduceLROnPlateau(o, mode="max", factor=0.5, patience=1, threshold=0.01),
        "accuracy",
    ),
)
case("loss_label_smoothing", MOMENTUM, loss="cross_entropy(label_smoothing: 0.2)", smoothing=0.2)
case("loss_nll", MOMENTUM, model=LogSoftmax, loss="nll")
case("loss_auxiliary_heads", MOMENTUM, model=Auxiliary)
case("loss_class_weights", MOMENTUM, loss="cross_entropy(class_weights: (0.5, 1, 2, 4))", weights=[0.5, 1, 2, 4])
case(
    "loss_class_weights_smoothing",
    MOMENTUM,
    loss="cross_entropy(label_smoothing: 0.1, class_weights: (0.5, 1, 2, 4))",
    smoothing=0.1,
    weights=[0.5, 1, 2, 4],
)
case("loss_nll_class_weights", MOMENTUM, model=LogSoftmax, loss="nll(class_weights: (3, 1, 1, 0.2))", weights=[3, 1, 1, 0.2])
case("freeze", MOMENTUM, lines="freeze conv1", frozen=["conv1"])


def run(entry):
    options = entry["options"]
    accumulate = options.get("accumulate", 1)
    torch.manual_seed(0)
    model = entry["model"]()
    parameters = []
    for index, (name, parameter) in enumerate(model.named_parameters()):
        is_scale = name == "batch_norm1.weight"
        scale = 0.1 if parameter.dim() == 1 else 1.5 / math.sqrt(parameter[0].numel())
        entry_fill = {"seed": 7919 * (index + 1), "scale": scale, "offset": 1.0 if is_scale else 0.0}
        parameters.append({"name": name, "shape": list(parameter.shape), "fill": entry_fill})
        with torch.no_grad():
            parameter.copy_(fill(tuple(parameter.shape), **entry_fill))
        if any(name.startswith(f"{frozen}.") for frozen in options.get("frozen", [])):
            parameter.requires_grad = False
    micro_count = IMAGES * accumulate
    images_fill = {"seed": 12345, "scale": 1.0, "offset": 0.2}
    images = fill((micro_count, 1, SIDE, SIDE), **images_fill)
    labels = torch.tensor([(i * 7 + 3) % CLASSES for i in range(micro_count)])
    # Something to learn, and something that cannot be learnt: the last epochs' losses stay well above 0.
    optimizer = entry["make"](model.parameters())
    schedule_text, make_schedule, advances = entry["parts"]
    scheduler = make_schedule(optimizer)
    weights = torch.tensor(options["weights"], dtype=torch.float64) if "weights" in options else None

    def loss_of(x, y):
        outputs = model(x)
        if entry["model"] is LogSoftmax:
            return F.nll_loss(outputs[0], y, weight=weights)
        return sum(
            weight * F.cross_entropy(output, y, label_smoothing=options.get("smoothing", 0.0), weight=weights)
            for weight, output in zip(HEAD_WEIGHTS, outputs)
        )

    step_size = BATCH * accumulate
    steps = [[start, min(start + step_size, micro_count)] for start in range(0, micro_count, step_size)]
    assert len(steps) == STEPS_PER_EPOCH
    losses, rates, momenta, validation_losses, validation_accuracies = [], [], [], [], []
    for epoch in range(EPOCHS):
        for index, (start, end) in enumerate(steps):
            step = epoch * STEPS_PER_EPOCH + index
            group = optimizer.param_groups[0]
            scheduled = group["lr"]
            if entry["warmup"] > 0:
                group["lr"] = scheduled * min(1.0, (step + 1) / (entry["warmup"] * STEPS_PER_EPOCH))
            rates.append(group["lr"])
            momenta.append(group.get("momentum", group.get("betas", (0,))[0]))
            model.train()
            optimizer.zero_grad()
            micros = [(at, min(at + BATCH, end)) for at in range(start, end, BATCH)]
            shown = 0.0
            for first, last in micros:
                loss = loss_of(images[first:last], labels[first:last])
                (loss / len(micros)).backward()
                shown += float(loss.detach()) * (last - first) / (end - start)
            losses.append(shown)
            if "clip" in options:
                torch.nn.utils.clip_grad_norm_(model.parameters(), options["clip"])
            optimizer.step()
            group["lr"] = scheduled
            if advances == "step" and step + 1 < EPOCHS * STEPS_PER_EPOCH:
                scheduler.step()
        model.eval()
        with torch.no_grad():
            outputs = model(images[:BATCH])[0]
            validation = float(F.cross_entropy(outputs, labels[:BATCH]))
            accuracy = float((outputs.argmax(dim=1) == labels[:BATCH]).double().mean())
        validation_losses.append(validation)
        validation_accuracies.append(accuracy)
        if advances == "epoch":
            scheduler.step()
        elif advances == "loss":
            scheduler.step(validation)
        elif advances == "accuracy":
            scheduler.step(accuracy)
    after = {name: [float(f"{v:.10g}") for v in p.detach().flatten().tolist()] for name, p in model.named_parameters()}
    if entry["warmup"] > 0:
        schedule_text = schedule_text[:-1] + f", warmup: {entry['warmup']})" if "(" in schedule_text else f"{schedule_text}(warmup: {entry['warmup']})"
    lines = [
        '  data arrays("images.npy", "labels.npy")',
        f"  loss {entry['loss']}",
        f"  optimizer {entry['text']}",
        f"  schedule {schedule_text}",
        f"  batch {BATCH}",
        f"  epochs {EPOCHS}",
        *([f"  {entry['lines']}"] if entry["lines"] else []),
    ]
    return {
        "format": "cnnc-trace/1",
        "name": entry["name"],
        "spec": "model Net {\n  " + entry["model"].text + "\n}\ntrain Net {\n" + "\n".join(lines) + "\n}\n",
        "images": {"name": "images", "shape": [micro_count, 1, SIDE, SIDE], "fill": images_fill},
        "classes": CLASSES,
        "steps": steps,
        "epochs": EPOCHS,
        "validation": [0, BATCH],
        "parameters": parameters,
        "tolerance": 1e-4,
        "expect": {
            "rates": [float(f"{v:.12g}") for v in rates],
            "momenta": [float(f"{v:.12g}") for v in momenta],
            "losses": [float(f"{v:.12g}") for v in losses],
            "validationLosses": [float(f"{v:.12g}") for v in validation_losses],
            **({"validationAccuracies": validation_accuracies} if advances == "accuracy" else {}),
            "parameters": after,
        },
    }


def main():
    words = sys.argv[1:]
    for entry in CASES:
        if words and not any(word in entry["name"] for word in words):
            continue
        trace = run(entry)
        path = os.path.join(HERE, f"{entry['name']}.json")
        with open(path, "w") as file:
            json.dump(trace, file)
            file.write("\n")
        print(entry["name"], f"{trace['expect']['losses'][0]:.4f} -> {trace['expect']['losses'][-1]:.4f}")


if __name__ == "__main__":
    main()
