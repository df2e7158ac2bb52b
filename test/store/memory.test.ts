import { memoryStore } from "../../src/store/memory.ts";
import { storeConformance } from "./conformance.ts";

storeConformance("memory", memoryStore);
