import type { Command } from "commander";
import { SignalboxError } from "../core/errors.ts";
import { fieldsIn, jsonOrFile } from "./json-option.ts";
import type { CommandContext } from "./program.ts";

export function addCreateCommand(program: Command, { action }: CommandContext): void {
  program
    .command("create")
    .description("create an instance of a statechart; the same id and input again make no second one")
    .argument("<machine>", "as `machines` lists it")
    .option("--id <id>", "such as node/alpha; one is chosen when not given")
    .option("--input <json>", `what it is made of: ${jsonOrFile}`)
    .option("--label <name:value>", "to find it by; several are given one by one", collectLabel)
    .action(
      action(async ({ client, show }, machine: string, { id, input, label }: CreateOptions) => {
        const instance = await client.create({ machine, id, input: fieldsIn("--input", input), labels: label });
        show(instance, () => [`${instance.id} is in ${instance.state}, at version ${instance.version}`]);
      }),
    );
}

interface CreateOptions {
  id?: string;
  input?: string;
  label?: Record<string, string>;
}

function collectLabel(text: string, before: Record<string, string> = {}): Record<string, string> {
  const end = text.indexOf(":");
  if (end > 0) return { ...before, [text.slice(0, end)]: text.slice(end + 1) };
  throw new SignalboxError("invalid-request", `--label is NAME:VALUE, such as rack:a; not ${text}.`);
}
