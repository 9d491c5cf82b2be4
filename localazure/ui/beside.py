"""What is added to MLflow's own page: the bar's place above it, and what leaves out what Azure ML does not have.

Azure Machine Learning has no prompts, traces, judges, gateways and no assistant. Addresses, ids and keys were read in
MLflow 3.17's page.
"""

from __future__ import annotations

# MLflow's root is as high as its body.
STYLE = """<link rel="stylesheet" href="/bar.css"><style>
body { display: flex; flex-direction: column } #root { flex: 1; min-height: 0 }
#root a:is([href^="#/prompts"], [href^="#/gateway"], [href^="#/mcp-registry"], [href^="#/experiments-observatory"]),
#root a:is([href^="#/settings/llm-connections"], [href^="#/settings/webhooks"]), #root nav a[href="#/"],
#root a:is([href*="/traces"], [href*="/chat-sessions"]), [data-assistant-ui],
#root [data-testid="key-value-Registered prompts"],
#root [role=tab]:is([id$="-trigger-evaluations"], [id$="-trigger-traces"]),
#root [tooltip-data-state]:has(> div + div[role=button] + div[role=button]) { display: none }
</style>"""

SCRIPT = """
// MLflow's page opens its assistant by itself once, and notes that in the browser; and it has two arrangements, one for
// agents and one for training.
try {
  localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
  localStorage.setItem("mlflow.workflowType_v1", JSON.stringify("machine_learning"));
} catch { }
const LACKING = /^\\/(prompts|gateway|mcp-registry|experiments-observatory)/;
const OF_EXPERIMENTS = ["overview", "traces", "chat-sessions", "judges", "review-queue", "datasets", "evaluation-runs",
  "playground", "prompts", "labeling"];
const OF_RUNS = ["evaluations", "traces"];
// An experiment opens its runs: MLflow's own choice is a page of traces. What is not here leads to what is nearest.
function nearest(path) {
  const [, root, experiment, tab, run, below] = path.split("/");
  if (!root || LACKING.test(path)) return "/experiments";
  if (root === "settings" && ["llm-connections", "webhooks"].includes(experiment)) return "/settings/general";
  if (root !== "experiments" || !/^\\d+$/.test(experiment ?? "")) return path;
  if (!tab || OF_EXPERIMENTS.includes(tab)) return `/experiments/${experiment}/runs`;
  return OF_RUNS.includes(below) ? `/experiments/${experiment}/runs/${run}` : path;
}
function mend() {
  const [path, asked = ""] = location.hash.slice(1).split("?"), query = new URLSearchParams(asked);
  if (query.get("workflowType") === "genai") query.set("workflowType", "machine_learning");
  const rest = query.size ? `?${query}` : "", here = asked ? `?${new URLSearchParams(asked)}` : "";
  if (nearest(path) + rest !== path + here) location.replace(`#${nearest(path)}${rest}`);
}
for (const name of ["pushState", "replaceState"]) {
  const before = history[name].bind(history);
  history[name] = (...told) => { before(...told); setTimeout(mend); };  // the page hears of what follows, not of this
}
addEventListener("hashchange", mend);
mend();
"""
