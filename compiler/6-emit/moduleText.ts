/** moduleText.ts: values of a plan as TypeScript source, in forms that nothing in them can break out of. */
import { InternalCompilerError } from "../ir/diagnostic.ts";
import { shapeElements } from "../ir/graph.ts";

/** A plain value as an expression. Prettier takes the quotes off the keys. */
export function valueText(value: unknown): string {
  // What tables hold most, without the search for what no literal can say.
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  const text = JSON.stringify(value, (key, inner: unknown) => {
    if (typeof inner === "number" && !Number.isFinite(inner)) {
      throw new InternalCompilerError("emitModule", `${key} is ${inner}, which has no literal`);
    }
    return inner;
  });
  return scriptSafe(text);
}

/** A string literal. */
export function stringText(text: string): string {
  return scriptSafe(JSON.stringify(text));
}

/** Line separators are allowed in JavaScript's strings, but editors and older tools take them for line ends. */
function scriptSafe(json: string): string {
  if (!/[\u2028\u2029]/.test(json)) return json;
  return json.replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

/** A template literal with exactly this text; a bare CR would be read as a line feed. */
export function templateText(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${").replaceAll("\r", "\\r");
  return `\`${escaped}\``;
}

/** Text for one line of a comment of either kind. */
export function commentText(text: string): string {
  return text
    .replaceAll(/[\r\n\u2028\u2029]+/g, " ")
    .replaceAll("*/", "* /")
    .trim();
}

/** Text for a doc comment, its lines kept. */
export function docText(text: string): string {
  return text
    .split(/\r\n|[\r\n\u2028\u2029]/)
    .map(commentText)
    .join("\n");
}

/** "6 x 1 x 5 x 5 = 150 values". */
export function shapeText(shape: readonly number[]): string {
  const count = shapeElements(shape);
  return shape.length < 2 ? `${countText(count)} values` : `${shape.join(" x ")} = ${countText(count)} values`;
}

/** "61,706". */
export function countText(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}
