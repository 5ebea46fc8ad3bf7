/** What every project shares: TypeScript through swc as ES modules, and the package's own names as its sources. */
const shared = {
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "\\.ts$": ["@swc/jest", { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "es6" } }],
  },
  moduleNameMapper: {
    "^cnnc$": "<rootDir>/compiler/index.ts",
    "^cnnc/runtime$": "<rootDir>/runtime/index.ts",
    "^cnnc/app$": "<rootDir>/runtime/app.ts",
    "^cnnc/node$": "<rootDir>/compiler/node/index.ts",
    // Its package.json names a CommonJS file in an ES package, which Node does not load.
    "^wgsl_reflect$": "<rootDir>/node_modules/wgsl_reflect/wgsl_reflect.module.js",
  },
  testEnvironment: "node",
  modulePathIgnorePatterns: ["<rootDir>/dist", "<rootDir>/out/"],
};

/** Tests that open a WebGPU adapter: they run one after another, since a software adapter takes every core. */
const adapterFolders = ["runtime", "conformance"];

export default {
  // A software adapter compiles slowly, and machines may be busy: what this catches is a hang.
  testTimeout: 180_000,
  projects: [
    {
      ...shared,
      displayName: "host",
      testMatch: ["<rootDir>/tests/**/*.test.ts"],
      testPathIgnorePatterns: adapterFolders.map((folder) => `<rootDir>/tests/${folder}/`),
    },
    {
      ...shared,
      displayName: "adapter",
      testMatch: adapterFolders.map((folder) => `<rootDir>/tests/${folder}/**/*.test.ts`),
      globalSetup: "<rootDir>/tests/support/globalSetup.ts",
      runner: "<rootDir>/tests/support/serialRunner.mjs",
    },
  ],
};
