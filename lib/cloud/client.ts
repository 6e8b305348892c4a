import type { Outcome } from "./faults.ts";
import type { HeatStack, HeatStackDetail, HeatStackList } from "./schema.ts";

/** A heat stack as Heat wants it addressed: by name alone everything is a 302. */
export type HeatStackRef = { stack_name: string; heat_stack_id: string };

/**
 * What we ask of one cloud; lib/openstack implements it. Every call has its own deadline, does not
 * retry (but for one 401 with a fresh token), and answers with a value of one fault class.
 */
export type CloudClient = {
  /** SHA-256 over auth_url, identity and secret: it moves when a person changes the credential. */
  credential_hash: string;
  /**
   * The authenticated list call that proves the engine (the last rung of the ladder). `first` reads
   * one page of `limit`; `all` follows the pages. `complete` is false when a later page failed.
   * With `login` false and no valid token it answers `credentials` / `login_paused`, sending nothing.
   */
  listStacks: (options: {
    limit: number;
    pages: "first" | "all";
    login: boolean;
  }) => Promise<Outcome<HeatStackList & { complete: boolean }>>;
  /** Keystone's version document, no login: answers ok or the fault of asking. Never proves `up`. */
  askVersion: () => Promise<Outcome<void>>;
  /** The one stack of this name, by a list with `name=`; absent from the project: no `stack`. */
  findStack: (stack_name: string) => Promise<Outcome<{ project_id: string; stack?: HeatStack }>>;
  /** Reads one in full, without outputs. 404 is `undefined`; a deleted one still answers. */
  showStack: (ref: HeatStackRef) => Promise<Outcome<HeatStackDetail | undefined>>;
  /** When the newest event of the stack happened (Heat's time), if it has any. */
  newestEvent: (ref: HeatStackRef) => Promise<Outcome<string | undefined>>;
  /** PATCH of one parameter, everything else kept. ok: 202. `unsent` on the fault: surely not received. */
  patchCount: (ref: HeatStackRef, parameter: string, count: number) => Promise<Outcome<void>>;
};
