export const versions: string[];
export const essentials: string[];
export function otherVersions(running?: string): string[];
export const essentialArguments: string[];
