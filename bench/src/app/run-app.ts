import { Worker } from '../measure/worker.js';
import type { AppTask } from './task.js';

/** The app and the process of its clients. */
export interface RunningApp {
  app: Worker<number>;
  clients: Worker;
}

/** `work`, with an app and its clients that are ended whatever happens. */
export async function withApp<T>(
  task: AppTask,
  signal: AbortSignal,
  work: (running: RunningApp) => Promise<T>,
): Promise<T> {
  const workers: { end(): Promise<void> }[] = [];
  const start = async <Ready>(program: string, its: unknown): Promise<Worker<Ready>> => {
    const worker = await Worker.start<Ready>({
      program: new URL(program, import.meta.url),
      task: its,
      signal,
    });
    workers.push(worker);
    return worker;
  };
  try {
    const app = await start<number>('./main.js', task);
    const clients = await start<void>('../measure/load.js', { port: app.ready });
    return await work({ app, clients });
  } finally {
    await Promise.all(workers.map((worker) => worker.end()));
  }
}
