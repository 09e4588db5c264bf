import { useParams } from '@tanstack/react-router';
import { useEffect, useSyncExternalStore } from 'react';
import { codecEndpoint } from '@/api/codec';
import { decoder } from '@/api/decoder';
import { config } from '@/app/config';
import { settings, useSettings } from '@/app/settings';
import type { EventView, Step } from '@/model/history';
import { payloadsIn } from '@/model/payloads';
import type { Payload } from '@/model/proto';

/** Payloads above this are decoded when they are opened, not for a line that holds a part of them. */
const previewMax = 1 << 16;

const nothing: readonly Payload[] = [];
const ofEvents = new WeakMap<EventView, Payload[]>();

export function useCodecEndpoint(): string {
  useSettings();
  return codecEndpoint();
}

/** The payloads of an event that a line about it may quote. */
export function eventPayloads(event: EventView): Payload[] {
  let found = ofEvents.get(event);
  if (!found) {
    found = payloadsIn([event.attributes, event.raw.userMetadata]).filter((p) => (p.data?.length ?? 0) < previewMax);
    ofEvents.set(event, found);
  }
  return found;
}

export function stepPayloads(step: Step): readonly Payload[] {
  return step.events.flatMap(eventPayloads);
}

/**
 * Has these decoded while the component is shown, and draws it again when they are. Without a codec
 * nothing is collected, hence a function.
 */
export function useDecoding(payloads: () => readonly Payload[]): void {
  const endpoint = useCodecEndpoint();
  const { ns } = useParams({ strict: false });
  useSyncExternalStore(decoder.subscribe, decoder.version);
  const wanted = endpoint ? payloads() : nothing;
  useEffect(
    () => (wanted.length > 0 ? decoder.want(ns ?? (settings().namespace || config.defaultNamespace), wanted) : undefined),
    [ns, wanted],
  );
}
