"""Writes docs/configuration.md from the table of options. A test holds the two together."""

from pathlib import Path

from lambdad.config import OPTIONS

HEAD = """# Configuration

Every setting of `lambdad serve`: a flag wins over its environment variable, that over the default. Settings marked * may be
given several times; in the variable their values are separated by commas. Written by `docs/make_configuration.py`.

| flag | variable | default | what it does |
|---|---|---|---|
"""


def text() -> str:
    lines = []
    for option in OPTIONS:
        default = "" if option.default in (None, ()) else f"`{option.default}`"
        about = option.help + (f" One of: {', '.join(option.choices)}." if option.choices else "")
        lines.append(f"| `{option.flag}`{' *' if option.many else ''} | `{option.variable}` | {default} | {about} |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("configuration.md").write_text(text())
