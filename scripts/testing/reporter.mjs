/**
 * The usual output of mocha without its closing counts: scripts/test.mjs prints those, also if this process does not
 * reach its end. It therefore hears of every result at once.
 */
import Mocha from 'mocha';

const { Base, Spec } = Mocha.reporters;
const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } = Mocha.Runner.constants;

/** Whoever still has something open so long after the last test will never close it. */
const lingerMs = 10_000;

export default class Reporter extends Spec {
  /** @param {Mocha.Runner} runner @param {Mocha.MochaOptions} options */
  constructor(runner, options) {
    super(runner, options);
    runner.on(EVENT_TEST_PASS, () => tell('passed'));
    runner.on(EVENT_TEST_FAIL, () => tell('failed'));
    runner.on(EVENT_TEST_PENDING, () => tell('skipped'));
    runner.once(EVENT_RUN_END, () => {
      tell('ended');
      setTimeout(refuseToLinger, lingerMs).unref();
    });
  }

  /** @override */
  epilogue() {
    if (this.failures.length > 0) Base.list(this.failures);
  }
}

/** @param {string} what */
function tell(what) {
  process.send?.(what);
}

function refuseToLinger() {
  const open = process.getActiveResourcesInfo().join(', ');
  console.error(`The tests are over and something of theirs is still open: ${open}`);
  process.exit(1);
}

// Nobody is left to clean up after these tests when scripts/test.mjs is gone.
process.on('disconnect', () => process.exit(1));
process.channel?.unref();

// mocha itself would let these pass. Thrown, they fail the test that runs at the moment, or the whole run.
process.on('unhandledRejection', (reason) => {
  throw reason;
});
