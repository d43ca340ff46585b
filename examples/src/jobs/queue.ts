import { Queue } from 'bullmq';
import type { Order } from './order.js';

/** Where the jobs are. The prefix keeps apart what shares a Redis. */
export interface Place {
  connection: { url: string };
  prefix: string;
}

export const QUEUE = 'transfers';

/** A job that fails, its connection included, is tried again: here at once, in earnest with a backoff. */
const ATTEMPTS = 3;

export function openQueue(place: Place): Queue<Order, string> {
  return new Queue(QUEUE, { ...place, defaultJobOptions: { attempts: ATTEMPTS } });
}

/** The producer's side: an order that is enqueued twice is one job. */
export async function enqueue(queue: Queue<Order, string>, order: Order): Promise<void> {
  await queue.add('transfer', order, { jobId: `order-${order.id}` });
}
