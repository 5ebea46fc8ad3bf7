import { expect, test } from "@jest/globals";
import { checkFeatures, openAdapter, openDevice } from "../../compiler/node/adapter.ts";
import { openForSuite } from "../support/openForSuite.ts";

const opened = openForSuite();

const shader = /* wgsl */ `
@group(0) @binding(0) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&values)) {
    values[id.x] = f32(id.x) * 2.0 + 1.0;
  }
}
`;

test("a compute shader runs on the adapter", async () => {
  const { device } = opened;
  const elementCount = 100;
  const sizeBytes = elementCount * 4;
  const storage = device.createBuffer({ size: sizeBytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const readback = device.createBuffer({ size: sizeBytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const module = device.createShaderModule({ code: shader });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer: storage } }],
  });

  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(Math.ceil(elementCount / 64));
  pass.end();
  encoder.copyBufferToBuffer(storage, 0, readback, 0, sizeBytes);
  device.queue.submit([encoder.finish()]);

  await readback.mapAsync(GPUMapMode.READ);
  const values = [...new Float32Array(readback.getMappedRange())];
  readback.unmap();
  expect(values).toEqual(Array.from({ length: elementCount }, (_, index) => index * 2 + 1));
});

test("the adapter says what it is", () => {
  expect(opened.description).toContain(opened.software ? "software" : "hardware");
});

test("a feature that the adapter lacks is named, with what to do", async () => {
  const missing = "the network needs the feature teleportation, which this adapter lacks";
  await expect(openDevice({ requiredFeatures: ["teleportation"] })).rejects.toThrow(missing);
  await expect(checkFeatures(["teleportation"])).rejects.toThrow("use another adapter");
  await checkFeatures();
  const { adapter } = await openAdapter();
  const opening = openDevice({ requiredFeatures: ["shader-f16"] });
  if (adapter.features.has("shader-f16")) (await opening).device.destroy();
  else await expect(opening).rejects.toThrow("remove `precision f16` from the recipe, or use another adapter");
});
