import { formatCount } from "../commands/terminal.ts";
import { classFigures, className, commonConfusions, type ConfusionMatrix } from "../training/metrics.ts";
import { percent, shareText } from "../training/progressView.ts";
import { markup, nothing, type Html } from "./markup.ts";
import { greyPicture, pictureAddress } from "./picture.ts";
import { isAbsent, type Absent, type Evaluated } from "./reportData.ts";

/** Beyond this many classes the matrix is a picture without figures. */
const mostFigures = 20;

/** Which classes are taken for which, with the precision and recall of each. */
export function confusionPart(evaluated: Evaluated | Absent): Html {
  if (isAbsent(evaluated)) {
    return markup`<section id="confusion"><h2>Confusion matrix</h2><p class="absent">${evaluated.absent}</p></section>`;
  }
  const { evaluation, classNames, weights } = evaluated;
  const { correct, count, correctInTop5, loss, confusion } = evaluation;
  const nameOf = (index: number): string => className(classNames, index);
  const top5 =
    correctInTop5 === undefined
      ? ""
      : `; the class is among the five most likely for ${percent(correctInTop5 / count)}`;
  const common = commonConfusions(confusion, 5).map(
    (pair) => `${nameOf(pair.label)} taken for ${nameOf(pair.predicted)} (${formatCount(pair.count)})`,
  );
  return markup`<section id="confusion"><h2>Confusion matrix</h2>
<p>${formatCount(correct)} of ${formatCount(count)} test images are classified rightly, ${percent(correct / count)}, with a mean loss of ${loss.toFixed(4)}${top5}. Weights: ${weights}.</p>
${confusion.length <= mostFigures ? matrixTable(confusion, nameOf) : matrixPicture(confusion)}
<p class="caption">Each row is a true class, each column what its images are taken for; a stronger colour is a greater share of the row.${common.length === 0 ? "" : ` Most common mistakes: ${common.join("; ")}.`}</p>
${confusion.length <= mostFigures ? nothing : markup`<details><summary>Precision and recall of each class</summary>${figuresTable(confusion, nameOf)}</details>`}
</section>`; // prettier-ignore
}

function matrixTable(confusion: ConfusionMatrix, nameOf: (index: number) => string): Html {
  const figures = classFigures(confusion);
  const heads = confusion.map((_, index) => markup`<th scope="col"><span>${nameOf(index)}</span></th>`);
  const rows = confusion.map((row, label) => {
    const { support, precision, recall } = figures[label] as (typeof figures)[number];
    const cells = [...row].map((cell, predicted) => {
      const share = support === 0 ? 0 : cell / support;
      const classes = `${predicted === label ? "hit" : "miss"}${cell === 0 ? " zero" : ""}`;
      return markup`<td class="${classes}" style="--share:${share.toFixed(3)}" title="${nameOf(label)} taken for ${nameOf(predicted)}: ${cell}">${cell}</td>`;
    });
    return markup`<tr><th scope="row">${nameOf(label)}</th>${cells}<td class="figure">${shareText(recall)}</td><td class="figure">${shareText(precision)}</td></tr>`;
  });
  return markup`<div class="scroll"><table class="matrix">
<thead><tr><th></th>${heads}<th scope="col" class="figure"><span>recall</span></th><th scope="col" class="figure"><span>precision</span></th></tr></thead>
<tbody>${rows}</tbody></table></div>`; // prettier-ignore
}

function matrixPicture(confusion: ConfusionMatrix): Html {
  const shares = confusion.flatMap((row) => {
    const sum = row.reduce((total, count) => total + count, 0);
    // The square root, so that rare mistakes are seen.
    return [...row].map((count) => 1 - Math.sqrt(sum === 0 ? 0 : count / sum));
  });
  const size = confusion.length;
  return markup`<img class="matrix pixels" src="${pictureAddress(greyPicture(shares, size, size, 1))}" width="${size}" height="${size}" alt="Confusion matrix of ${size} classes"/>`;
}

function figuresTable(confusion: ConfusionMatrix, nameOf: (index: number) => string): Html {
  const rows = classFigures(confusion).map(
    ({ support, precision, recall, f1 }, index) =>
      markup`<tr><th scope="row">${nameOf(index)}</th><td>${formatCount(support)}</td><td>${shareText(recall)}</td><td>${shareText(precision)}</td><td>${shareText(f1)}</td></tr>`,
  );
  return markup`<div class="scroll"><table class="numbers"><thead><tr><th scope="col">class</th><th scope="col">images</th><th scope="col">recall</th><th scope="col">precision</th><th scope="col">F1</th></tr></thead><tbody>${rows}</tbody></table></div>`; // prettier-ignore
}
