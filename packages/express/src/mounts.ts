/**
 * What of a router's stack is read here: one path at which something is mounted, or one route. Express says nowhere else under which
 * patterns a router was reached: `req.baseUrl` is what the client has sent, values of parameters and spelling included.
 */
interface Layer {
  readonly handle?: Partial<Mounted>;
  readonly route?: object;
  /** Express 4. */
  readonly regexp?: RegExp & { readonly fast_slash?: boolean };
  readonly keys?: readonly { readonly name: string | number }[];
  /** Express 5: an object with the pattern; in its first versions `true`, with the rest in the layer. */
  match?(path: string): boolean | { readonly path: string; readonly pattern?: unknown };
  path?: string;
  params?: Readonly<Record<string, string | readonly string[]>>;
}

/** A router, or an application. */
interface Mounted {
  readonly name: string;
  readonly stack?: readonly Layer[];
  readonly router?: Mounted;
  readonly _router?: Mounted;
  readonly parent?: Mounted;
}

interface Match {
  /** What of the URL it stands for. */
  readonly text: string;
  readonly pattern: string;
}

/** In the place of a mount of which the pattern is not known. */
const UNKNOWN = '…';

/** The patterns of what stands between the application and one of its routes; `baseUrl`: what the client has sent for them. */
export function mountOf(app: unknown, route: object, baseUrl: string): string {
  if (baseUrl === '') return '';
  const apps: Mounted[] = [];
  for (let each = app as Mounted | undefined; each; each = each.parent) apps.unshift(each);
  const [root, ...inner] = apps;
  return (root && search(root, inner, route, baseUrl)) ?? UNKNOWN;
}

/** `inner`: the applications that are mounted in it, one in the other, down to that of the route. */
function search(at: Mounted, inner: readonly Mounted[], route: object, rest: string): string | null {
  for (const layer of stackOf(at)) {
    if (layer.route === route && rest === '') return '';
    const found = layer.route ? null : through(layer, inner, route, rest);
    if (found !== null) return found;
  }
  return null;
}

function through(layer: Layer, inner: readonly Mounted[], route: object, rest: string): string | null {
  const [next, ...others] = inner;
  // Which application that is the layer does not say.
  const isApp = next !== undefined && layer.handle?.name === 'mounted_app';
  if (!isApp && stackOf(layer.handle).length === 0) return null;
  const match = matchOf(layer, rest);
  if (match === null) return null;
  const left = rest.slice(match.text.length);
  const found = isApp
    ? search(next, others, route, left)
    : search(layer.handle as Mounted, inner, route, left);
  return found === null ? null : match.pattern + found;
}

function stackOf(mounted: Partial<Mounted> | undefined): readonly Layer[] {
  return mounted?.stack ?? mounted?._router?.stack ?? mounted?.router?.stack ?? [];
}

function matchOf(layer: Layer, url: string): Match | null {
  if (layer.regexp) return matchOfExpression(layer.regexp, layer.keys ?? [], url);
  const { path, params } = layer;
  const match = layer.match?.(url);
  if (typeof match === 'object') return { text: match.path, pattern: withoutSlash(String(match.pattern)) };
  if (match !== true) return null;
  const text = layer.path ?? '';
  const values = Object.entries(layer.params ?? {}).map(([name, value]) => [name, encoded(value)] as const);
  Object.assign(layer, { path, params });
  return { text, pattern: withNames(text, values) };
}

function matchOfExpression(
  regexp: NonNullable<Layer['regexp']>,
  keys: NonNullable<Layer['keys']>,
  url: string,
): Match | null {
  if (regexp.fast_slash) return { text: '', pattern: '' };
  const [text, ...values] = regexp.exec(url) ?? [];
  if (text === undefined) return null;
  const named = values.map((value, n) => [String(keys[n]?.name ?? n), value ?? ''] as const);
  return { text, pattern: withNames(text, named) };
}

function encoded(value: string | readonly string[]): string {
  return typeof value === 'string' ? encodeURIComponent(value) : value.map(encodeURIComponent).join('/');
}

/** In the place of values the names of their parameters. The rest in small letters: it is compared without regard to them. */
function withNames(text: string, values: readonly (readonly [name: string, value: string])[]): string {
  let before = withoutSlash(text).toLowerCase();
  let after = '';
  for (const [name, value] of values.toReversed()) {
    if (value === '') continue;
    const at = before.lastIndexOf(value.toLowerCase());
    if (at === -1) return UNKNOWN;
    after = `:${name}${before.slice(at + value.length)}${after}`;
    before = before.slice(0, at);
  }
  return before + after;
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
