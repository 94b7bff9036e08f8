/**
 * Loaded into the product before everything else (NODE_OPTIONS=--require): ends it by SIGKILL just
 * before its Nth message to the kernel, to the long-lived ipset, or to a program of iptables,
 * N = KUBE_IPVS_CRASH_AT. What was sent before may be done, half done or not yet begun.
 */
'use strict';

const childProcess = require('node:child_process');
const { writeSync } = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

const crashAt = Number(process.env['KUBE_IPVS_CRASH_AT']);
let messages = 0;

/** @param {string} what */
function pass(what) {
  if (++messages !== crashAt) return;
  writeSync(2, `crashing before message ${messages}: ${what}\n`);
  process.kill(process.pid, 'SIGKILL');
}

const dlopen = process.dlopen.bind(process);
/** @param {{ exports: any }} module */
process.dlopen = (module, filename, ...rest) => {
  dlopen(module, filename, ...rest);
  const { exports } = module;
  if (exports.NetlinkSocket === undefined) return;
  class CrashingSocket extends exports.NetlinkSocket {
    /** @param {unknown[]} args */
    transact(...args) {
      pass('netlink');
      return super.transact(...args);
    }
  }
  // The addon's own properties are read-only.
  module.exports = { ...exports, NetlinkSocket: CrashingSocket };
};

/** @type {any} of any overload */
const spawn = childProcess.spawn;
/** @type {any} */ (childProcess).spawn = (/** @type {[string, ...unknown[]]} */ ...how) => {
  const child = spawn(...how);
  const { stdin } = child;
  for (const name of stdin ? ['write', 'end'] : []) {
    const send = stdin[name].bind(stdin);
    stdin[name] = (/** @type {unknown[]} */ ...words) => {
      if (words.length > 0) pass(how[0]);
      return send(...words);
    };
  }
  return child;
};
syncBuiltinESMExports();
