/** The blocks of a file as its author described them: for `cnnc docs`, and for the list in docs/language.md. */
import { buildAst } from "../1-parse/buildAst.ts";
import type { SourceFile } from "../ir/source.ts";

export interface BlockDescription {
  readonly name: string;
  /** As it is called: "fire(squeeze, expand1, expand3 = expand1)". */
  readonly signature: string;
  /** The comment directly above it, as one paragraph. */
  readonly doc: string;
  /** The definition as written, without the comment. */
  readonly source: string;
}

/** The blocks of a file without errors, in the order of definition. */
export function describeBlocks(file: SourceFile): readonly BlockDescription[] {
  return buildAst(file).output.definitions.flatMap((definition) => {
    if (definition.kind !== "block") return [];
    const { name, body, span, doc } = definition;
    return {
      name: name.text,
      signature: file.text.slice(name.span.start, body.span.start).replace(/\s+/g, " ").trim(),
      doc: doc.replace(/\s+/g, " ").trim(),
      source: file.text.slice(span.start, span.end),
    };
  });
}

/** The table of standard blocks in docs/language.md, one line a block. */
export function renderBlockTable(blocks: readonly BlockDescription[]): string {
  const escaped = (text: string): string => text.replaceAll("|", "\\|");
  const rows = blocks.map(({ signature, doc }) => `| \`${escaped(signature)}\` | ${escaped(doc)} |`);
  return ["| block | what it is |", "|---|---|", ...rows].join("\n");
}
