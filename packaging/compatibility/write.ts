#!/usr/bin/env node
// Writes docs/kube-proxy-compatibility.md anew: `npm run docs:compatibility`.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from '../machine.mjs';
import { compatibilityPage } from './page.ts';

writeFileSync(join(checkout, 'docs', 'kube-proxy-compatibility.md'), compatibilityPage());
