"""How an image file becomes the array that a model was trained on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgesdk_runtimes.base import Array
from edgesdk_runtimes.errors import InputError, RuntimeMissingError

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".webp"}
FILTERS = {"nearest": 0, "bilinear": 2, "bicubic": 3, "lanczos": 1}
LAYOUTS = ("NCHW", "NHWC")
CHANNELS = ("RGB", "BGR", "L")


@dataclass(frozen=True)
class Preprocess:
    """Resize the short side, crop the centre, then (pixel - mean) / std.

    Attributes:
        crop: side of the square that is kept, in pixels.
        resize: length of the short side before the crop, in pixels; 0 leaves the image as it is.
        interpolation: "nearest", "bilinear", "bicubic" or "lanczos".
        mean: subtracted, in units of 0..255 pixels; one number or one a channel.
        std: divided by, in the same units.
        channels: "RGB", "BGR" or "L".
        layout: "NCHW" or "NHWC".
    """

    crop: int = 224
    resize: int = 256
    interpolation: str = "bicubic"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (255.0,)
    channels: str = "RGB"
    layout: str = "NCHW"

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("interpolation", self.interpolation, tuple(FILTERS)),
            ("channels", self.channels, CHANNELS),
            ("layout", self.layout, LAYOUTS),
        ):
            if value not in allowed:
                raise InputError(
                    f"preprocess {name} is {value!r}; allowed are {', '.join(allowed)}"
                )
        if self.crop < 1 or self.resize < 0 or not all(self.std):
            raise InputError(f"preprocess {self} is impossible; crop >= 1, resize >= 0, std not 0")

    @staticmethod
    def parse(text: str) -> Preprocess:
        """Read "crop=224,mean=127,std=128" or JSON, as `to_json` writes it.

        Raises:
            InputError: an unknown key or a value that does not fit.
        """
        try:
            table = json.loads(text) if text.startswith("{") else _pairs(text)
            known = sorted(f.name for f in fields(Preprocess))
            if unknown := sorted(set(table) - set(known)):
                raise InputError(
                    f"preprocess has no key {', '.join(unknown)}; allowed are {', '.join(known)}"
                )
            return Preprocess(**{key: _value(key, value) for key, value in table.items()})
        except (ValueError, TypeError) as error:
            raise InputError(
                f"preprocess {text!r} is not understood ({error}); "
                "write e.g. crop=224,mean=127,std=128"
            ) from error

    def to_json(self) -> str:
        """One line of JSON that `parse` reads back."""
        return json.dumps(asdict(self))

    def load(self, path: Path) -> Array:
        """Read an image file.

        Returns:
            float32 [1, C, crop, crop] or [1, crop, crop, C].

        Raises:
            InputError: the file is empty, unreadable, or smaller than the crop.
        """
        try:
            import PIL.Image
        except ImportError as error:
            raise RuntimeMissingError("images need Pillow; run: pip install pillow") from error
        try:
            with PIL.Image.open(path) as image:
                pixels = self._crop(image.convert("L" if self.channels == "L" else "RGB"), path)
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(
                f"{path} cannot be read as an image ({error}); remove or replace it"
            ) from error
        return self.normalize(pixels)

    def normalize(self, pixels: Array) -> Array:
        """uint8 [H, W] or [H, W, 3] RGB -> float32 [1, C, H, W] or [1, H, W, C]."""
        image = np.atleast_3d(pixels).astype(np.float32)
        if self.channels == "BGR":
            image = image[..., ::-1]
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        image = (image - mean) / std
        return np.ascontiguousarray(image.transpose(2, 0, 1) if self.layout == "NCHW" else image)[
            None
        ]

    def _crop(self, image: Image, path: Path) -> Array:
        width, height = image.size
        if self.resize and min(width, height) != self.resize:
            scale = self.resize / min(width, height)
            size = (max(round(width * scale), self.resize), max(round(height * scale), self.resize))
            image = image.resize(size, FILTERS[self.interpolation])
            width, height = image.size
        if min(width, height) < self.crop:
            raise InputError(
                f"{path} is {width}x{height}, smaller than the crop of {self.crop}; set resize"
            )
        left, top = (width - self.crop) // 2, (height - self.crop) // 2
        return np.asarray(image.crop((left, top, left + self.crop, top + self.crop)))


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(",") if pair)


def _value(key: str, value: object) -> Any:
    if key in ("mean", "std"):
        items = value if isinstance(value, list) else str(value).split("/")
        return tuple(float(item) for item in items)
    return int(str(value)) if key in ("crop", "resize") else str(value)
