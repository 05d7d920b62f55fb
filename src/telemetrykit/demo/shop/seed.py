"""What is on the shelves when the shop opens."""

from __future__ import annotations

from random import Random

from .model import ArtifactDraft, Kind

USERS = ("amara", "bruno", "chidi", "dana", "emil", "farah", "goran", "hana", "ines", "jonas", "keiko", "luca")
RESELLERS = ("northwind", "pixelhaus", "tidepool")

_STUDIOS = ("Studio Lumen", "Paper Crane", "Oak & Iron", "Nine Volts", "Salt Marsh", "Low Orbit")
_MOODS = ("Quiet", "Neon", "Coastal", "Brutal", "Paper", "Midnight", "Copper", "Arctic", "Velvet", "Signal")
_THINGS = {
    Kind.FONT: ("Grotesk", "Serif", "Mono"),
    Kind.ICONS: ("Icon Set", "Glyphs"),
    Kind.TEXTURE: ("Concrete", "Linen", "Noise"),
    Kind.MODEL: ("Chair", "Lamp", "Skyline"),
    Kind.SOUND: ("Loops", "Foley Pack"),
    Kind.TEMPLATE: ("Pitch Deck", "Invoice", "Portfolio"),
}


def invent_artifact(random: Random) -> ArtifactDraft:
    """A plausible artifact; the same state of ``random`` gives the same one."""
    kind = random.choice(list(Kind))
    return ArtifactDraft(
        title=f"{random.choice(_MOODS)} {random.choice(_THINGS[kind])}",
        kind=kind,
        author=random.choice(_STUDIOS),
        price_cents=random.choice((490, 900, 1250, 1900, 2400, 3900, 7900)),
        size_bytes=random.randrange(40_000, 900_000),
    )
