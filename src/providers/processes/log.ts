/** The part of pino's logger that is used here. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export const silent: Log = { info: () => undefined, warn: () => undefined };
