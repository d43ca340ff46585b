import { AsyncResource } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import type { RawConnection } from '../driver.js';

/** What the driver runs: its callback, or its events. */
interface Command extends EventEmitter {
  onResult?: (...args: unknown[]) => void;
}

interface CommandQueue {
  addCommand(command: Command): Command;
}

/**
 * From now on callbacks and events of the driver come in the async context of whoever gave the command; else it is
 * that of the socket, where no request is known. For a connection that the application gets, and nobody after it.
 */
export function bindCommands(raw: RawConnection): void {
  const queue = raw as unknown as CommandQueue;
  const { addCommand } = queue;
  queue.addCommand = function addBound(this: CommandQueue, command) {
    if (command.onResult) command.onResult = AsyncResource.bind(command.onResult);
    command.emit = AsyncResource.bind(command.emit);
    return addCommand.call(this, command);
  };
}
