/** The page's style: light and dark, narrow and wide, on paper. Colours are variables, so that every picture follows them. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfc; --ink: #23262b; --quiet: #63686f; --rule: #dfe1e3; --panel: #f4f5f5;
  --train: #2467ab; --faint: #a9c5e2; --test: #b9500f; --hit: 36 103 171; --miss: 185 80 15;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #17191c; --ink: #dfe2e5; --quiet: #989ea6; --rule: #34383d; --panel: #202327;
    --train: #74aee8; --faint: #34526f; --test: #ec9354; --hit: 80 150 220; --miss: 236 147 84;
  }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --quiet: #444; --rule: #ccc; --panel: #fff;
    --train: #2467ab; --faint: #a9c5e2; --test: #b9500f; --hit: 36 103 171; --miss: 185 80 15;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 66rem; padding: 2.5rem clamp(1rem, 4vw, 2.5rem) 3rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Open Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
h1, h2, h3 { line-height: 1.2; font-weight: 600; text-wrap: balance; }
h1 { font-size: 2rem; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 0; }
* + h3 { margin-top: 1.75rem; }
figcaption h3, .layer h3 { margin-top: 0; }
h3 + .scroll { margin-top: .5rem; }
h3 small { font-weight: 400; color: var(--quiet); margin-left: .4em; }
section { margin-top: 3rem; padding-top: 1.5rem; border-top: 1px solid var(--rule); }
p { margin: 0 0 .75rem; max-width: 46rem; }
code { font-size: .9em; font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.caption, figcaption, .status { color: var(--quiet); font-size: .875rem; }
.caption { margin: .9rem 0 0; }
.absent { color: var(--quiet); font-style: italic; white-space: pre-line; }
.best { margin: 0 0 .25rem; font-size: 1.05rem; }
.best strong { font-size: 1.6rem; font-weight: 600; margin-right: .25em; }
.running { color: var(--test); }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin-top: 1.5rem; font-size: .875rem; }
nav a { color: var(--train); text-decoration: none; white-space: nowrap; }
nav a:hover { text-decoration: underline; }
dl { columns: 2 20rem; column-gap: 2.5rem; margin: 1.5rem 0 0; font-size: .9rem; }
dl div { display: grid; grid-template-columns: 8rem 1fr; gap: .75rem; padding: .3rem 0; border-bottom: 1px solid var(--rule); break-inside: avoid; }
dt { color: var(--quiet); }
dd { grid-column: 2; margin: 0; min-width: 0; overflow-wrap: anywhere; }
figure { margin: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 1.75rem 2rem; }
.chart > svg { display: block; width: 100%; height: auto; }
.chart h3 { color: var(--ink); }
.charts .caption { align-self: center; margin: 0; max-width: 27rem; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin: .2rem 0 .3rem; padding: 0; }
.key { width: 26px; height: 10px; margin-right: .4em; vertical-align: .05em; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Open Sans", sans-serif; fill: var(--ink); font-variant-numeric: tabular-nums; }
svg .tick { fill: var(--quiet); }
svg .label { fill: var(--quiet); }
path.axis { stroke: var(--quiet); fill: none; }
path.grid { stroke: var(--rule); fill: none; }
path.epoch { stroke: var(--rule); fill: none; stroke-dasharray: 2 3; }
path.line { fill: none; stroke-linejoin: round; stroke-width: 2; stroke: var(--train); }
path.line.faint { stroke: var(--faint); stroke-width: 1; }
path.line.test { stroke: var(--test); }
circle.dot { fill: var(--train); }
circle.dot.faint { fill: var(--faint); }
circle.dot.test { fill: var(--test); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; }
th { font-weight: 400; text-align: left; }
thead th { color: var(--quiet); vertical-align: bottom; }
.numbers td, .numbers thead th + th { text-align: right; }
.numbers td, .numbers th { padding: .28rem .9rem .28rem 0; white-space: nowrap; }
.numbers td:last-child, .numbers thead th:last-child { padding-right: 0; }
.numbers td.text, .layers thead th:nth-child(2) { text-align: left; }
.numbers thead tr, .numbers tbody tr { border-bottom: 1px solid var(--rule); }
.numbers tfoot th, .numbers tfoot td { font-weight: 600; }
details { margin-top: 1rem; }
summary { cursor: pointer; color: var(--train); font-size: .875rem; margin-bottom: .5rem; }
table.matrix { border-spacing: 2px; border-collapse: separate; }
table.matrix td { width: 3.1rem; min-width: 2.5rem; height: 2.1rem; text-align: center; border-radius: 3px; background: rgb(var(--miss) / min(.6, var(--share) * 1.6)); }
table.matrix td.hit { background: rgb(var(--hit) / calc(var(--share) * .6)); }
table.matrix td.zero { color: var(--quiet); opacity: .55; }
table.matrix td.figure { background: none; color: var(--quiet); text-align: right; width: 4.2rem; padding-left: .6rem; }
table.matrix thead th { height: 5.6rem; padding: 0 0 .3rem; text-align: center; }
table.matrix thead span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
table.matrix th[scope=row] { text-align: right; padding-right: .6rem; white-space: nowrap; position: sticky; left: 0; background: var(--paper); }
img { display: block; background: var(--panel); }
.pixels { image-rendering: pixelated; }
img.matrix { width: min(100%, 34rem); height: auto; }
.mistakes { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(9.4rem, 1fr)); gap: 1.4rem 1.2rem; }
.mistakes li, .maps li { break-inside: avoid; }
.mistakes img { width: 100%; height: auto; aspect-ratio: 1; object-fit: contain; border-radius: 3px; }
.mistakes figcaption span { display: flex; justify-content: space-between; gap: .5em; align-items: baseline; }
.mistakes b { font-weight: 500; color: var(--ink); }
.mistakes i { font-style: normal; white-space: nowrap; }
.mistakes .is::before { content: "is"; } .mistakes .as::before { content: "as"; }
.mistakes span::before { flex: none; width: 1.2em; }
.mistakes span { gap: .3em; }
.mistakes figcaption b { flex: 1; min-width: 0; }
.mistakes .as b { color: var(--test); }
.mistakes figcaption { margin-top: .35rem; line-height: 1.35; }
.maps { list-style: none; margin: .5rem 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(5rem, 1fr)); gap: .5rem; max-width: 48rem; }
.maps.filters { grid-template-columns: repeat(auto-fill, minmax(4.2rem, 1fr)); max-width: 44rem; }
.maps img { width: 100%; height: auto; border-radius: 2px; }
.scale { display: flex; align-items: center; gap: .5rem; font-size: .8rem; color: var(--quiet); margin: .4rem 0 0; }
.scale i { width: 9rem; height: .6rem; border-radius: 2px; box-shadow: 0 0 0 1px var(--rule); }
.shown { display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; align-items: center; }
.shown img { width: 8rem; height: auto; border-radius: 3px; }
.shown p { flex: 1 1 16rem; margin: 0; }
.layer { margin-top: 1.5rem; break-inside: avoid; }
svg.graph { display: block; height: auto; max-width: 100%; margin: 0 auto; }
.graph text { font: 11px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.graph .box rect { fill: var(--panel); stroke: var(--quiet); stroke-width: .8; }
.graph rect.group { fill: none; stroke: var(--rule); stroke-width: 1.2; }
.graph text.group { fill: var(--quiet); paint-order: stroke; stroke: var(--paper); stroke-width: 4; stroke-linejoin: round; }
.graph .detail, .graph .shape { fill: var(--quiet); }
.graph .edge { fill: none; stroke: var(--quiet); stroke-width: 1.1; }
.graph .tip { fill: var(--quiet); }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); color: var(--quiet); font-size: .8rem; }
@media (max-width: 34rem) {
  body { padding-top: 1.5rem; }
  dl div { grid-template-columns: 7rem 1fr; }
  .mistakes { grid-template-columns: repeat(auto-fill, minmax(7.2rem, 1fr)); gap: 1.2rem .9rem; }
  table.matrix { font-size: .75rem; border-spacing: 1px; }
  table.matrix td { min-width: 1.9rem; width: 1.9rem; height: 1.8rem; }
  table.matrix td.figure { width: 3.4rem; }
}
@media print {
  @page { margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  section { margin-top: 1.5rem; }
  h2, h3, thead { break-after: avoid; }
  .chart, table.matrix, tr { break-inside: avoid; }
  .charts { grid-template-columns: 1fr 1fr; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
