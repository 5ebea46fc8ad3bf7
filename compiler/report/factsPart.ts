import { percent } from "../training/progressView.ts";
import { markup, nothing, type Html } from "./markup.ts";
import { isAbsent, type Absent, type Evaluated, type RunFacts } from "./reportData.ts";

/** What was run, and what came of it: the best epoch, or before the first one is done, how good the weights are now. */
export function factsPart({ model, status, best, isComplete, rows }: RunFacts, evaluated: Evaluated | Absent): Html {
  const headline =
    best !== undefined ? accuracyLine(best.accuracy, best.loss, `after epoch ${best.epoch}`)
    : isAbsent(evaluated) ? nothing
    : accuracyLine(evaluated.evaluation.correct / evaluated.evaluation.count, evaluated.evaluation.loss, `with ${evaluated.weights}`); // prettier-ignore
  return markup`<header id="facts"><h1>${model}</h1>
${headline}<p class="${isComplete ? "status" : "status running"}">${status}</p>
<dl>${rows.map(([name, value]) => markup`<div><dt>${name}</dt>${value.split("\n").map((line) => markup`<dd>${line.trim()}</dd>`)}</div>`)}</dl>
</header>`; // prettier-ignore
}

function accuracyLine(accuracy: number, loss: number, when: string): Html {
  return markup`<p class="best"><strong>${percent(accuracy)}</strong> <span>of the test images classified rightly, test loss ${loss.toFixed(4)}, ${when}</span></p>`;
}
