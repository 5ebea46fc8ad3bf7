/**
 * The best matrix product of an adapter: 512x512x512 in a few register tiles, each checked at some elements and then timed. What a
 * step is measured against. Uses what browsers, Deno and Node all have.
 */
const size = 512;
const repeats = 4;
/** A GPU takes so many seconds of products for one sample at least, lest it wait for the host; a software adapter takes one product. */
const sampleSeconds = 0.03;
const mostProducts = 512;
/** Rows and columns that a thread takes, threads a workgroup, and whether four of them share what they read of the left operand. */
const variants = [
  { rows: 4, columns: 4, threads: 64 },
  { rows: 8, columns: 8, threads: 64 },
  { rows: 8, columns: 8, threads: 16 },
  { rows: 16, columns: 8, threads: 64 },
  { rows: 8, columns: 16, threads: 64 },
  { rows: 8, columns: 8, threads: 64, quads: true },
  { rows: 16, columns: 4, threads: 64, quads: true },
  { rows: 16, columns: 8, threads: 64, quads: true },
];

/** The features of the adapter that a device for this should have. */
export function matmulFeatures({ features }) {
  return ["subgroups"].filter((name) => features.has(name));
}

/** The rates of every sample, RateRuns of statistics.ts; `cpuSeconds` gives the process CPU time where it can be asked for. */
export async function multiplyMatrices(device, cpuSeconds) {
  const problems = [];
  device.addEventListener("uncapturederror", ({ error }) => problems.push(error.message));
  const bytes = size * size * 4;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const [a, b, c] = [0, 1, 2].map(() => device.createBuffer({ size: bytes, usage }));
  const copy = device.createBuffer({ size: bytes, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
  // Whole numbers below 8: every sum is exact, so the check needs no tolerance.
  const left = Float32Array.from({ length: size * size }, (_, i) => (i * 7 + (i >> 9) * 3) % 8);
  const right = Float32Array.from({ length: size * size }, (_, i) => (i * 5 + (i >> 9)) % 7);
  device.queue.writeBuffer(a, 0, left);
  device.queue.writeBuffer(b, 0, right);

  const rates = [];
  for (const { rows, columns, threads, quads = false } of variants) {
    if (quads && !device.features.has("subgroups")) continue;
    const pipeline = await device.createComputePipelineAsync({
      layout: "auto",
      compute: { module: device.createShaderModule({ code: emitMatmul({ rows, columns, threads, quads }) }) },
    });
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [a, b, c].map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    /** Seconds of some products, in one submit. */
    const multiply = async (count) => {
      const [wall, cpu] = [performance.now(), cpuSeconds?.()];
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = 0; i < count; i++) pass.dispatchWorkgroups((size * size) / (rows * columns * threads));
      pass.end();
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      return { wall: (performance.now() - wall) / 1000, ...(cpuSeconds && { cpu: cpuSeconds() - cpu }) };
    };
    device.queue.writeBuffer(c, 0, new Float32Array(size * size));
    await multiply(1);
    const variant = `${rows}x${columns}, ${threads} threads${quads ? ", loads shared in quads" : ""}`;
    checkProduct(await readBack(device, c, copy), left, right, variant);
    let count = 1;
    while (count < mostProducts && (await multiply(count)).wall < sampleSeconds) count *= 4;
    for (let repeat = 0; repeat < repeats; repeat++) {
      const { wall, cpu } = await multiply(count);
      const work = count * size ** 3;
      rates.push({ variant, wallRate: work / wall, ...(cpuSeconds && { cpuRate: work / cpu }) });
    }
  }
  if (problems.length > 0) throw new Error(problems[0]);
  return rates;
}

async function readBack(device, buffer, copy) {
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, copy, 0, copy.size);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(GPUMapMode.READ);
  const values = new Float32Array(copy.getMappedRange().slice(0));
  copy.unmap();
  return values;
}

function checkProduct(product, left, right, variant) {
  for (let i = 0; i < 64; i++) {
    const [row, column] = [(i * 131 + 7) % size, (i * 197 + 3) % size];
    let sum = 0;
    for (let k = 0; k < size; k++) sum += left[row * size + k] * right[k * size + column];
    if (product[row * size + column] !== sum) throw new Error(`the ${variant} matrix product is wrong`);
  }
}

/**
 * One thread computes rows x columns of the product; left operand in vec4 along the inner axis, right one along the columns. The four
 * threads of a quad have the same rows: of what they share, each loads a quarter.
 */
function emitMatmul({ rows, columns, threads, quads }) {
  const across = columns / 4;
  const row = (make) => Array.from({ length: rows }, (_, r) => make(r)).join("\n");
  const quad = (make) => Array.from({ length: across }, (_, q) => make(q)).join("\n");
  const left = (r) =>
    !quads ? `let left${r} = left[(firstRow + ${r}u) * ${size / 4}u + k];`
    : r % 4 === 0 ? `let own${r} = left[(firstRow + ${r}u + quadLane) * ${size / 4}u + k]; let left${r} = quadBroadcast(own${r}, 0u);`
    : `let left${r} = quadBroadcast(own${r - (r % 4)}, ${r % 4}u);`; // prettier-ignore
  return `
${quads ? "enable subgroups;" : ""}
const size = ${size}u;
const tilesAcross = ${size / columns}u;
@group(0) @binding(0) var<storage, read> left: array<vec4f, ${(size * size) / 4}>;
@group(0) @binding(1) var<storage, read> right: array<vec4f, ${(size * size) / 4}>;
@group(0) @binding(2) var<storage, read_write> product: array<vec4f, ${(size * size) / 4}>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32${quads ? ", @builtin(subgroup_invocation_id) inSubgroup: u32" : ""}) {
  ${quads ? "let quadLane = inSubgroup % 4u;" : ""}
  let tile = min(group.x * ${threads}u + local, ${(size * size) / (rows * columns) - 1}u);
  let firstRow = min((tile / tilesAcross) * ${rows}u, ${size - rows}u);
  let firstQuad = min((tile % tilesAcross) * ${across}u, ${size / 4 - across}u);
  ${row((r) => quad((q) => `var sum${r}_${q} = vec4f();`))}
  for (var k = 0u; k < ${size / 4}u; k++) {
    ${row(left)}
    ${[0, 1, 2, 3]
      .map(
        (lane) => `{
      ${quad((q) => `let right${q} = right[(k * 4u + ${lane}u) * ${size / 4}u + firstQuad + ${q}u];`)}
      ${row((r) => quad((q) => `sum${r}_${q} += left${r}[${lane}] * right${q};`))}
    }`,
      )
      .join("\n")}
  }
  ${row((r) => quad((q) => `product[(firstRow + ${r}u) * ${size / 4}u + firstQuad + ${q}u] = sum${r}_${q};`))}
}
`;
}
