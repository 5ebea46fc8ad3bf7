/** moduleNames.ts: names of generated code. Whatever a spec calls its things, these are identifiers and file names that work. */

/** Names that a generated module uses itself: what it imports, and the globals in its text. */
const takenTypeNames: ReadonlySet<string> = new Set([
  "Network", "NetworkOptions", "NetworkPlan", "Float32Array", "Promise", "Record", "Readonly", "Object", "ArrayBuffer",
]); // prettier-ignore

/** File names that Windows keeps for devices. */
const deviceName = /^(con|prn|aux|nul|com\d|lpt\d)$/;

/** The type of a network: "LeNet" of LeNet, "Class" of class, "MnistCnn" of mnist_cnn. */
export function typeName(model: string): string {
  const words = model.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("") || "Model";
  const name = /^\d/.test(joined) ? `Model${joined}` : joined;
  return takenTypeNames.has(name) ? `${name}Model` : name;
}

/** The stem of a file: "lenet" of LeNet, "mnist_cnn" of mnist_cnn. */
export function fileStem(model: string): string {
  const stem = model
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, "_")
    .replaceAll(/^[_-]+|[_-]+$/g, "");
  if (stem === "") return "model";
  return deviceName.test(stem) ? `${stem}_model` : stem;
}

/** A different name for each entry, also where case does not count: the second "conv" becomes "conv_2". */
export function distinctNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let distinct = name;
    for (let number = 2; taken.has(distinct.toLowerCase()); number++) distinct = `${name}_${number}`;
    taken.add(distinct.toLowerCase());
    return distinct;
  });
}
