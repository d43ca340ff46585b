it('forgets a promise that rejects', async () => {
  Promise.reject(new Error('nobody looks at this'));
  // An end of its own could come together with the other, and count as a second failure.
  await new Promise(() => {});
});
