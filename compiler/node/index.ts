export { NoAdapterError, openAdapter, openDevice } from "./adapter.ts";
export type { AdapterChoice, AdapterOptions, DeviceOptions, OpenedAdapter, OpenedDevice } from "./adapter.ts";
export { folderStore } from "./folderStore.ts";
