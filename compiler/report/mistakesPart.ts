import { formatCount } from "../commands/terminal.ts";
import { percent } from "../training/progressView.ts";
import { markup, type Html } from "./markup.ts";
import { pictureAddress } from "./picture.ts";
import { isAbsent, type Absent, type Evaluated, type Mistake } from "./reportData.ts";

/** The wrong answers of the greatest loss: the network was sure, and wrong. */
export function mistakesPart(evaluated: Evaluated | Absent): Html {
  const heading = markup`<h2>Worst mistakes</h2>`;
  if (isAbsent(evaluated)) return markup`<section id="mistakes">${heading}<p class="absent">${evaluated.absent}</p></section>`; // prettier-ignore
  const { mistakes, evaluation } = evaluated;
  const wrong = evaluation.count - evaluation.correct;
  if (mistakes.length === 0) {
    const none = wrong === 0 ? "Every test image is classified rightly." : "None were asked for.";
    return markup`<section id="mistakes">${heading}<p>${none}</p></section>`;
  }
  return markup`<section id="mistakes">${heading}
<ul class="mistakes">${mistakes.map(mistakeItem)}</ul>
<p class="caption">${mistakes.length} of ${formatCount(wrong)} test images that are classified wrongly, those of the greatest loss first. Under each: what it is, what it is taken for, both with the probability that the network gives them; the loss; the image’s number in the test set.</p>
</section>`; // prettier-ignore
}

function mistakeItem({ image, picture, loss, label, predicted }: Mistake): Html {
  return markup`<li><figure>
<img class="pixels" src="${pictureAddress(picture)}" width="${picture.width}" height="${picture.height}" alt="Test image ${image}, a ${label.name} taken for a ${predicted.name}">
<figcaption><span class="is"><b>${label.name}</b> <i>${shareText(label.probability)}</i></span><span class="as"><b>${predicted.name}</b> <i>${shareText(predicted.probability)}</i></span><small>loss ${loss.toFixed(2)} · no. ${image}</small></figcaption>
</figure></li>`; // prettier-ignore
}

/** "0.0 %" would say that it was thought impossible. */
function shareText(probability: number): string {
  return probability < 0.0005 ? "< 0.1 %" : percent(probability);
}
