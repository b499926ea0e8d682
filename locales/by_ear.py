"""French as it sounds: words that are spelt by ear come out alike (medsin, médecin; kotizassion, cotisation)."""

import re
from functools import lru_cache

# In this order. Capitals without accents; what is left are sounds, near enough to compare two spellings.
SOUNDS = tuple(
    (re.compile(spelt), sound)
    for spelt, sound in (
        (r"PH", "F"),
        (r"TION|SSION|TIEN", "SION"),
        (r"SC(?=[EIY])|C(?=[EIY])|SS|Z", "S"),
        (r"CH", "#"),
        (r"QU|CK|C|Q", "K"),
        (r"H", ""),
        (r"#", "CH"),
        (r"GE(?=[AO])|G(?=[EIY])", "J"),
        (r"GU(?=[EIY])", "G"),
        (r"EAU|AU", "O"),
        (r"ILL(?=[AE])", "I"),
        (r"(?:AI|EI|IE|I|UI)[NM](?![AEIOUYNM])|UN(?![AEIOUYNM])", "1"),
        (r"[AE][NM](?![AEIOUYNM])", "2"),
        (r"O[NM](?![AEIOUYNM])", "3"),
        (r"Y", "I"),
        (r"AI|EI|OEU|EU|OE", "E"),
        (r"([A-Z0-9])\1+", r"\1"),
        (r"(?<=...)(?:ER|EZ|ES|ET|E)$", ""),
        (r"(?<=...)[STDXP]$", ""),
        (r"(?<!^)E", ""),
        (r"([A-Z0-9])\1+", r"\1"),
    )
)


@lru_cache(maxsize=4096)
def sound_of(word: str) -> str:
    """The sounds of a word in capitals without accents."""
    for spelt, sound in SOUNDS:
        word = spelt.sub(sound, word)
    return word
