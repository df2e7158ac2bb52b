import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { createSite } from "../http/site.ts";

const root = join(import.meta.dirname, "../..");

it("the guide of the client prints what it says", async () => {
  const { url } = await createSite();
  const [, code = ""] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, "docs/client.md"), "utf8")) ?? [];
  const promised = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, said]) => said);
  const file = join(root, "test/client", `.example-${process.pid}.ts`);

  writeFileSync(
    file,
    code.replace('"signalbox/client"', '"../../src/client/index.ts"').replace("http://127.0.0.1:4100", url),
  );
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file]).finally(() => rmSync(file));

  expect(promised).toHaveLength(3);
  expect([stdout.trimEnd().split("\n"), stderr]).toEqual([promised, ""]);
});
