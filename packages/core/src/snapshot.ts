/**
 * The values of a statement as they are at its call: it may wait for a connection, or for the statement before it, and a caller
 * who fills the same array again in a loop means what it held before. What can't be copied (an instance of a class) is taken as it is.
 */
export function snapshot(values: unknown): unknown {
  if (!isObject(values)) return values;
  return Array.isArray(values) && !values.some(isObject) ? values.slice() : new Copier().copy(values);
}

/** Nobody means to bind more, and the stack ends somewhere. */
const DEEPEST = 100;

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

class Copier {
  /** A value may hold itself. */
  readonly #copies = new Map<object, object>();
  #depth = 0;

  copy(value: unknown): unknown {
    if (!isObject(value) || this.#depth === DEEPEST) return value;
    this.#depth++;
    const copy = this.#copies.get(value) ?? this.#anew(value);
    this.#depth--;
    return copy;
  }

  #anew(value: object): object {
    if (value instanceof Uint8Array) return Buffer.isBuffer(value) ? Buffer.from(value) : value.slice();
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Date.prototype) return new Date((value as Date).getTime());
    if (Array.isArray(value)) return this.#list(value);
    if (prototype === Set.prototype) return this.#set(value as Set<unknown>);
    if (prototype === Map.prototype) return this.#map(value as Map<unknown, unknown>);
    if (prototype === Object.prototype || prototype === null) return this.#object(value, prototype);
    return value;
  }

  #list(list: readonly unknown[]): unknown[] {
    const copy = this.#remember(list, list.slice());
    for (let index = 0; index < copy.length; index++) {
      if (isObject(copy[index])) copy[index] = this.copy(copy[index]);
    }
    return copy;
  }

  #set(set: Set<unknown>): Set<unknown> {
    const copy = this.#remember(set, new Set());
    for (const value of set) copy.add(this.copy(value));
    return copy;
  }

  #map(map: Map<unknown, unknown>): Map<unknown, unknown> {
    const copy = this.#remember(map, new Map());
    for (const [key, value] of map) copy.set(key, this.copy(value));
    return copy;
  }

  #object(object: object, prototype: object | null): object {
    // Not by assignment: a key from JSON may be __proto__.
    const copy = this.#remember(object, { ...object } as Record<PropertyKey, unknown>);
    if (prototype === null) Object.setPrototypeOf(copy, null);
    for (const key of Reflect.ownKeys(copy)) {
      if (isObject(copy[key])) Object.defineProperty(copy, key, { value: this.copy(copy[key]) });
    }
    return copy;
  }

  #remember<T extends object>(original: object, copy: T): T {
    this.#copies.set(original, copy);
    return copy;
  }
}
