/** Stands where the native addon would: notes what crosses the border, and throws what it is told to, as addon/ABI.md describes it. */
'use strict';

/** @type {string[]} */
const crossed = [];
/** @type {unknown} */
let refusal;

/** @param {readonly unknown[]} words */
function cross(...words) {
  crossed.push(words.join(' '));
  if (refusal !== undefined) throw refusal;
}

class NetlinkSocket {
  /** @param {{ protocol: number }} options */
  constructor({ protocol }) {
    cross('open', protocol);
  }

  /**
   * @param {Uint8Array} request
   * @param {number} timeoutMs
   */
  async transact(request, timeoutMs) {
    cross('transact', request, timeoutMs);
    return { bytes: request, isOverrun: false };
  }

  /** @param {number} timeoutMs */
  async receive(timeoutMs) {
    cross('receive', timeoutMs);
    return { bytes: new Uint8Array([9]), isOverrun: true };
  }

  /** @param {number} group */
  joinGroup(group) {
    cross('join', group);
  }

  close() {
    cross('close');
  }
}

class PacketSocket {
  /** @param {{ ifindex: number, etherType: number, filter?: Uint8Array }} options */
  constructor({ ifindex, etherType, filter }) {
    cross('open', ifindex, etherType, filter);
  }

  /** @param {number} timeoutMs */
  async receive(timeoutMs) {
    cross('receive', timeoutMs);
    return { bytes: new Uint8Array([1, 2, 3]), lengths: new Uint32Array([2, 0, 1]), dropped: 4 };
  }

  /** @param {readonly Uint8Array[]} frames */
  send(frames) {
    cross('send', frames.length);
    return frames.length;
  }

  /** @param {Uint8Array} mac */
  joinMulticast(mac) {
    cross('join', mac);
  }

  drain() {
    cross('drain');
    return 5;
  }

  close() {
    cross('close');
  }
}

module.exports = {
  NetlinkSocket,
  PacketSocket,
  /** @param {string} name */
  hostAddress: (name) => (name === 'node1' ? '192.0.2.1' : undefined),
  /**
   * @param {string} name
   * @param {string} protocol
   */
  servicePort: (name, protocol) => (`${name}/${protocol}` === 'domain/udp' ? 53 : undefined),
  /**
   * @param {number} port
   * @param {string} protocol
   */
  serviceName: (port, protocol) => (`${port}/${protocol}` === '53/udp' ? 'domain' : undefined),
  /** @param {number} descriptor */
  tryLock(descriptor) {
    cross('lock', descriptor);
    return descriptor === 7;
  },
  /**
   * @param {{ domain: number, level: number, name: number }} option
   * @param {Uint8Array} request
   * @param {number} size
   */
  readOption({ domain, level, name }, request, size) {
    cross('option', domain, level, name, request, size);
    return new Uint8Array([7]);
  },
  crossed,
  /** @param {unknown} error */
  refuse(error) {
    refusal = error;
  },
};
