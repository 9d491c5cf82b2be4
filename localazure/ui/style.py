"""How the pages look, as style sheets: the bar, which stands above MLflow's page too, and everything below it."""

from __future__ import annotations

BAR = """
.azml-bar { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; padding: 6px 20px; min-height: 36px;
  font: 14px/1.4 system-ui, sans-serif; background: #11171c; color: #e8ecf0 }
.azml-bar strong { font-size: 15px; font-weight: 650; margin-right: 8px; overflow-wrap: anywhere }
.azml-bar nav { display: flex; flex-wrap: wrap; gap: 2px; flex: 1 }
.azml-bar a { color: #c9d4de; text-decoration: none; padding: 6px 10px; border-radius: 6px; white-space: nowrap }
.azml-bar a:hover { background: #25303a; color: #fff }
.azml-bar a[aria-current] { background: #0b5cad; color: #fff }
.azml-bar form { margin: 0 }
.azml-bar button { font: inherit; color: #e8ecf0; background: none; border: 1px solid #5a6773; border-radius: 6px;
  padding: 3px 10px; cursor: pointer; white-space: nowrap }
.azml-bar button:hover { background: #25303a }
@media (max-width: 48rem) { .azml-bar { padding: 8px 12px } .azml-bar nav { order: 1; flex: 1 0 100%; margin: 0 -6px }
  .azml-bar strong { flex: 1 } .azml-bar a { padding: 5px 6px } .azml-bar > span { font-size: 12px } }
@media print { .azml-bar nav, .azml-bar form { display: none } .azml-bar { background: none; color: inherit;
  padding: 0 } }
"""

