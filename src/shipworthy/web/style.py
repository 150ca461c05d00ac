"""The style sheet of charts, tables and figures, for light and dark; a page adds its own layout.

`STYLE` is CSS text without outside references. Pairs of text and ground keep a contrast of at least 4.5 : 1 and marks
at least 3 : 1 (WCAG 2.2, 1.4.3 and 1.4.11); lines differ by dash, dots by shape, spans by height and word.
"""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f6f7f9; --edge: #d5d9e0; --grid: #e7eaef; --ink: #1b1f27; --soft: #586172;
  --good: #1a7240; --bad: #b3261e; --warn: #8a5a00; --link: #1f5fbf;
  --c0: #1f5fbf; --c1: #0b7a68; --c2: #8439ad; --c3: #b3541e; --c4: #a4195f; --c5: #586172;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171c; --raised: #1d2128; --edge: #3a414d; --grid: #272c35; --ink: #e8ebf0; --soft: #a5aebc;
    --good: #6fd68f; --bad: #ff8d84; --warn: #f0c04e; --link: #8ab8ff;
    --c0: #7fb2ff; --c1: #55d3bd; --c2: #cf9bff; --c3: #ffab6b; --c4: #ff8fc0; --c5: #a5aebc;
  }
}
.c0 { --mark: var(--c0) } .c1 { --mark: var(--c1) } .c2 { --mark: var(--c2) }
.c3 { --mark: var(--c3) } .c4 { --mark: var(--c4) } .c5 { --mark: var(--c5) }
.good { --mark: var(--good) } .bad { --mark: var(--bad) } .warn { --mark: var(--warn) } .quiet { --mark: var(--soft) }
svg { display: block; width: 100%; height: auto; min-width: 640px; font: 12px system-ui, "DejaVu Sans", sans-serif }
svg text { fill: var(--soft) }
svg text.name, svg text.lane { fill: var(--ink) }
svg text.inside { fill: var(--ink); font-size: 11px }
svg text.none { font-size: 10px }
.mid { text-anchor: middle } .end { text-anchor: end }
.grid { stroke: var(--grid) } .axis { stroke: var(--soft) } .rail { stroke: var(--edge) }
.void { fill: none; stroke: var(--edge); stroke-dasharray: 4 4 }
.line { fill: none; stroke: var(--mark); stroke-width: 2; stroke-linejoin: round }
.line.c1 { stroke-dasharray: 8 3 } .line.c2 { stroke-dasharray: 3 3 } .line.c3 { stroke-dasharray: 10 3 2 3 }
.line.c4 { stroke-dasharray: 1 3; stroke-linecap: round } .line.c5 { stroke-dasharray: 14 4 }
.line.limit { --mark: var(--bad); stroke-width: 1.5; stroke-dasharray: 7 4 }
.dots { fill: none; stroke: var(--mark); stroke-width: 3.5; stroke-linecap: round; stroke-opacity: .55 }
.dots.big { stroke-width: 7; stroke-opacity: 1 }
.dots.square { stroke-linecap: square; stroke-width: 4.5; stroke-opacity: .85 }
.dots.big.square { stroke-width: 7; stroke-opacity: 1 }
.dots.plump { stroke-width: 8; stroke-opacity: .6 }
.dots.plump.square { stroke-width: 7; stroke-opacity: .9 }
.bar { fill: var(--mark); fill-opacity: .75 }
.bar.bad { fill-opacity: 1 }
.bound { stroke: var(--ink); stroke-width: 1.25 }
.span { fill: color-mix(in srgb, var(--mark) 28%, var(--ground)); stroke: var(--mark) }
.span.bad { fill: color-mix(in srgb, var(--mark) 42%, var(--ground)) }
figure { margin: 0 0 2rem; padding: 1rem 1.25rem; border: 1px solid var(--edge); border-radius: 8px }
figcaption { margin-bottom: .75rem; max-width: 52rem }
figcaption .what { display: block; font-size: 1.05rem }
figcaption .measured { display: block; color: var(--soft) }
.scroll { overflow-x: auto }
details { margin-top: .75rem }
summary { cursor: pointer; color: var(--link) }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin: .75rem 0 1rem }
caption { text-align: left; font-weight: 600; padding-bottom: .35rem }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--grid); vertical-align: top }
thead th { border-bottom-color: var(--soft); white-space: nowrap }
tbody th { font-weight: 500 }
th.number, td.number { text-align: right }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
@media (max-width: 40rem) { figure { padding: .75rem } }
@media print { details:not([open]) { display: none } figure, section, li { break-inside: avoid } }
""".strip()
