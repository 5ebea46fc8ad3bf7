/** What a report shows, gathered from a run: numbers and names, no markup. Each part of the page draws one part of it. */
import type { MemorySummary } from "../commands/summarizeMemory.ts";
import type { NetworkSummary } from "../commands/summarize.ts";
import type { Evaluation } from "../training/metrics.ts";

export interface ReportData {
  readonly facts: RunFacts;
  readonly curves: Curves;
  readonly evaluation: Evaluated | Absent;
  readonly filters: Filters | Absent;
  readonly featureMaps: FeatureMaps | Absent;
  readonly diagram: Diagram | Absent;
  readonly summary: Summary | Absent;
}

/** A part that cannot be shown, and why: a sentence for people. */
export interface Absent {
  readonly absent: string;
}

export function isAbsent(part: object): part is Absent {
  return "absent" in part;
}

/** What was run, in words. */
export interface RunFacts {
  readonly model: string;
  /** One sentence: finished, still being written, stopped by what. */
  readonly status: string;
  readonly isComplete: boolean;
  readonly best: { readonly accuracy: number; readonly loss: number; readonly epoch: number } | undefined;
  /** Name and value, in the order to show; a value may have several lines. */
  readonly rows: readonly (readonly [name: string, value: string])[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The curves of a run; x is the step, from 1. */
export interface Curves {
  readonly lastStep: number;
  /** Steps after which an epoch ended, with its number. */
  readonly epochEnds: readonly { readonly step: number; readonly epoch: number }[];
  readonly loss: readonly Point[];
  readonly accuracy: readonly Point[];
  readonly rate: readonly Point[];
  /** Over the test images, at each epoch's end. */
  readonly testLoss: readonly Point[];
  readonly testAccuracy: readonly Point[];
}

/** Pixels of an image as its file holds them, row by row: one grey value or red, green and blue each. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}

export interface Mistake {
  /** Its number among the test images. */
  readonly image: number;
  readonly picture: Picture;
  readonly loss: number;
  readonly label: ClassProbability;
  readonly predicted: ClassProbability;
}

export interface ClassProbability {
  readonly name: string;
  readonly probability: number;
}

export interface Evaluated {
  /** Which weights, in words. */
  readonly weights: string;
  readonly classNames: readonly string[];
  readonly evaluation: Evaluation;
  /** Greatest loss first. */
  readonly mistakes: readonly Mistake[];
}

/** The weights of the first layer, as images. */
export interface Filters {
  readonly weights: string;
  /** The layer, "conv1", and its op. */
  readonly layer: string;
  readonly op: string;
  /** All of the layer's; `filters` may hold the first ones only. */
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Each channels x height x width. */
  readonly filters: readonly Float32Array[];
}

/** What the network makes of one image, layer by layer. */
export interface FeatureMaps {
  /** "test image 7, Sneaker" or a file's name. */
  readonly image: string;
  readonly picture: Picture;
  readonly weights: string;
  readonly predicted: readonly ClassProbability[];
  readonly layers: readonly {
    readonly name: string;
    readonly channels: number;
    readonly height: number;
    readonly width: number;
    /** The first ones, each height x width. */
    readonly maps: readonly Float32Array[];
  }[];
}

/** A layer with weights and what follows it directly, or a block in whole. */
export interface LayerBox {
  readonly kind: "layers";
  readonly id: number;
  /** A line each: "conv1", "5x5". */
  readonly lines: readonly { readonly name: string; readonly detail: string }[];
  /** Of one sample. */
  readonly output: readonly number[];
  /** Boxes that it reads. */
  readonly inputs: readonly number[];
}

/** A call of a block, or the whole network. */
export interface GroupBox {
  readonly kind: "group";
  readonly name: string;
  /** The block that it is a call of; "" for the whole network. */
  readonly block: string;
  readonly boxes: readonly (LayerBox | GroupBox)[];
}

export interface Diagram {
  readonly root: GroupBox;
  /** Blocks are one box each, since all layers would be too many. */
  readonly isCollapsed: boolean;
}

export interface Summary {
  readonly layers: NetworkSummary;
  /** One row for each block that the model calls; undefined where that says no more. */
  readonly blocks: NetworkSummary | undefined;
  readonly memory: MemorySummary;
}
