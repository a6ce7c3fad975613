"""The style sheet inside every diagram: the `--kt-diagram-…` variables with their fallbacks, and what uses them."""

from __future__ import annotations

VARIABLES: dict[str, str] = {
    "canvas": "light-dark(#ffffff,#12171d)",
    "ink": "light-dark(#1c2733,#e8edf2)",
    "muted": "light-dark(#5a6875,#9aa8b5)",
    "box": "light-dark(#f4f6f8,#1a2129)",
    "box-line": "light-dark(#d5dce3,#323d48)",
    "card": "light-dark(#ffffff,#222b35)",
    "card-line": "light-dark(#cbd4dc,#3c4955)",
    "traffic": "light-dark(#2563c9,#7fb0ff)",
    "workload": "light-dark(#17705f,#5fcbb2)",
    "config": "light-dark(#8a5a12,#e0b15e)",
    "custom": "light-dark(#7345b6,#bf9bf2)",
    "edge": "light-dark(#8593a0,#71808e)",
    "warn": "light-dark(#b3441a,#ff9d6b)",
    "added": "light-dark(#1a7f37,#56d364)",
    "removed": "light-dark(#c0303b,#ff7b72)",
    "changed": "light-dark(#9a6700,#e3b341)",
    "hand": "light-dark(#a23b72,#f08cc0)",
    "font": "inherit",
    "mono": "ui-monospace,monospace",
}
"""Variable (without ``--kt-diagram-``) to fallback. Fallbacks follow the page's `color-scheme`."""

# {variable} stands for the variable's value in this diagram; every rule is scoped by the diagram's id.
_RULES = """
display:block;max-width:100%;height:auto;font-family:{font};font-size:11.5px;font-weight:400
text{{fill:{muted}}}
.nm{{font-size:14px;font-weight:600;fill:{ink}}}
.mo{{font-family:{mono};font-size:11px}}
.bx{{fill:{box};stroke:{box-line}}}
.cd{{fill:{card};stroke:{card-line}}}
.tl{{fill-opacity:.13}}
.gl{{fill:none;stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}}
.traffic .tl{{fill:{traffic}}}
.traffic .gl{{stroke:{traffic}}}
.workload .tl{{fill:{workload}}}
.workload .gl{{stroke:{workload}}}
.config .tl{{fill:{config}}}
.config .gl{{stroke:{config}}}
.custom .tl{{fill:{custom}}}
.custom .gl{{stroke:{custom}}}
.more .tl{{fill:{muted}}}
.more .gl{{stroke:{muted}}}
.more .cd{{fill:none;stroke-dasharray:2 3}}
.out .cd{{stroke:{traffic};stroke-width:1.6}}
.pl{{fill:{muted};fill-opacity:.12}}
.pt{{fill:{ink};font-weight:600}}
.bad .pl{{fill:{warn};fill-opacity:.14;stroke:{warn};stroke-width:1}}
.bad .pt,.wn{{fill:{warn}}}
.wm{{fill:none;stroke:{warn};stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}}
.ch{{fill:none;stroke:{card-line}}}
.ci{{fill:{custom};fill-opacity:.12;stroke:{custom}}}
.ct{{fill:{custom}}}
.cl{{fill:none;stroke:{warn};stroke-dasharray:3 2.5}}
.bg{{fill:{card};stroke:{box-line}}}
.gh .cd{{fill:none;stroke:{warn};stroke-dasharray:5 4}}
.gh .nm{{fill:{muted}}}
.gh .tl{{fill:none}}
.gh .gl{{stroke:{muted}}}
.e{{fill:none;stroke:{edge};stroke-width:1.3}}
.route,.selects,.serves{{stroke:{traffic};stroke-width:1.6}}
.serves{{stroke-dasharray:9 4}}
.applies{{stroke-dasharray:2 3}}
.owns{{stroke:{custom}}}
.scales{{stroke:{config};stroke-dasharray:5 3}}
.m{{fill:{edge};stroke:none}}
.m-route,.m-selects,.m-serves{{fill:{traffic}}}
.m-owns{{fill:{custom}}}
.m-scales{{fill:{config}}}
.m-hand{{fill:{hand}}}
.lb{{fill:{box}}}
.lc{{fill:{canvas}}}
.lt{{fill:{ink}}}
.hand{{stroke:{hand};stroke-width:1.7;stroke-dasharray:1 5;stroke-linecap:round}}
.hn .cd{{fill:none;stroke:{hand};stroke-width:1.5;stroke-linecap:round}}
.hn .tl{{fill:none}}
.hn .gl{{stroke:{hand}}}
.ht{{fill:{hand}}}
.added .cd,.e.added,.bx.added{{stroke:{added};stroke-width:2.4}}
.removed .cd,.e.removed,.bx.removed{{stroke:{removed};stroke-width:1.8;stroke-dasharray:6 4}}
.changed .cd,.e.changed,.bx.changed{{stroke:{changed};stroke-width:2.4}}
.removed .nm{{text-decoration:line-through;fill:{muted}}}
.removed .gl,.removed .tl{{opacity:.5}}
.m.added,.k-added{{fill:{added}}}
.m.removed,.k-removed{{fill:{removed}}}
.m.changed,.k-changed{{fill:{changed}}}
.k{{fill:none;stroke:{card};stroke-width:1.8;stroke-linecap:round}}
.cg{{fill:{changed}}}
"""


def style_sheet(prefix: str, used: frozenset[str], natural: str) -> str:
    """The rules of the classes a diagram uses, valid inside it only; ``natural`` is its width in units."""
    first, *rules = _RULES.strip().splitlines()
    names = {name: f"var(--{name})" for name in VARIABLES}
    declared = ";".join(f"--{name}:var(--kt-diagram-{name},{fallback})" for name, fallback in VARIABLES.items())
    root = f"#{prefix}"
    size, text = first.split(";font", 1)
    # The page decides about the size, so its rules must win over these.
    lines = [
        f":where({root}){{--kt-diagram-width:{natural}px;{size}}}",
        f"{root}{{{declared};font{text.format(**names)}}}",
    ]
    for rule in rules:
        selectors, body = rule.replace("{{", "{").removesuffix("}}").split("{", 1)
        kept = [s for s in selectors.split(",") if _classes(s) <= used]
        if kept:
            lines.append(f"{','.join(f'{root} {s}' for s in kept)}{{{body.format(**names)}}}")
    return "".join(lines)


def _classes(selector: str) -> set[str]:
    return {name for part in selector.split() for name in part.split(".")[1:]}
