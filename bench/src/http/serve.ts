/** The process of one application: listens, and answers what its parent wants to know. */
import { taskOf } from '../measure/child.js';
import type { ContenderModule } from './contender.js';
import { CpuProfiler } from './cpu-profiler.js';
import type { AppTask, Order, Reply } from './orders.js';

const { framework, contender, uri, options } = taskOf<AppTask>();
const { start } = (await import(`./apps/${framework}/${contender}.js`)) as ContenderModule;
const app = await start(uri, options);
const profiler = new CpuProfiler();

async function answer(order: Order): Promise<unknown> {
  switch (order.kind) {
    case 'cpu': {
      const { user, system } = process.cpuUsage();
      return user + system;
    }
    case 'acquired':
      return app.acquired?.() ?? null;
    case 'profile':
      return profiler.start();
    case 'profiled':
      return profiler.stop(order.file);
    case 'close':
      await app.close();
      return process.disconnect();
  }
}

const tell = (reply: Reply) => process.send?.(reply);

process.on('message', (order: Order) => {
  answer(order).then(
    (value) => {
      if (process.connected) tell({ kind: 'answer', value: value ?? null });
    },
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});
// Not left behind by a parent that was killed.
process.on('disconnect', () => process.exit(0));
tell({ kind: 'ready', port: app.port });
