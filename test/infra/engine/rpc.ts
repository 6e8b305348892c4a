import { createRequire } from "node:module";
import { join } from "node:path";
import type { Inputs } from "./planned.ts";

/** The platform brings no types that could be read before it is installed: these are the parts in use. */
export type Message = { toObject: () => Inputs } & Record<string, (value?: unknown) => unknown>;
type MessageType = new () => Message;
type Handler = (request: Message) => Message;
type Callback = (error: { code: number; message: string } | null, reply?: Message) => void;
type Server = {
  addService: (service: unknown, handlers: unknown) => void;
  bindAsync: (
    address: string,
    credentials: unknown,
    bound: (error: Error | null, port: number) => void,
  ) => void;
  forceShutdown: () => void;
};

/** gRPC and Pulumi's messages, as the installed platform has them. */
export function rpc(platform: string) {
  const load = createRequire(join(platform, "package.json"));
  const grpc = load("@grpc/grpc-js");
  const proto = (name: string) => load(`@pulumi/pulumi/proto/${name}`);
  const { Struct } = load("google-protobuf/google/protobuf/struct_pb.js");
  const { Empty } = load("google-protobuf/google/protobuf/empty_pb.js");
  return {
    resource: proto("resource_pb.js") as Record<string, MessageType>,
    engine: proto("engine_pb.js") as Record<string, MessageType>,
    provider: proto("provider_pb.js") as Record<string, MessageType>,
    empty: (): Message => new Empty(),
    struct: (value: Inputs): unknown =>
      Struct.fromJavaScript(JSON.parse(JSON.stringify(value))) as unknown,
    services: {
      monitor: proto("resource_grpc_pb.js").ResourceMonitorService as unknown,
      engine: proto("engine_grpc_pb.js").EngineService as unknown,
    },
    server: (): Server => new grpc.Server({ "grpc.max_receive_message_length": -1 }),
    insecure: (): unknown => grpc.ServerCredentials.createInsecure(),
    unknown: grpc.status.UNKNOWN as number,
  };
}
export type Rpc = ReturnType<typeof rpc>;

/** A message with these fields set. Throws for a field that it does not have. */
export function message(type: MessageType | undefined, fields: Inputs): Message {
  if (type === undefined) throw new Error("Pulumi's protocol has no such message.");
  const made = new type();
  for (const [field, value] of Object.entries(fields)) {
    const set = made[`set${field}`];
    if (set === undefined) throw new Error(`Pulumi's message has no field ${field}.`);
    set.call(made, value);
  }
  return made;
}

/** A struct among the fields of a message, in wire form. */
export function structIn(request: Message, getter: string): Inputs {
  const found = request[getter]?.() as { toJavaScript: () => Inputs } | undefined;
  return found?.toJavaScript() ?? {};
}

/** Handlers as gRPC calls them; what one throws is `noted`, and fails the call. */
export function served(
  handlers: Record<string, Handler>,
  noted: (error: Error) => void,
  code: number,
) {
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => [
      name,
      ({ request }: { request: Message }, reply: Callback) => {
        try {
          reply(null, handler(request));
        } catch (error) {
          noted(error as Error);
          reply({ code, message: (error as Error).message });
        }
      },
    ]),
  );
}
