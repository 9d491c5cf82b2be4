"""How the pages look, as style sheets: the bar, which stands above MLflow's page too, and everything below it."""

from __future__ import annotations

BAR = """
.azml-bar { display: flex; flex-wrap: wrap; gap: 2px 4px; align-items: center; padding: 0 16px; min-height: 44px;
  font: 14px/1.4 system-ui, sans-serif; background: #11171c; color: #e8ecf0 }
.azml-bar strong { margin-right: 14px; font-size: 15px; font-weight: 650 }
.azml-bar nav { display: flex; flex-wrap: wrap; gap: 2px; flex: 1 }
.azml-bar a { color: #c9d4de; text-decoration: none; padding: 6px 10px; border-radius: 6px }
.azml-bar a:hover { background: #25303a; color: #fff }
.azml-bar a[aria-current] { background: #0b5cad; color: #fff }
.azml-bar form { margin: 0 }
.azml-bar button { font: inherit; color: #e8ecf0; background: none; border: 1px solid #5a6773; border-radius: 6px;
  padding: 3px 10px; margin-left: 10px; cursor: pointer }
.azml-bar button:hover { background: #25303a }
@media print { .azml-bar nav, .azml-bar form { display: none } .azml-bar { background: none; color: inherit } }
"""

STYLE = (
    BAR
    + """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif;
  --line: color-mix(in srgb, currentColor 15%, transparent); --soft: color-mix(in srgb, currentColor 5%, transparent);
  --blue: light-dark(#0b5cad, #8acaff); --good: light-dark(#1a6b33, #7ad39a); --bad: light-dark(#a3231f, #ff9a94);
  --wait: light-dark(#8a5a00, #f0c36d) }
body { margin: 0; background: light-dark(#f6f8fa, #0d1117) }
main { margin: 0 auto; max-width: 76rem; padding: .5rem 1.5rem 3rem }
a { color: var(--blue); text-decoration: none }
a:hover { text-decoration: underline }
h1 { font-size: 1.5rem; margin: 1.25rem 0 .75rem }
h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem }
.box, .scroll, .card, dl { background: light-dark(#fff, #161b22); border: 1px solid var(--line); border-radius: 10px }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .8rem; margin: 0 0 1rem }
.card { padding: .8rem 1rem }
.card h2 { margin: 0; font-size: .9rem; font-weight: 500; opacity: .75 }
.card p { margin: 0 } .card .count { font-size: 1.9rem; font-weight: 650; line-height: 1.3 }
.card small { opacity: .75 }
.box { padding: .8rem 1rem; margin: 0 0 1rem }
.box h2 { margin: 0 0 .5rem }
svg.chart { display: block; width: 100%; max-width: 44rem; height: auto }
svg.chart text { font-size: 10px; fill: currentColor; opacity: .75 }
svg .Completed { fill: var(--good) } svg .Failed { fill: var(--bad) } svg .other { fill: var(--wait) }
svg .line { fill: color-mix(in srgb, var(--blue) 25%, transparent); stroke: var(--blue); stroke-width: 1.5 }
svg .axis { stroke: var(--line) }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; opacity: .75; padding: .6rem .9rem }
.scroll { overflow-x: auto }
th, td { text-align: left; vertical-align: top; padding: .4rem .9rem }
tbody tr:not(.note) > *, thead th { border-top: 1px solid var(--line) }
thead th { vertical-align: bottom; font-size: .88rem; background: var(--soft) }
tbody th { font-weight: 600 }
tbody tr:hover { background: var(--soft) }
tr.note td { padding-top: 0; overflow-wrap: anywhere }
.id { display: inline-block; min-width: min(11rem, 13vw); overflow-wrap: anywhere }
.id small { display: block; font-weight: 400; opacity: .75 }
[class^=state], time span, .number { white-space: nowrap }
[class^=state]::before { content: "●"; margin-right: .4em; font-size: .8em }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: 0; padding: .8rem 1rem }
dt { opacity: .75 }
dd { margin: 0; overflow-wrap: anywhere }
pre { padding: .75rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 10px;
  background: light-dark(#eef1f4, #161b22); border: 1px solid var(--line); max-height: 40rem; overflow-y: auto }
code { font: .92em ui-monospace, monospace }
.tools { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 0 0 .8rem }
.tools input, .tools select, .tools button, .box button { font: inherit; padding: .3rem .6rem; border-radius: 6px;
  border: 1px solid var(--line); background: light-dark(#fff, #161b22); color: inherit }
.tools button, .box button { cursor: pointer; color: var(--blue) }
.refused { padding: .6rem .9rem; border-left: 4px solid #b3541e; border-radius: 0 8px 8px 0;
  background: color-mix(in srgb, #b3541e 12%, transparent); overflow-wrap: anywhere }
.state-Completed, .state-Succeeded, .state-Running { color: var(--good) }
.state-Failed, .state-Canceled { color: var(--bad) }
.state-Queued, .state-Preparing, .state-Starting, .state-CancelRequested { color: var(--wait) }
:focus-visible { outline: 2px solid Highlight; outline-offset: 2px }
@media (max-width: 60rem) { table { font-size: .87rem } th, td { padding: .35rem .5rem } main { padding: .5rem .8rem } }
@media print { .tools { display: none } body { background: none } main { max-width: none; padding: 0 }
  .box, .scroll, .card, dl { border: 0 } a { color: inherit } tr { break-inside: avoid }
  thead { display: table-header-group } }
"""
)
