import { handback as h } from '@handback/core'; function handback(): number { return h(); } handback.off = () => 2; export default handback; export { handback, handback as 'module.exports' };
