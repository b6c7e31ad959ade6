"""What an arborist's phone brings home: photos of trees, drawn, and a few tones where a voice would be."""

import io
import math
import wave
from array import array
from collections.abc import Callable, Mapping, Sequence
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

WIDTH, HEIGHT = 1200, 900
Colour = tuple[int, int, int]

BARK: Sequence[Colour] = ((92, 74, 58), (110, 92, 74), (78, 66, 56))
LEAVES: Sequence[Colour] = ((58, 98, 42), (74, 118, 48), (92, 134, 58), (46, 84, 40), (112, 148, 70))


def photo(motif: str, seed: int) -> bytes:
    """One of MOTIFS as a JPEG of 1200 × 900; the same seed draws the same. Takes some 200 ms of CPU: use a thread."""
    chance = Random(seed)
    image = MOTIFS[motif](chance)
    image = image.filter(ImageFilter.GaussianBlur(0.7))
    grain = Image.effect_noise((WIDTH, HEIGHT), 14).convert("RGB")
    image = ImageChops.add(image, grain, scale=1.0, offset=-128)
    written = io.BytesIO()
    image.save(written, "JPEG", quality=82)
    return written.getvalue()


def recording(seed: int, *, seconds: float = 6.0, rate: int = 16_000) -> bytes:
    """A wav of soft tones, 16-bit mono: it stands for a dictated note, and nobody mistakes it for a voice."""
    chance, samples = Random(seed), array("h")
    scale = (220.0, 246.9, 277.2, 329.6, 370.0, 440.0)
    while len(samples) < seconds * rate:
        pitch, length = chance.choice(scale), int(chance.uniform(0.22, 0.6) * rate)
        for n in range(length):
            swell = math.sin(math.pi * n / length) ** 2
            tone = math.sin(2 * math.pi * pitch * n / rate) + 0.3 * math.sin(4 * math.pi * pitch * n / rate)
            samples.append(int(6500 * swell * tone))
        samples.extend([0] * int(0.06 * rate))
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return written.getvalue()


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))  # type: ignore[return-value]


def _lit(colour: Colour, by: float) -> Colour:
    return tuple(max(0, min(255, round(c * by))) for c in colour)  # type: ignore[return-value]


