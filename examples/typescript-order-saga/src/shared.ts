/* The types that the saga's workflows, worker and clients agree on. */

export interface Order {
  id: string;
  item: string;
  quantity: number;
  /** In cents. Orders of APPROVAL_CENTS and more wait for a person. */
  total: number;
  /** How long to wait for that person, in milliseconds. */
  approvalTimeoutMs?: number;
  /** Makes the carrier lose the parcel, so that the saga has something to compensate. */
  loseParcel?: boolean;
  /** Makes the payment provider refuse this many times before it accepts. */
  paymentOutages?: number;
}

export const APPROVAL_CENTS = 100_000;

export type Stage =
  | 'received'
  | 'stock reserved'
  | 'waiting for approval'
  | 'paid'
  | 'shipped'
  | 'compensating'
  | 'completed'
  | 'cancelled';

export interface OrderStatus {
  stage: Stage;
  /** What must be undone if the order fails now, the last step first. */
  undo: string[];
}

export interface OrderResult {
  stage: 'completed' | 'cancelled';
  tracking?: string;
  reason?: string;
  undone: string[];
}
