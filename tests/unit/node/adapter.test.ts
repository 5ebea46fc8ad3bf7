import { expect, test } from "@jest/globals";
import { openAdapter } from "../../../compiler/node/adapter.ts";
import { readTar } from "../../../compiler/node/swiftshader.ts";

function tarEntry(name: string, content: string, type = "0"): Buffer {
  const entry = Buffer.alloc(512 + Math.ceil(content.length / 512) * 512);
  entry.write(name, 0, "latin1");
  entry.write(content.length.toString(8).padStart(11, "0"), 124, "latin1");
  entry.write(type, 156, "latin1");
  entry.write(content, 512, "latin1");
  return entry;
}

test("a tar archive gives its regular files by name", () => {
  const long = "x".repeat(1000);
  const tar = Buffer.concat([
    tarEntry("lib/", "", "5"),
    tarEntry("lib/a.json", "{}"),
    tarEntry("./b.so", long),
    tarEntry("link", "", "2"),
    Buffer.alloc(1024),
  ]);
  const files = readTar(tar);
  expect([...files.keys()]).toEqual(["a.json", "b.so"]);
  expect(files.get("a.json")?.toString()).toBe("{}");
  expect(files.get("b.so")?.toString()).toBe(long);
});

test("a wrong CNNC_ADAPTER is named", async () => {
  const before = process.env["CNNC_ADAPTER"];
  process.env["CNNC_ADAPTER"] = "gpu";
  try {
    await expect(openAdapter()).rejects.toThrow("CNNC_ADAPTER is `gpu`; it can be auto, system or swiftshader");
  } finally {
    process.env["CNNC_ADAPTER"] = before ?? "";
  }
});
