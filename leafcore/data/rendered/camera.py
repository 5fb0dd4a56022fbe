"""The camera: blur, haze, metering, white balance, tone curve, noise. Linear light goes in, a picture comes out."""

from dataclasses import dataclass

import cv2
import numpy as np

from leafcore.data.rendered.fields import ByteArray, FloatArray, Rng, as_float

_INSET = as_float(0.82 * np.eye(3) + 0.06)
_OUTSET = as_float(np.linalg.inv(_INSET))


@dataclass(frozen=True)
class Camera:
    """One photograph's camera; lengths are shares of the frame."""

    exposure: float  # stops around the metered value
    metering: float  # how far the mean brightness is evened out, [0, 1]
    balance: FloatArray  # (3,) channel gains
    saturation: float
    haze: float  # share of flat light added by lens and air, [0, 1]
    blur: float  # standard deviation of the defocus
    shake: tuple[float, float]  # length and angle of the motion blur
    noise: float
    vignette: float
    gamma: float  # of the contrast curve, 1 = neutral


def draw_camera(rng: Rng) -> Camera:
    """Draw a camera; white balance and exposure vary as strongly as they do in the field."""
    cast = rng.normal(0, 0.07, 3)
    if rng.random() < 0.14:  # phones go astray under a canopy: teal pictures
        cast += np.array([-0.42, 0.04, 0.3]) * rng.uniform(0.4, 1.0)
    elif rng.random() < 0.1:
        cast += np.array([0.16, 0.02, -0.22])
    return Camera(
        exposure=float(rng.normal(0.12, 0.4)),
        metering=float(rng.uniform(0.45, 0.85)),
        balance=as_float(np.exp(cast)),
        saturation=float(rng.uniform(0.82, 1.25)),
        haze=float(rng.beta(1.0, 16.0)),
        blur=float(rng.choice([0.0, rng.uniform(0.0015, 0.005)], p=[0.55, 0.45])),
        shake=(
            float(rng.choice([0.0, rng.uniform(0.008, 0.02)], p=[0.88, 0.12])),
            float(rng.uniform(0, np.pi)),
        ),
        noise=float(rng.uniform(0.003, 0.016)),
        vignette=float(rng.uniform(0.0, 0.3)),
        gamma=float(rng.uniform(1.0, 1.5)),
    )


def expose(light: FloatArray, camera: Camera, rng: Rng) -> ByteArray:
    """Turn linear light into a photograph.

    Args:
        light: (S, S, 3) float32, >= 0.
        camera: The camera's settings.
        rng: Draws the sensor's noise.

    Returns:
        (S, S, 3) uint8 RGB.
    """
    size = light.shape[0]
    picture = _blurred(light, camera, size)
    mean = float(picture.mean())
    bright = float(np.percentile(picture[::4, ::4], 97))
    gain = 2.0**camera.exposure * (0.2 / max(mean, 1e-3)) ** camera.metering * 1.8
    gain = min(gain, 3.2 / max(bright, 1e-3))
    grey = np.full((3, 3), (1 - camera.saturation) / 3, np.float32) + np.eye(3, dtype=np.float32) * camera.saturation
    matrix = (camera.balance[:, None] * grey) * np.float32(gain * (1 - camera.haze))
    veil = np.full((3, 1), mean * gain * camera.haze * 2, np.float32)
    picture = as_float(cv2.transform(picture, np.concatenate([matrix, veil], axis=1)))
    axis = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    falloff = 1 - np.float32(camera.vignette * 0.5) * (axis[:, None] + axis[None, :])
    picture *= cv2.merge([falloff] * 3)
    np.maximum(picture, 0, out=picture)
    picture = as_float(cv2.transform(picture, _INSET))
    picture = 1 - np.exp(-picture)  # film shoulder: what is too bright turns white, as the channels share their light
    picture = np.sqrt(np.clip(cv2.transform(picture, _OUTSET), 0, 1))  # the square law of the screen
    picture += rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(camera.noise)
    picture = np.clip(picture, 0, 1)
    bent = picture * picture * (3 - 2 * picture)  # an S curve, mixed in or taken away
    picture += (bent - picture) * np.float32((camera.gamma - 1) * 1.6)
    return np.asarray(np.clip(picture * 255 + 0.5, 0, 255), dtype=np.uint8)


def _blurred(light: FloatArray, camera: Camera, size: int) -> FloatArray:
    """Defocus and shake."""
    picture = light
    if camera.blur * size > 0.3:
        picture = as_float(cv2.GaussianBlur(picture, (0, 0), camera.blur * size))
    length, angle = camera.shake
    taps = round(length * size)
    if taps >= 2:
        kernel = np.zeros((2 * taps + 1, 2 * taps + 1), np.float32)
        reach = np.array([np.cos(angle), np.sin(angle)]) * taps / 2
        a, b = np.round(taps - reach).astype(int), np.round(taps + reach).astype(int)
        cv2.line(kernel, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 1.0)
        picture = as_float(cv2.filter2D(picture, -1, kernel / kernel.sum()))
    return picture
