export const handback = () => 1; export { handback as 'module.exports' };
