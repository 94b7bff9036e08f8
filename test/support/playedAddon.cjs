/** Stands where the native addon would: notes what crosses the border, and throws what it is told to, as addon/ABI.md describes it. */
'use strict';

const crossed = [];
let refusal;

function cross(...words) {
  crossed.push(words.join(' '));
  if (refusal !== undefined) throw refusal;
}

class NetlinkSocket {
  constructor({ protocol }) {
    cross('open', protocol);
  }

  async transact(request, timeoutMs) {
    cross('transact', request, timeoutMs);
    return { bytes: request, isOverrun: false };
  }

  async receive(timeoutMs) {
    cross('receive', timeoutMs);
    return { bytes: new Uint8Array([9]), isOverrun: true };
  }

  joinGroup(group) {
    cross('join', group);
  }

  close() {
    cross('close');
  }
}

module.exports = {
  NetlinkSocket,
  hostAddress: (name) => (name === 'node1' ? '192.0.2.1' : undefined),
  servicePort: (name, protocol) => (`${name}/${protocol}` === 'domain/udp' ? 53 : undefined),
  serviceName: (port, protocol) => (`${port}/${protocol}` === '53/udp' ? 'domain' : undefined),
  tryLock(descriptor) {
    cross('lock', descriptor);
    return descriptor === 7;
  },
  crossed,
  refuse(error) {
    refusal = error;
  },
};
