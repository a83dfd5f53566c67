"""`python -m bench [MEASURE …]`: a table of medians, p99 and ratios, printed and (when all are run) written down."""

import sys
from pathlib import Path

from bench.measures import MEASURES, Row, host

RESULTS = Path(__file__).parent / "results.md"
HEADINGS = ("measure", "target", "median", "p99", "ratio", "bar", "repeat with")


def table(rows: list[tuple[Row, str]]) -> str:
    cells = [HEADINGS]
    cells += [(r.measure, r.target, r.median, r.p99, r.ratio, r.bar, f"`python -m bench {name}`") for r, name in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        print(f"no such measure: {', '.join(unknown)}; there are {', '.join(MEASURES)}", file=sys.stderr)
        return 2
    rows: list[tuple[Row, str]] = []
    for name in names or MEASURES:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += [(row, name) for row in MEASURES[name]()]
    text = f"{host()}\n\n{table(rows)}\n"
    print(text)
    if not names:
        RESULTS.write_text(f"# Results of `make bench`\n\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
