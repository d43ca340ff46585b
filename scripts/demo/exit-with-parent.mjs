/**
 * Loaded into the demo's server before its own code. The channel to scripts/start.mjs closes when that process ends,
 * however it does: then this one has nobody left to stop it.
 */
process.on('disconnect', () => process.exit());
process.channel?.unref(); // and it must not keep a server running that wants to end by itself
