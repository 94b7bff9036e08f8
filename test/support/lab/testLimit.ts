// Set-up file of the tests that run in the lab: how long one of them, or one hook, may take.
import { jest } from '@jest/globals';
import { patience } from '../../lab/patience.ts';

jest.setTimeout(patience(300_000));
