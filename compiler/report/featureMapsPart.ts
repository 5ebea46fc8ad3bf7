import { formatShape } from "../ir/graph.ts";
import { percent } from "../training/progressView.ts";
import { markup, type Html } from "./markup.ts";
import { greatestMagnitude, greyPicture, pictureAddress, signedPicture } from "./picture.ts";
import { signedLegend } from "./signedLegend.ts";
import { isAbsent, type Absent, type FeatureMaps } from "./reportData.ts";

/** What the network makes of one image. */
export function featureMapsPart(maps: FeatureMaps | Absent): Html {
  const heading = markup`<h2>Feature maps</h2>`;
  if (isAbsent(maps))
    return markup`<section id="feature-maps">${heading}<p class="absent">${maps.absent}</p></section>`;
  const { image, picture, weights, predicted, layers } = maps;
  const answers = predicted.map(({ name, probability }) => `${name} ${percent(probability)}`).join(", ");
  return markup`<section id="feature-maps">${heading}
<div class="shown"><img class="pixels" src="${pictureAddress(picture)}" width="${picture.width}" height="${picture.height}" alt="${image}">
<p>${sentence(image)}. The network takes it for: ${answers}. Weights: ${weights}.</p></div>
${layers.map(layerMaps)}
<p class="caption">One picture a channel, the scale shared by a layer’s channels. <code>cnnc report RUN --image 7 --value NAME</code> shows another image, or another layer or <code>as</code> name.</p>
</section>`; // prettier-ignore
}

function layerMaps({ name, channels, height, width, maps }: FeatureMaps["layers"][number]): Html {
  const most = greatestMagnitude(maps);
  const isSigned = maps.some((values) => values.some((value) => value < 0));
  const images = maps.map((values, index) => {
    const picture = isSigned ? signedPicture(values, height, width, most) : greyPicture(values, height, width, most);
    return markup`<li><img class="pixels" src="${pictureAddress(picture)}" width="${width}" height="${height}" alt="${name}, channel ${index}" title="${name}, channel ${index}"/></li>`;
  });
  const shown = channels === maps.length ? `${channels} channels` : `the first ${maps.length} of ${channels} channels`;
  const scale = isSigned ? signedLegend(most) : markup`<p class="scale"><span>0</span><i style="background:linear-gradient(to right,#000,#fff)"></i><span>${most.toPrecision(2)}</span></p>`; // prettier-ignore
  return markup`<div class="layer"><h3>${name} <small>${formatShape([channels, height, width])}, ${shown}</small></h3>
<ul class="maps">${images}</ul>
${scale}</div>`; // prettier-ignore
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
