import { WgslReflect } from "wgsl_reflect";

/** A storage binding as the shader declares it. */
export interface DeclaredBinding {
  readonly binding: number;
  readonly writes: boolean;
  readonly sizeBytes: number;
}

/** A kernel's storage bindings in order, and the size of its workgroups. */
export function reflectKernel(wgsl: string): {
  readonly bindings: readonly DeclaredBinding[];
  readonly workgroupSize: number;
} {
  const entry = /@compute @workgroup_size\((\d+)\)\nfn main\(/.exec(wgsl);
  if (entry === null) throw new Error("a kernel has an entry point called main");
  // The library reads declarations well, but not every condition of a body.
  const firstFunction = Math.min(entry.index, Math.max(wgsl.indexOf("\nfn "), 0) || entry.index);
  const reflected = new WgslReflect(wgsl.slice(0, firstFunction));
  const bindings = reflected.storage.map(({ binding, group, access, size }) => {
    if (group !== 0) throw new Error(`binding ${binding} stands in group ${group}`);
    return { binding, writes: access === "read_write", sizeBytes: size };
  });
  for (const uniform of reflected.uniforms) {
    if (uniform.group !== 0 || uniform.binding !== 0) throw new Error(`${uniform.name} is not binding 0`);
  }
  return { bindings: [...bindings].sort((a, b) => a.binding - b.binding), workgroupSize: Number(entry[1]) };
}
