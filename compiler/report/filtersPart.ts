import { formatShape } from "../ir/graph.ts";
import { markup, type Html } from "./markup.ts";
import { greatestMagnitude, pictureAddress, rgbPicture, signedPicture } from "./picture.ts";
import { signedLegend } from "./signedLegend.ts";
import { isAbsent, type Absent, type Filters } from "./reportData.ts";

/** The weights of the first layer as images. */
export function filtersPart(filters: Filters | Absent): Html {
  const heading = markup`<h2>First-layer filters</h2>`;
  if (isAbsent(filters))
    return markup`<section id="filters">${heading}<p class="absent">${filters.absent}</p></section>`;
  const { layer, op, count, channels, height, width, weights } = filters;
  const most = greatestMagnitude(filters.filters);
  const isColour = channels === 3;
  const images = filters.filters.map((values, index) => {
    const picture = isColour ? rgbPicture(values, height, width, most) : signedPicture(values.subarray(0, height * width), height, width, most);
    return markup`<li><img class="pixels" src="${pictureAddress(picture)}" width="${width}" height="${height}" alt="Filter ${index}" title="filter ${index}"></li>`;
  }); // prettier-ignore
  const shown = count === filters.filters.length ? `All ${count}` : `The first ${filters.filters.length} of ${count}`;
  const colours = isColour
    ? `Each is shown in its three channels’ own colours; middle grey is 0, the ends are ±${figure(most)}.`
    : `One scale for all of them.${channels > 1 ? ` Of their ${channels} channels the first is shown.` : ""}`;
  const size = `${formatShape([channels, height, width])} (channels x height x width)`;
  return markup`<section id="filters">${heading}
<ul class="maps filters">${images}</ul>
${isColour ? "" : signedLegend(most)}
<p class="caption">${shown} filters of ${layer}, a ${op} layer; each is ${size}. ${colours} Weights: ${weights}.</p>
</section>`; // prettier-ignore
}

function figure(value: number): string {
  return value.toPrecision(2);
}
