import { openAdapter } from "../../compiler/node/adapter.ts";

/**
 * Opens an adapter once in jest's own process, before any test: a test sees a copy of the environment, so only here can
 * SwiftShader be made the Vulkan driver. Where there is no adapter, each test that needs one fails and says so itself.
 */
export default async function globalSetup(): Promise<void> {
  try {
    const { description } = await openAdapter();
    console.log(`WebGPU adapter of the tests: ${description}`);
  } catch (error) {
    console.error(`No WebGPU adapter for the tests: ${(error as Error).message}`);
  }
}
