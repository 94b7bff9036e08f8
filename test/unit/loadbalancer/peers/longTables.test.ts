/** Thousands of claims over a network in which datagrams overtake each other. */
import { expect, test } from '@jest/globals';
import { SimulatedNetwork } from '../../../support/loadbalancer/network.ts';
import { PeerProcess } from '../../../support/loadbalancer/peerProcess.ts';
import { randomNumbers } from '../../../support/program/randomNumbers.ts';

const NAMES = ['n1', 'n2', 'n3'];
const claimsOf = (name: string) =>
  new Set(Array.from({ length: 3_000 }, (_, i) => `10.${name.slice(1)}.${i >> 8}.${i & 255}`));

function started(loss: number) {
  const random = randomNumbers(3);
  const network = new SimulatedNetwork({ random });
  network.line = { loss, duplication: 0, delayMs: [0.1, 20] };
  const processes = NAMES.map((name) => {
    const others = NAMES.filter((each) => each !== name);
    const process = new PeerProcess(name, others, { random });
    process.own({ claims: claimsOf(name) });
    network.start(process);
    return process;
  });
  const areKnown = () =>
    processes.every((process) =>
      NAMES.filter((name) => name !== process.name).every(
        (name) => process.sees(name, network.nowMs).claims.size === 3_000,
      ),
    );
  return { network, processes, areKnown };
}

const countOf = (processes: readonly PeerProcess[], type: string) =>
  processes.flatMap(({ sent }) => sent).filter(({ heartbeat }) => heartbeat.type === type).length;

test('they come whole in any order, and nobody has to ask', () => {
  const { network, processes, areKnown } = started(0);
  network.run(1_000);
  expect(areKnown()).toBe(true);
  for (const process of processes) {
    for (const name of NAMES.filter((each) => each !== process.name)) {
      expect(process.sees(name, network.nowMs).claims).toEqual(claimsOf(name));
    }
  }
  network.run(3_000);
  expect(countOf(processes, 'ask')).toBe(0);
  // Of 64 addresses each, once to each peer.
  expect(countOf(processes, 'claims')).toBe(6 * Math.ceil(3_000 / 64));
});

test('what is lost of them is asked for, until all of it is there', () => {
  const { network, processes, areKnown } = started(0.05);
  network.run(4_500);
  expect(areKnown()).toBe(true);
  expect(countOf(processes, 'ask')).toBeGreaterThan(0);
  const told = countOf(processes, 'claims');
  network.line = { ...network.line, loss: 0 };
  for (const process of processes) process.sent.length = 0;
  network.run(400);
  expect(countOf(processes, 'ask')).toBe(0);
  expect(told).toBeLessThan(6 * 47 * 8);
});

test('one new claim among them is known everywhere with the first datagram', () => {
  const { network, processes } = started(0);
  network.run(1_000);
  const [one, other] = processes as [PeerProcess, PeerProcess, PeerProcess];
  one.own({ claims: new Set([...claimsOf('n1'), '192.0.2.1']) });
  let count = 0;
  network.onDelivery = ({ to, recording }) => {
    const isTable = recording.outgoing.heartbeat.type === 'claims';
    const isKnown = other.sees('n1', network.nowMs).claims.has('192.0.2.1');
    if (to === 'n2' && recording.sender === 'n1' && isTable && !isKnown) count++;
  };
  network.line = { loss: 0, duplication: 0, delayMs: [0.1, 0.1] };
  network.run(200);
  expect(other.sees('n1', network.nowMs).claims.size).toBe(3_001);
  expect(count).toBe(1);
});
