it('forgets a promise that rejects', async () => {
  Promise.reject(new Error('nobody looks at this'));
  await new Promise((resolve) => setTimeout(resolve, 20));
});
