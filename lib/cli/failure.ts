/** 1: it could not be done. 2: the command line is wrong. 130: interrupted. */
export type ExitCode = 0 | 1 | 2 | 130;

/** What the person at the command line must know: what went wrong and what to do, and the exit code. */
export class Failure extends Error {
  readonly exitCode: 1 | 2;
  /** Of the API, where it refused. */
  readonly code: string | undefined;

  constructor(message: string, options: ErrorOptions & { exitCode?: 1 | 2; code?: string } = {}) {
    super(message, options);
    this.name = "Failure";
    this.exitCode = options.exitCode ?? 1;
    this.code = options.code;
  }
}

/** A command line that can never work, whatever the state of the stacks: exit code 2. */
export function usage(message: string): Failure {
  return new Failure(message, { exitCode: 2 });
}
