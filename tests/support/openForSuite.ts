/** What suites on the adapter open and must give back. */
import { afterAll, afterEach, beforeAll } from "@jest/globals";
import { openDevice } from "../../compiler/node/adapter.ts";
import type { OpenedDevice } from "../../compiler/node/adapter.ts";
import type { Network } from "../../runtime/index.ts";

/** A device for a suite's tests, opened before the first of them and destroyed after the last. */
export function openForSuite(): OpenedDevice {
  let opened: OpenedDevice | undefined;
  beforeAll(async () => {
    opened = await openDevice();
  });
  afterAll(() => {
    opened?.device.destroy();
  });
  return new Proxy({} as OpenedDevice, {
    get(_, name) {
      if (opened === undefined) throw new Error("the suite's device is there when its tests run");
      return opened[name as keyof OpenedDevice];
    },
  });
}

/** Networks to destroy after the test that puts them here. */
export function networksOfTest(): Network[] {
  const networks: Network[] = [];
  afterEach(() => {
    for (const network of networks.splice(0)) network.destroy();
  });
  return networks;
}
