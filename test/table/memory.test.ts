import { storesContract } from "../contract/stores.ts";
import { tableContract } from "../contract/table.ts";
import { memoryTable } from "../support/memory-table.ts";

tableContract(async () => memoryTable());
storesContract(async () => memoryTable());
