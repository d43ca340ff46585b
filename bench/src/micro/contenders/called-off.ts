/** One reason for all who abort, so that no stack is captured for each: that would be the caller's cost. */
export const calledOff = new Error('called off');
