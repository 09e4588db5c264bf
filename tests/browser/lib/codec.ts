/*
 * A remote codec as operators run them, small but real: payloads are encrypted with AES-GCM and a fresh
 * nonce by the workers' and clients' own codec, and a server beside them decodes and encodes for browsers:
 * POST /decode and /encode with {"payloads": […]} in proto3 JSON.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';

const { Payload: PayloadType } = proto.temporal.api.common.v1;
const ENCODING = 'binary/encrypted';
const NONCE = 12;
const TAG = 16;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array | null | undefined) => Buffer.from(data ?? []).toString();

export class Encryption implements PayloadCodec {
  constructor(private readonly key = randomBytes(32)) {}

  async encode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', this.key, nonce);
      const sealed = Buffer.concat([cipher.update(PayloadType.encode(payload).finish()), cipher.final()]);
      const data = Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
      return { metadata: { encoding: bytes(ENCODING), 'encryption-key-id': bytes('tests') }, data };
    });
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => {
      if (text(payload.metadata?.['encoding']) !== ENCODING) return payload;
      const data = Buffer.from(payload.data ?? []);
      const cipher = createDecipheriv('aes-256-gcm', this.key, data.subarray(0, NONCE));
      cipher.setAuthTag(data.subarray(NONCE, NONCE + TAG));
      const plain = Buffer.concat([cipher.update(data.subarray(NONCE + TAG)), cipher.final()]);
      return PayloadType.decode(plain) as Payload;
    });
  }
}

interface JsonPayload {
  metadata?: Record<string, string>;
  data?: string;
}

const fromJson = ({ metadata, data }: JsonPayload): Payload => ({
  metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([k, v]) => [k, Buffer.from(v, 'base64')])),
  data: Buffer.from(data ?? '', 'base64'),
});

const toJson = ({ metadata, data }: Payload): JsonPayload => ({
  metadata: Object.fromEntries(
    Object.entries(metadata ?? {}).map(([k, v]) => [k, Buffer.from(v ?? []).toString('base64')])
  ),
  data: Buffer.from(data ?? []).toString('base64'),
});

/** What one request carried; what the tests look at. */
export interface Asked {
  verb: string;
  namespace: string;
  authorization: string;
  cookie: string;
  payloads: number;
}

export class CodecServer {
  readonly asked: Asked[] = [];
  allowOrigin: string | undefined; // undefined: no CORS headers
  wanted = ''; // as Authorization
  broken = 0; // an HTTP status that it answers with
  private constructor(
    private readonly http: Server,
    readonly codec: Encryption
  ) {}

  static async start(codec = new Encryption()): Promise<CodecServer> {
    const http = createServer((request, response) => void server.answer(request, response));
    const server = new CodecServer(http, codec);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers } = request;
    if (this.allowOrigin) {
      response.setHeader('Access-Control-Allow-Origin', this.allowOrigin);
      response.setHeader('Access-Control-Allow-Headers', 'content-type, x-namespace, authorization');
      response.setHeader('Access-Control-Allow-Credentials', 'true');
    }
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const payloads = (JSON.parse(Buffer.concat(chunks).toString()) as { payloads: JsonPayload[] }).payloads;
    const verb = (request.url ?? '').split('/').at(-1) ?? '';
    const authorization = headers.authorization ?? '';
    const namespace = String(headers['x-namespace'] ?? '');
    this.asked.push({ verb, namespace, authorization, cookie: headers.cookie ?? '', payloads: payloads.length });
    if (this.broken) return void response.writeHead(this.broken).end('the key store is away');
    if (this.wanted && authorization !== this.wanted) return void response.writeHead(401).end();
    try {
      const done = await (verb === 'encode' ? this.codec.encode(payloads.map(fromJson)) : this.codec.decode(payloads.map(fromJson)));
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ payloads: done.map(toJson) }));
    } catch (error) {
      response.writeHead(400).end(error instanceof Error ? error.message : String(error));
    }
  }
}
