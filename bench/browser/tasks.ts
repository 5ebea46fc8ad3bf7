/** What the page measures, and in which order; pure. */
import type { BenchProgram } from "../statistics.ts";

/** What `npm run bench:browser` put beside the page. */
export interface Catalogue {
  /** Of cnnc. */
  readonly version: string;
  readonly workloads: readonly CatalogueWorkload[];
  readonly entries: readonly CatalogueEntry[];
  readonly programs: readonly BenchProgram[];
}

export interface CatalogueWorkload {
  readonly name: string;
  readonly batch: number;
  readonly inputShape: readonly number[];
  /** Forward, of one image. */
  readonly multiplyAdds: number;
}

export interface CatalogueEntry {
  readonly name: string;
  /** Of the package that is measured. */
  readonly version: string;
}

export interface BenchOptions {
  readonly workloads: readonly string[];
  readonly entries: readonly string[];
  readonly programs: readonly string[];
  /** Workers of each entry, in turn. */
  readonly rounds: number;
  /** Timed steps of each worker, at most. */
  readonly steps: number;
  /** No new step after so many, once two are taken. */
  readonly seconds: number;
}

/** One worker's work. */
export interface Task {
  readonly round: number;
  readonly workload: string;
  readonly program: string;
  readonly entry: string;
}

/**
 * The options that an address asks for, as in `?workload=lenet,mnist_cnn&entry=all&steps=5`; by default LeNet's training step by every
 * entry. Throws a `RangeError` at what the catalogue does not have.
 */
export function readOptions(search: string, catalogue: Catalogue): BenchOptions {
  const asked = new URLSearchParams(search);
  const choose = (option: string, known: readonly string[], usual: readonly string[]): readonly string[] => {
    const text = asked.get(option);
    if (text === null) return usual;
    if (text === "all") return known;
    const wanted = text.split(",");
    const strange = wanted.filter((name) => !known.includes(name));
    if (strange.length > 0) throw new RangeError(`${option}=${strange.join(",")}: this page has ${known.join(", ")}`);
    return known.filter((name) => wanted.includes(name));
  };
  const count = (option: string, usual: number): number => {
    const value = Number(asked.get(option) ?? usual);
    if (Number.isInteger(value) && value > 0) return value;
    throw new RangeError(`${option} takes a whole number from 1, found ${asked.get(option)}`);
  };
  const workloads = catalogue.workloads.map(({ name }) => name);
  const entries = catalogue.entries.map(({ name }) => name);
  return {
    workloads: choose("workload", workloads, workloads.slice(0, 1)),
    entries: choose("entry", entries, entries),
    programs: choose("program", catalogue.programs, catalogue.programs.slice(0, 1)),
    rounds: count("rounds", 2),
    steps: count("steps", 30),
    seconds: count("seconds", 8),
  };
}

/** Workload after workload; within one, entries take turns, so that what disturbs the machine disturbs them alike. */
export function listTasks({ workloads, entries, programs, rounds }: BenchOptions): readonly Task[] {
  return workloads.flatMap((workload) =>
    Array.from({ length: rounds }, (_, round) =>
      programs.flatMap((program) => entries.map((entry) => ({ round, workload, program, entry }))),
    ).flat(),
  );
}