def _sky(chance: Random, horizon: int) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(image)
    high, low = chance.choice((((96, 148, 206), (206, 224, 236)), ((140, 168, 196), (226, 226, 220)), ((80, 136, 198), (196, 220, 240))))
    for y in range(horizon):
        draw.line((0, y, WIDTH, y), _mixed(high, low, y / horizon))
    clouds = Image.new("L", (WIDTH, HEIGHT))
    puffs = ImageDraw.Draw(clouds)
    for _ in range(5):
        x, y = chance.randrange(WIDTH), chance.randrange(40, horizon // 2)
        for _ in range(14):
            dx, dy, r = chance.gauss(0, 90), chance.gauss(0, 16), chance.uniform(18, 52)
            puffs.ellipse((x + dx - r, y + dy - r * 0.6, x + dx + r, y + dy + r * 0.6), 150)
    image.paste((248, 250, 252), mask=clouds.filter(ImageFilter.GaussianBlur(18)))
    return image


def _ground(image: Image.Image, chance: Random, horizon: int, near: Colour, far: Colour) -> None:
    draw = ImageDraw.Draw(image)
    for y in range(horizon, HEIGHT):
        draw.line((0, y, WIDTH, y), _mixed(far, near, (y - horizon) / (HEIGHT - horizon)))
    for _ in range(2200):
        x, y = chance.randrange(WIDTH), chance.randrange(horizon, HEIGHT)
        depth = (y - horizon) / (HEIGHT - horizon)
        draw.line((x, y, x + chance.uniform(-3, 3), y - 3 - 9 * depth), _lit(_mixed(far, near, depth), chance.uniform(0.8, 1.22)))


def _town(image: Image.Image, chance: Random, horizon: int) -> None:
    """Far houses and a wall, out of focus."""
    layer = image.copy()
    draw, x = ImageDraw.Draw(layer), -40
    while x < WIDTH:
        width, height = chance.randint(80, 210), chance.randint(50, 190)
        wall = chance.choice(((214, 196, 160), (226, 218, 206), (190, 176, 160), (170, 184, 190), (222, 186, 140)))
        draw.rectangle((x, horizon - height, x + width, horizon), wall)
        draw.polygon((x - 8, horizon - height, x + width / 2, horizon - height - 26, x + width + 8, horizon - height), fill=_lit((168, 84, 60), chance.uniform(0.8, 1.1)))
        for wx in range(x + 12, x + width - 18, 30):
            for wy in range(horizon - height + 18, horizon - 24, 36):
                draw.rectangle((wx, wy, wx + 14, wy + 20), _lit(wall, 0.55))
        x += width + chance.randint(4, 70)
    image.paste(layer.filter(ImageFilter.GaussianBlur(3.2)))


def _limb(draw: ImageDraw.ImageDraw, one: tuple[float, float], other: tuple[float, float], wide: float, narrow: float, colour: Colour) -> None:
    (x0, y0), (x1, y1) = one, other
    length = math.hypot(x1 - x0, y1 - y0) or 1
    nx, ny = -(y1 - y0) / length, (x1 - x0) / length
    for part, shade in ((1.0, 0.72), (0.72, 1.0), (0.3, 1.2)):
        a, b, shift = wide / 2 * part, narrow / 2 * part, (1 - part) * wide * 0.22
        draw.polygon(
            ((x0 + nx * (a + shift), y0 + ny * (a + shift)), (x1 + nx * (b + shift), y1 + ny * (b + shift)),
             (x1 - nx * (b - shift), y1 - ny * (b - shift)), (x0 - nx * (a - shift), y0 - ny * (a - shift))),
            fill=_lit(colour, shade),
        )  # fmt: skip


def _branches(
    draw: ImageDraw.ImageDraw, chance: Random, at: tuple[float, float], angle: float, length: float, width: float,
    depth: int, bark: Colour, tips: list[tuple[float, float]],
) -> None:  # fmt: skip
    end = (at[0] + math.sin(angle) * length, at[1] - math.cos(angle) * length)
    _limb(draw, at, end, width, width * 0.66, bark)
    if depth == 0:
        tips.append(end)
        return
    for _ in range(chance.choice((2, 2, 3))):
        _branches(
            draw, chance, end, angle + chance.gauss(0, 0.5), length * chance.uniform(0.62, 0.84), width * 0.62, depth - 1, bark, tips
        )


def _foliage(image: Image.Image, chance: Random, tips: Sequence[tuple[float, float]], spread: float, leaves: int) -> None:
    draw = ImageDraw.Draw(image)
    centre = sum(y for _, y in tips) / len(tips)
    clumps = []
    for x, y in tips:
        clumps += [(x + chance.gauss(0, spread), y + chance.gauss(0, spread * 0.7), chance.uniform(3, 10)) for _ in range(leaves)]
    for x, y, r in sorted(clumps, key=lambda clump: clump[0] * 0.3 - clump[1], reverse=False):
        light = 0.72 + 0.5 * max(0.0, min(1.0, (centre - y) / 220 + 0.5)) + chance.uniform(-0.12, 0.12)
        draw.ellipse((x - r, y - r * 0.7, x + r, y + r * 0.7), _lit(chance.choice(LEAVES), light))


def _shadow(image: Image.Image, x: float, y: float, width: float, depth: float) -> None:
    mask = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(mask).ellipse((x - width, y - depth, x + width, y + depth), 120)
    image.paste((28, 34, 26), mask=mask.filter(ImageFilter.GaussianBlur(22)))


def _whole(chance: Random) -> Image.Image:
    horizon = chance.randint(600, 650)
    image = _sky(chance, horizon)
    _town(image, chance, horizon)
    _ground(image, chance, horizon, (106, 122, 58), (152, 156, 96))
    x, foot = WIDTH / 2 + chance.uniform(-120, 120), 800.0
    _shadow(image, x + 60, foot + 12, 330, 40)
    tips: list[tuple[float, float]] = []
    draw = ImageDraw.Draw(image)
    _limb(draw, (x, foot + 24), (x, foot - 80), 96, 58, BARK[0])
    _branches(draw, chance, (x, foot - 60), chance.gauss(0, 0.07), 205, 56, 5, chance.choice(BARK), tips)
    _foliage(image, chance, tips, 34, 60)
    return image


def _bark(image: Image.Image, chance: Random, left: float, right: float, top: int = 0) -> None:
    """A trunk close by: a cylinder in light from the left, furrowed."""
    draw, tint = ImageDraw.Draw(image), chance.choice(BARK)
    for y in range(top, HEIGHT):
        bulge = 10 * math.sin(y / 130) + 6 * math.sin(y / 47)
        for part in range(40):
            x0 = left - bulge + (right - left + 2 * bulge) * part / 40
            light = 0.6 + 0.75 * math.sin(math.pi * (0.12 + 0.8 * part / 40)) - 0.35 * part / 40
            draw.line((x0, y, x0 + (right - left) / 40 + 1, y), _lit(tint, light))
    for _ in range(620):
        furrow, length = [(chance.uniform(left, right), chance.uniform(top, HEIGHT))], chance.uniform(30, 120)
        light = chance.choice((0.5, 0.62, 1.18, 1.3))
        for _ in range(5):
            furrow.append((furrow[-1][0] + chance.gauss(0, 3.5), furrow[-1][1] + length / 5))
        draw.line(furrow, _lit(tint, light), width=chance.randint(1, 5), joint="curve")


def _behind(chance: Random) -> Image.Image:
    horizon = chance.randint(380, 460)
    image = _sky(chance, horizon)
    _town(image, chance, horizon)
    _ground(image, chance, horizon, (112, 120, 66), (160, 158, 108))
    tips = [(chance.uniform(0, WIDTH), chance.uniform(60, horizon)) for _ in range(24)]
    _foliage(image, chance, tips, 46, 34)
    return image.filter(ImageFilter.GaussianBlur(6))


def _cavity(chance: Random) -> Image.Image:
    image = _behind(chance)
    left, right = 330 + chance.uniform(-40, 40), 860 + chance.uniform(-40, 40)
    _bark(image, chance, left, right)
    draw, x, y = ImageDraw.Draw(image), (left + right) / 2 + chance.uniform(-70, 70), chance.uniform(330, 520)
    w, h = chance.uniform(66, 96), chance.uniform(120, 170)
    for grown, colour in ((1.3, (126, 106, 84)), (1.18, (146, 124, 98)), (1.04, (70, 52, 40)), (0.92, (34, 26, 22)), (0.7, (18, 14, 13))):
        edge = [
            (x + math.cos(a) * w * grown * (1 + 0.07 * math.sin(5 * a + 1)), y + math.sin(a) * h * grown * (1 + 0.05 * math.sin(7 * a)))
            for a in (n / 60 * math.tau for n in range(60))
        ]
        draw.polygon(edge, fill=colour)
    return image


def _roots(chance: Random) -> Image.Image:
    horizon = 330
    image = _behind(chance)
    draw = ImageDraw.Draw(image)
    for y in range(horizon, HEIGHT):
        draw.line((0, y, WIDTH, y), _mixed((168, 160, 150), (196, 188, 176), (y - horizon) / (HEIGHT - horizon)))
    for n in range(-6, 18):  # paving stones, towards one point
        draw.line((WIDTH / 2 + (n - 6) * 60, horizon, WIDTH / 2 + (n - 6) * 260, HEIGHT), (140, 132, 122), 3)
    for n in range(8):
        y = horizon + (HEIGHT - horizon) * (n / 8) ** 1.6
        draw.line((0, y, WIDTH, y), (140, 132, 122), 3)
    x, foot = WIDTH / 2 + chance.uniform(-60, 60), 560
    _shadow(image, x + 30, foot + 40, 380, 90)
    draw, tint = ImageDraw.Draw(image), chance.choice(BARK)
    for n in range(11):
        angle = math.pi * (0.06 + 0.88 * n / 10)
        at, width = (x - math.cos(angle) * 110, foot - 10 + math.sin(angle) * 26), chance.uniform(34, 62)
        for _ in range(5):
            to = (at[0] - math.cos(angle) * chance.uniform(40, 84), at[1] + math.sin(angle) * chance.uniform(18, 52))
            _limb(draw, at, to, width, width * 0.72, tint)
            at, width, angle = to, width * 0.72, angle + chance.gauss(0, 0.22)
    for _ in range(3):  # a stone lifted
        sx, sy = x + chance.uniform(-330, 330), foot + chance.uniform(120, 240)
        draw.polygon(((sx - 70, sy), (sx + 40, sy - 26), (sx + 84, sy + 18), (sx - 30, sy + 40)), fill=(206, 198, 186), outline=(96, 88, 80))
    trunk = image.crop((0, 0, WIDTH, foot))
    _bark(trunk, chance, x - 150, x + 150)
    image.paste(trunk)
    return image


def _crown(chance: Random) -> Image.Image:
    """Seen from below, with a bare, dead limb."""
    image = _sky(chance, HEIGHT)
    draw, tips = ImageDraw.Draw(image), list[tuple[float, float]]()
    bark = chance.choice(BARK)
    for x, angle in ((380, 0.3), (620, -0.08), (860, -0.42)):
        _branches(draw, chance, (x, HEIGHT + 40), angle + chance.gauss(0, 0.06), 330, 74, 4, bark, tips)
    _foliage(image, chance, [tip for tip in tips if tip[0] < 850 or tip[1] > 560], 62, 130)
    dead: list[tuple[float, float]] = []
    _branches(ImageDraw.Draw(image), chance, (760, 640), 0.62, 190, 34, 4, (150, 140, 128), dead)
    return image


MOTIFS: Mapping[str, Callable[[Random], Image.Image]] = {
    "whole": _whole, "cavity": _cavity, "roots": _roots, "crown": _crown,
}  # fmt: skip
