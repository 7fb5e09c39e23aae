"""Train MobileNetV2 1.4 for CIFAR-10: no package ships weights of its kind for data that is here.

It learns from the answers of ResNet-56 on mixtures of photos, long and without labels (Beyer et al.
2022, "Knowledge distillation: A good teacher is patient and consistent", "function matching"). The
photos are those of shared/data that no benchmark calibrates with or judges by.

Run: python -m benchmarks.train_mobilenet_v2 [--epochs 400] [--device cuda] [-o FILE]
It is written to build/mobilenet_v2_cifar.pt, where `benchmarks.four_bits` finds it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.data import shared_data
from benchmarks.model_jobs import CALIBRATION, MOBILENET_V2, TRAINED_CIFAR, cifar10
from examples.models import resnet_cifar
from examples.models.mobilenet_v2 import Cifar

PHOTOS = 10_000
JUDGES = CALIBRATION + 1000  # photos that benchmarks use come first
BATCH = 512
RATE = 0.2  # of SGD, first
DECAY = 5e-5
TEMPERATURE = 2.0
BORDER = 4  # pixels, around crops


def views(photos: Tensor, draws: torch.Generator) -> Tensor:
    """Crops with a border, half of them mirrored: float32 [N, 3, 32, 32] -> the same shape."""
    count, _, height, width = photos.shape
    device = photos.device
    padded = functional.pad(photos, [BORDER] * 4)
    tops, lefts = (
        torch.randint(2 * BORDER + 1, (count, 1, 1), generator=draws, device=device)
        for _ in range(2)
    )
    rows = tops + torch.arange(height, device=device)[None, :, None]
    columns = lefts + torch.arange(width, device=device)[None, None, :]
    cropped = padded.permute(0, 2, 3, 1)[
        torch.arange(count, device=device)[:, None, None], rows, columns
    ].permute(0, 3, 1, 2)
    mirrored = torch.rand(count, generator=draws, device=device) < 0.5
    return torch.where(mirrored[:, None, None, None], cropped.flip(3), cropped)


def mixed(photos: Tensor, draws: torch.Generator) -> Tensor:
    """Each with another one, by a share of 0 to 1."""
    order = torch.randperm(len(photos), generator=draws, device=photos.device)
    share = torch.rand(len(photos), 1, 1, 1, generator=draws, device=photos.device)
    return share * photos + (1 - share) * photos[order]


def train(student: nn.Module, teacher: nn.Module, photos: Tensor, epochs: int) -> None:
    """Bring the student's answers near the teacher's, in place."""
    draws = torch.Generator(photos.device).manual_seed(0)
    steps = len(photos) // BATCH
    optimizer = torch.optim.SGD(
        student.parameters(), RATE, momentum=0.9, nesterov=True, weight_decay=DECAY
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=epochs * steps, pct_start=0.05
    )
    student.train()
    for epoch in range(epochs):
        order = torch.randperm(len(photos), generator=draws, device=photos.device)
        for chosen in torch.split(order[: steps * BATCH], BATCH):
            seen = mixed(views(photos[chosen], draws), draws)
            seen = seen.contiguous(memory_format=torch.channels_last)
            with torch.no_grad():
                wanted = functional.log_softmax(teacher(seen) / TEMPERATURE, 1)
            with torch.autocast(photos.device.type, torch.bfloat16):
                said = student(seen)
            said = functional.log_softmax(said.float() / TEMPERATURE, 1)
            loss = functional.kl_div(said, wanted, reduction="batchmean", log_target=True)
            loss = loss * TEMPERATURE**2
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        if epoch % 20 == 0:
            print(f"epoch {epoch}: divergence {loss.item():.4f}", flush=True)
    settle(student, photos)


@torch.no_grad()
def settle(network: nn.Module, photos: Tensor) -> None:
    """Give normalisations the statistics of plain photos instead of mixtures."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the mean of all that follows
    for part in torch.split(photos, BATCH):
        network(part)
    network.eval()


@torch.no_grad()
def right(network: nn.Module, photos: Tensor, classes: Tensor) -> float:
    """Percent of photos whose best class is the label."""
    answers = torch.cat([network(part).argmax(1) for part in torch.split(photos, 250)])
    return 100 * float((answers == classes).float().mean())


def main() -> None:
    """Train, judge and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--device", default="cuda", help="of torch (default cuda)")
    parser.add_argument("-o", "--output", type=Path, default=MOBILENET_V2)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no CUDA device. --device cpu works too, but takes days.")
    torch.manual_seed(0)
    images, labels = cifar10(PHOTOS, *TRAINED_CIFAR)
    photos = torch.from_numpy(images).to(options.device)
    classes = torch.from_numpy(labels.astype(np.int64)).to(options.device)
    weights = shared_data() / "cifar10" / "resnet56-4bfd9763.th"
    teacher = resnet_cifar.build(weights, 56).to(options.device).eval()
    student = Cifar().to(options.device)
    student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast
    start = time.monotonic()
    train(student, teacher, photos[JUDGES:], options.epochs)
    judged = photos[CALIBRATION:JUDGES], classes[CALIBRATION:JUDGES]
    print(
        f"{right(student, *judged):.2f} % of {len(judged[1])} photos are right (ResNet-56: "
        f"{right(teacher, *judged):.2f}), after {(time.monotonic() - start) / 60:.1f} minutes"
    )
    options.output.parent.mkdir(parents=True, exist_ok=True)
    torch.save({k: v.cpu() for k, v in student.state_dict().items()}, options.output)


if __name__ == "__main__":
    main()
