import { randomUUID } from 'node:crypto';
import { failWith } from '../shared/fail.js';
import { readRedisPlace } from '../shared/settings.js';
import { enqueue, openQueue } from './queue.js';

// REDIS_URL=redis://… node examples/dist/jobs/enqueue-cli.js [how many]
try {
  const queue = openQueue(readRedisPlace(process.env));
  const count = Number(process.argv[2] ?? 10);
  for (let n = 0; n < count; n++) await enqueue(queue, { id: randomUUID(), from: 1, to: 2, amount: 1 });
  await queue.close();
  console.log(`${count} transfers enqueued.`);
} catch (error) {
  failWith(error);
}
