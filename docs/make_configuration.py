"""Writes docs/configuration.md from the table of options. A test holds the two together."""

from dataclasses import fields
from pathlib import Path

from lambdad.config import OPTIONS
from lambdad.resources.quotas import Quotas

HEAD = """# Configuration

Every setting of `lambdad serve`: a flag wins over its environment variable, that over the default. Settings marked * may be
given several times; in the variable their values are separated by commas. Written by `docs/make_configuration.py`.

| flag | variable | default | what it does |
|---|---|---|---|
"""


QUOTAS_HEAD = """
## Quotas

AWS's limits, and what they are here unless `--quota NAME=NUMBER` says otherwise. `--concurrency` and `--api-rate` are limits, too.

| name | default |
|---|---|
"""


def text() -> str:
    lines = []
    for option in OPTIONS:
        default = "" if option.default in (None, ()) else f"`{option.default}`"
        about = option.help + (f" One of: {', '.join(option.choices)}." if option.choices else "")
        lines.append(f"| `{option.flag}`{' *' if option.many else ''} | `{option.variable}` | {default} | {about} |")
    quotas = [f"| `{field.name}` | {field.default:,} |" for field in fields(Quotas)]
    return HEAD + "\n".join(lines) + "\n" + QUOTAS_HEAD + "\n".join(quotas) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("configuration.md").write_text(text())
