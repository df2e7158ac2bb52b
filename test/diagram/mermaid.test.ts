import { describe, expect, it } from "vitest";
import { machines } from "../../machines/index.ts";
import { drawMermaid } from "../../src/diagram/mermaid.ts";
import { everyKind, hostileNames } from "./every-kind.ts";

const linesOf = (text: string) => text.split("\n").map((line) => line.trim());

describe("the Mermaid text of a chart", () => {
  const lines = linesOf(drawMermaid({ chart: everyKind }));

  it("gives every state its alias before anything else", () => {
    const aliases = lines.filter((line) => / as \w+$/.test(line));

    expect(lines[0]).toBe("stateDiagram-v2");
    expect(lines.slice(1, 19)).toEqual(aliases);
    expect(new Set(aliases.map((line) => line.split(" as ")[1])).size).toBe(18);
  });

  it("nests states, parts regions, and marks where they begin and end", () => {
    const start = lines.indexOf("state s_Both {");

    expect(lines.slice(start, start + 15)).toEqual([
      "state s_Both {",
      "state s_Left {",
      "[*] --> s_Open",
      "s_Open",
      "s_Shut",
      "s_Shut --> [*]",
      "}",
      "--",
      "state s_Right {",
      "[*] --> s_Open_14",
      "s_Open_14",
      "s_Shut_15",
      "s_Shut_15 --> [*]",
      "}",
      "}",
    ]);
  });

  it("has one arrow between two states, and what stays in the state", () => {
    expect(lines).toContain("s_First --> s_Second : after 1500 ms<br/>after pause [not isFine]");
    expect(lines).toContain("s_Idle : poke [isFine] / record");
    expect(lines).toContain("s_Work --> s_Broken : work.late [isAbove limit 3]<br/>error fetch");
    expect(lines).toContain("s_Resumed --> s_First");
  });

  it("leaves no character to hostile names that Mermaid reads", () => {
    for (const line of linesOf(drawMermaid({ chart: hostileNames })).slice(1)) {
      const names = line
        .replace(/^state "(.*)" as \w+$/, "$1")
        .replace(/^\w+ --> \w+ : /, "")
        .replace(/^(?:note right of )?\w+ : /, "");

      expect(names.replaceAll("<br/>", "")).toMatch(
        /^(?:[^<>"&#;%:{}]*|state \w+ \{|\}|\[\*\] --> \w+|\w+ --> \[\*\])$/,
      );
    }
  });

  it.each(machines)("has a line for every state of $name", (machine) => {
    expect(drawMermaid(machine)).toContain(`state "${machine.chart.id}" as s_${machine.chart.id}`);
  });
});
