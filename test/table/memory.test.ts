import { tableContract } from "../contract/table.ts";
import { memoryTable } from "../support/memory-table.ts";

tableContract(async () => memoryTable());
