import { percent } from "../training/progressView.ts";
import { html, nothing, type Html } from "./html.ts";
import type { RunFacts } from "./reportData.ts";

/** What was run, and what came of it. */
export function factsPart({ model, status, best, isComplete, rows }: RunFacts): Html {
  const headline =
    best === undefined
      ? nothing
      : html`<p class="best">
          <strong>${percent(best.accuracy)}</strong>
          <span
            >of the test images classified rightly, test loss ${best.loss.toFixed(4)}, after epoch ${best.epoch}</span
          >
        </p>`;
  return html`<header id="facts"><h1>${model}</h1>
${headline}<p class="${isComplete ? "status" : "status running"}">${status}</p>
<dl>${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>`; // prettier-ignore
}
