import { formatShape } from "../ir/graph.ts";
import { at, markup, nothing, type Html } from "./markup.ts";
import { diagramText, layoutDiagram, type PlacedDiagram } from "./layoutDiagram.ts";
import { isAbsent, type Absent, type Diagram, type Point } from "./reportData.ts";

/** The network as a picture, its blocks as groups. */
export function diagramPart(diagram: Diagram | Absent): Html {
  const heading = markup`<h2>Model graph</h2>`;
  if (isAbsent(diagram)) return markup`<section id="graph">${heading}<p class="absent">${diagram.absent}</p></section>`;
  const placed = layoutDiagram(diagram.root);
  const { width, height } = placed;
  const count = placed.boxes.length;
  const what = diagram.isCollapsed
    ? "Each block that the model calls is one box; the summary below has all layers."
    : "A box is a layer with weights and what follows it directly; a frame is a block.";
  return markup`<section id="graph">${heading}
<div class="scroll"><svg class="graph" role="img" aria-labelledby="graph-t" viewBox="0 0 ${at(width)} ${at(height)}" style="width:${at(width)}px"><title id="graph-t">${diagram.root.name}: ${count} boxes, from the input at the top to the output at the bottom</title>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0.5 8 4 0 7.5z"/></marker></defs>
${placed.groups.map(groupFrame)}
${placed.edges.map((points) => markup`<path class="edge" marker-end="url(#arrow)" d="${curve(points)}"/>`)}
${placed.boxes.map(layerBox)}
${placed.groups.map(groupName)}
</svg></div>
<p class="caption">${what} At the foot of each stands the shape that it gives, of one image: channels x height x width, or features.</p>
</section>`; // prettier-ignore
}

function groupFrame({ x, y, width, height }: PlacedDiagram["groups"][number]): Html {
  return markup`<rect class="group" x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${at(height)}" rx="8"/>`;
}

/** Above the frame's upper left corner, and above the edges that cross it. */
function groupName({ group, x, y }: PlacedDiagram["groups"][number]): Html {
  const name = group.name.split(".").at(-1) ?? group.name;
  return markup`<text class="group" x="${at(x + 3)}" y="${at(y - 4)}">${name === group.block ? name : `${name} · ${group.block}`}<title>${group.name}: ${group.block}</title></text>`;
}

function layerBox({ box, x, y, width, height }: PlacedDiagram["boxes"][number]): Html {
  const { line, padding } = diagramText;
  const texts = box.lines.map(
    ({ name, detail }, index) =>
      markup`<text x="${at(x + padding)}" y="${at(y + padding + 10 + index * line)}">${name}${detail === "" ? nothing : markup`<tspan class="detail" dx="8">${detail}</tspan>`}</text>`,
  );
  return markup`<g class="box"><rect x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${at(height)}" rx="5"/>${texts}<text class="shape" x="${at(x + width - padding)}" y="${at(y + height - padding + 1)}" text-anchor="end">${formatShape(box.output)}</text></g>`; // prettier-ignore
}

/** Through the middles between the points, so that corners are round. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.pop();
  if (first === undefined || last === undefined) return "";
  const turns = rest.map((point, index) => {
    const next = rest[index + 1] ?? last;
    return `Q${place(point)} ${place({ x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 })}`;
  });
  return `M${place(first)}${turns.join("")}L${place(last)}`;
}

function place({ x, y }: Point): string {
  return `${at(x)} ${at(y)}`;
}
