import { markup, type Html } from "./markup.ts";
import { signedEnds } from "./picture.ts";

/** The colours of `signedPicture`, from -most over 0 to most. */
export function signedLegend(most: number): Html {
  const [below, zero, above] = signedEnds.map((colour) => `rgb(${colour.join(" ")})`);
  const end = most.toPrecision(2);
  return markup`<p class="scale"><span>−${end}</span><i style="background:linear-gradient(to right,${below ?? ""},${zero ?? ""},${above ?? ""})"></i><span>${end}</span></p>`;
}
