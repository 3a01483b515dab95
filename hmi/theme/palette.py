"""The colours: grey is normal, saturated colour means abnormal and nothing else.

Called by   every view; ``hmi.theme.style`` makes the style sheet from it.
Knows       hex strings only, so that contrast can be tested without a screen.
Source      ISA-101.01 and EEMUA 201 for the principles; the colours are ours, chosen for contrast and for colour-blind
            eyes. Priorities differ in shape and number too.
"""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme."""

    name: str
    background: str
    panel: str
    raised: str
    edge: str  # separators and frames of panels
    outline: str
    fill: str
    line: str
    line_second: str
    liquid: str
    text: str
    dim: str
    live: str
    setpoint: str
    output: str
    normal_band: str
    priority: tuple[str, str, str, str]
    priority_text: tuple[str, str, str, str]
    priority_edge: str
    hidden: str
    bad: str
    focus: str
    now: str
    pens: tuple[str, ...]

    def map_from(self, other: "Palette") -> dict[str, str]:
        """Colour of ``other`` → colour of this palette: how a drawing made in one theme is shown in another."""
        mapping: dict[str, str] = {}
        for field in fields(self):
            theirs, ours = getattr(other, field.name), getattr(self, field.name)
            if isinstance(theirs, str) and theirs.startswith("#"):
                mapping.setdefault(theirs.lower(), ours)
        return mapping


LIGHT = Palette(
    name="light",
    background="#D6D8DA",
    panel="#E3E5E7",
    raised="#EFF0F1",
    edge="#B9BDC1",
    outline="#6B7075",
    fill="#C4C7CA",
    line="#54595E",
    line_second="#8B9095",
    liquid="#A3AFB8",
    text="#2E3236",
    dim="#54595E",
    live="#10429B",
    setpoint="#1D1F21",
    output="#54595E",
    normal_band="#BFD3C9",
    priority=("#D10A1E", "#E87400", "#E8C400", "#A347BA"),
    priority_text=("#FFFFFF", "#000000", "#000000", "#FFFFFF"),
    priority_edge="#2E3236",
    hidden="#8B9095",
    bad="#6B7075",
    focus="#0A6CFF",
    now="#54595E",
    pens=("#10429B", "#C2410C", "#0F766E", "#7C3AED", "#A16207", "#BE185D", "#334155", "#0369A1"),
)

DARK = Palette(
    name="dark",
    background="#23272B",
    panel="#2C3136",
    raised="#363C42",
    edge="#474E55",
    outline="#8E959C",
    fill="#3A4046",
    line="#A7AEB5",
    line_second="#6E757C",
    liquid="#55646F",
    text="#C9CED3",
    dim="#A3AAB1",  # lighter than the reference #9AA1A8, which has only 4.3:1 on raised
    live="#8FBFFF",
    setpoint="#F2F4F5",
    output="#A7AEB5",
    normal_band="#3D5148",
    priority=("#FF4B5C", "#FF9A3C", "#FFE04A", "#CF8AE0"),
    priority_text=("#000000", "#000000", "#000000", "#000000"),
    priority_edge="#23272B",
    hidden="#8B9095",
    bad="#8E959C",
    focus="#6BB1FF",
    now="#A7AEB5",
    pens=("#8FBFFF", "#FB9A6B", "#5FD0C5", "#B79CFF", "#E0B64C", "#F48FB8", "#AEBBCB", "#6CC7F5"),
)

PALETTES = {palette.name: palette for palette in (LIGHT, DARK)}


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two hex colours, 1–21 (WCAG 2.2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255.0 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