STYLE = (
    BAR
    + """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif;
  --line: color-mix(in srgb, currentColor 15%, transparent); --soft: color-mix(in srgb, currentColor 5%, transparent);
  --blue: light-dark(#0b5cad, #8acaff); --good: light-dark(#1a6b33, #7ad39a); --bad: light-dark(#a3231f, #ff9a94);
  --wait: light-dark(#8a5a00, #f0c36d); --sheet: light-dark(#fff, #161b22) }
body { margin: 0; background: light-dark(#f6f8fa, #0d1117) }
main { margin: 0 auto; max-width: 84rem; padding: .5rem 1.5rem 3rem }
a { color: var(--blue); text-decoration: none }
a:hover { text-decoration: underline }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 1.25rem 0 .75rem; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem }
small { font-size: .85rem }
.box, .scroll, .card, dl { background: var(--sheet); border: 1px solid var(--line); border-radius: 10px }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.2rem, 1fr)); gap: .8rem; margin: 0 0 1rem }
.card { padding: .8rem 1rem }
.card h2 { margin: 0; font-size: .9rem; font-weight: 500; opacity: .8 }
.card p { margin: 0 }
.card .count { font-size: 1.9rem; font-weight: 650; line-height: 1.3 }
.card small { display: flex; flex-wrap: wrap; gap: 0 .7rem }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1rem }
.beside > * { min-width: 0 }
.box { padding: .8rem 1rem; margin: 1rem 0 }
.beside .box, .beside dl { margin: 0; align-content: start }
.beside .box, .beside figure { display: flex; flex-direction: column }
.beside figure { flex: 1 } .beside figure svg { flex: 1; min-height: 9rem }
.box h2, dl h2 { margin: 0 0 .5rem }
figure { margin: 0 }
figure svg { display: block; width: 100%; height: 9rem; border-bottom: 1px solid var(--line) }
figcaption { display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: space-between; padding-top: .3rem;
  font-size: .82rem; color: color-mix(in srgb, currentColor 80%, transparent) }
svg .Completed { fill: var(--good) } svg .Failed { fill: var(--bad) } svg .other { fill: var(--wait) }
.of-Completed { color: var(--good) } .of-Failed { color: var(--bad) } .of-other { color: var(--wait) }
svg .line { fill: color-mix(in srgb, var(--blue) 25%, transparent); stroke: var(--blue); stroke-width: 1.5;
  vector-effect: non-scaling-stroke }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; opacity: .8; padding: .6rem .9rem }
.scroll { overflow-x: auto; margin: 0 0 1rem }
th, td { text-align: left; vertical-align: top; padding: .4rem .9rem }
tbody tr:not(.note) > *, thead th { border-top: 1px solid var(--line) }
thead th { vertical-align: bottom; font-size: .88rem; background: var(--soft); white-space: nowrap }
thead button { all: unset; cursor: pointer; font-weight: 600 }
thead button:focus-visible { outline: 2px solid Highlight }
thead button::after { content: "↕" / ""; opacity: .45; padding-left: .35em }
thead [aria-sort=ascending] button::after { content: "↑" / ""; opacity: 1 }
thead [aria-sort=descending] button::after { content: "↓" / ""; opacity: 1 }
tbody th { font-weight: 600 }
tbody tr:hover { background: var(--soft) }
tr.note td { padding-top: 0; overflow-wrap: anywhere; color: var(--bad) }
.id { display: inline-block; min-width: min(13rem, 15vw); overflow-wrap: anywhere }
.id small { display: block; font-weight: 400; opacity: .8 }
[class^=state], time span, .number, .word { white-space: nowrap }
[class^=state]::before, [class^=of-]::before { content: "●"; margin-right: .4em; font-size: .8em }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: 0 0 1rem; padding: .8rem 1rem }
dl h2 { grid-column: 1 / -1 }
dt { opacity: .8 }
dd { margin: 0; overflow-wrap: anywhere }
details ul { margin: .3rem 0; padding-left: 1.1rem }
summary { cursor: pointer }
pre { padding: .75rem 1rem; margin: 0 0 1rem; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 10px;
  background: light-dark(#eef1f4, #161b22); border: 1px solid var(--line); max-height: 40rem; overflow-y: auto }
pre, code, textarea { font: .92em/1.5 ui-monospace, monospace }
.tools { display: flex; flex-wrap: wrap; gap: .5rem .8rem; align-items: center; margin: 0 0 .8rem }
input, select, textarea, main button:not(thead button) { font-size: inherit; padding: .3rem .6rem; border-radius: 6px;
  border: 1px solid light-dark(#8a949e, #57616b); background: var(--sheet); color: inherit }
input, select, main button:not(thead button) { font-family: inherit; min-height: 2.1rem; box-sizing: border-box }
input[type=search] { width: min(20rem, 100%) }
main button:not(thead button) { cursor: pointer; color: var(--blue); font-weight: 600; padding: .3rem .9rem }
main button.first { background: #0b5cad; border-color: #0b5cad; color: #fff }
.try label { display: block; margin: 0 0 .3rem }
.try textarea { display: block; width: 100%; box-sizing: border-box; padding: .6rem .8rem; margin: 0 0 .8rem }
.try .tools label { margin: 0 }
.refused { padding: .6rem .9rem; margin: 0 0 1rem; border-left: 4px solid #b3541e; border-radius: 0 8px 8px 0;
  background: color-mix(in srgb, #b3541e 12%, transparent); overflow-wrap: anywhere }
.state-Completed, .state-Succeeded, .state-Running { color: var(--good) }
.state-Failed, .state-Canceled { color: var(--bad) }
.state-Queued, .state-Preparing, .state-Starting, .state-CancelRequested { color: var(--wait) }
:focus-visible { outline: 2px solid Highlight; outline-offset: 2px }
@media (max-width: 60rem) { table { font-size: .9rem } th, td { padding: .35rem .5rem } main { padding: .5rem .8rem } }
/* Where a row has no room beside, each of its cells is a line with its column's name. */
@media screen and (max-width: 48rem) {
  .scroll table, .scroll tbody, .scroll tr, .scroll tbody th, .scroll td, caption { display: block }
  thead { display: none }
  .scroll tbody tr { padding: .5rem .9rem }
  .scroll tbody tr:not(.note) { border-top: 1px solid var(--line) }
  .scroll tbody tr > * { border: 0; padding: .1rem 0 }
  .scroll tbody td { position: relative; padding-left: 7.5rem }
  .scroll tbody td::before { content: attr(data-label); position: absolute; left: 0; opacity: .8 }
  .scroll tbody td:empty { display: none }
  .scroll tbody tr.note { padding-top: 0 }
  .scroll tbody tr.note td { padding: 0 }
  .id { min-width: 0 }
  figcaption span:nth-child(2) { order: 1; flex: 1 0 100% }
  dl { grid-template-columns: 1fr } dd { margin: 0 0 .4rem } dt { font-size: .88rem }
}
@page { size: A4 landscape; margin: 14mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 9pt system-ui, sans-serif } }
@media print {
  :root { color-scheme: light; font-size: 10.5px }
  body, .box, .scroll, .card, dl { background: none } main { max-width: none; padding: 0 }
  .tools, .try, thead button::after { display: none }
  .box, .scroll, .card, dl { border: 0; border-radius: 0 } a { color: inherit }
  .scroll { overflow: visible } th, td { border: 1px solid #bbb; padding: .25rem .5rem } caption { padding-left: 0 }
  thead { display: table-header-group } tr { break-inside: avoid } h2 { break-after: avoid }
  details::details-content { content-visibility: visible; display: block }
  details ul { padding: 0; margin: 0 } details li { display: inline }
  details li:not(:last-child)::after { content: "; " }
  summary { list-style: none; font-weight: 600 } thead button { display: contents } .screen { display: none }
  pre { max-height: none; overflow: visible }
}
"""
)
