/**
 * How the page of a report looks: light or dark as the reader has it, on paper too.
 *
 * Runs in: reports; plain data.
 */

export const style = `
:root { color-scheme: light dark; --ink: #1d2330; --dim: #667085; --paper: #fbfbf9; --card: #fff; --rule: #e4e5e9;
  --one: #2563a8; --two: #c2571a; --three: #2f855a; --four: #a8324b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaf0; --dim: #98a2b3; --paper: #14171d; --card: #1c2028;
  --rule: #2d3340; --one: #6ea8e6; --two: #e99a5f; --three: #68c391; --four: #ea7a92; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 .75rem; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2rem 0 .25rem; }
p { color: var(--dim); margin: .25rem 0 .75rem; }
.verdict { padding: .6rem .9rem; border-radius: 8px; border-left: 4px solid; background: var(--card);
  list-style: none; margin: 0 0 1rem; }
.verdict.good { border-color: var(--three); color: var(--ink); }
.verdict.bad { border-color: var(--four); color: var(--ink); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: .5rem 1.5rem;
  margin: 0 0 1.5rem; }
dt { color: var(--dim); font-size: .82rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 1rem; }
figure, .none { margin: 0; padding: .9rem 1rem .4rem; background: var(--card); border: 1px solid var(--rule);
  border-radius: 10px; }
figcaption { display: flex; flex-wrap: wrap; gap: .2rem .7rem; align-items: baseline; margin-bottom: .3rem; }
figcaption small { color: var(--dim); }
.legend { margin-left: auto; display: flex; flex-wrap: wrap; gap: .1rem .9rem; font-size: .82rem; color: var(--dim); }
.legend i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: .35rem;
  vertical-align: middle; }
i.line-1 { background: var(--one); } i.line-2 { background: var(--two); }
i.line-3 { background: var(--three); } i.line-4 { background: var(--four); }
svg { width: 100%; height: auto; display: block; }
path { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
path.line-1 { stroke: var(--one); } path.line-2 { stroke: var(--two); }
path.line-3 { stroke: var(--three); } path.line-4 { stroke: var(--four); stroke-width: 1.2; }
.grid { stroke: var(--rule); }
rect.span { fill: var(--ink); opacity: .08; }
.mark { stroke: var(--ink); stroke-width: 1.4; stroke-dasharray: 4 3; }
.tick, .axis { fill: var(--dim); font-size: 11px; text-anchor: middle; }
.tick.y { text-anchor: end; }
.wide { overflow-x: auto; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-size: .8rem; font-weight: 600; color: var(--dim); }
th, td { padding: .4rem .8rem; border-bottom: 1px solid var(--rule); white-space: nowrap; }
tbody tr:last-child td { border-bottom: 0; }
.number { text-align: right; }
th:nth-child(n+3) { text-align: right; }
tr.whole td { font-weight: 600; }
tr.phase td { color: var(--dim); }
td.good { color: var(--three); } td.bad { color: var(--four); }
details { margin-top: 2rem; } summary { cursor: pointer; color: var(--dim); }
pre { overflow: auto; max-height: 30rem; font-size: 12px; }
@media print { body { background: none; } figure { break-inside: avoid; } }
`;
