import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import type { ThreadReport } from '../../../../src/loadbalancer/announcer/messages.ts';
import { Durations } from '../../../../src/loadbalancer/responder/durations.ts';
import { registerAsked } from '../../../../src/loadbalancer/shell/askedMetrics.ts';
import { settle } from '../../../support/program/fakeClock.ts';
import { threadReport } from '../../../support/loadbalancer/reports.ts';

test('how long answers took is a histogram of what the thread has counted', async () => {
  const durations = new Durations();
  const registry = new Registry();
  let isThere = true;
  registerAsked(registry, (): Promise<ThreadReport> => {
    const { counters } = threadReport();
    const report = threadReport({ counters: { ...counters, answerSeconds: durations.told } });
    return isThere ? Promise.resolve(report) : Promise.reject(new Error('no thread'));
  });
  const scraped = async () => {
    await settle();
    const lines = (await registry.metrics()).split('\n');
    return lines.filter((line) => line.includes('kubeipvs_lb_answer_seconds'));
  };
  expect(await scraped()).toEqual(
    expect.arrayContaining([
      '# TYPE kubeipvs_lb_answer_seconds histogram',
      'kubeipvs_lb_answer_seconds_count 0',
    ]),
  );
  durations.add(0.00003, 2);
  durations.add(1, 1);
  const lines = [
    'kubeipvs_lb_answer_seconds_bucket{le="0.000025"} 0',
    'kubeipvs_lb_answer_seconds_bucket{le="0.00005"} 2',
    'kubeipvs_lb_answer_seconds_bucket{le="0.25"} 2',
    'kubeipvs_lb_answer_seconds_bucket{le="+Inf"} 3',
    'kubeipvs_lb_answer_seconds_sum 1.00006',
    'kubeipvs_lb_answer_seconds_count 3',
  ];
  expect(await scraped()).toEqual(expect.arrayContaining(lines));
  isThere = false;
  expect(await scraped()).toEqual(expect.arrayContaining(lines));
});
