/**
 * Ours in a process of its own, for command lines that are read under other files in /etc: `node
 * ipvsadmRunner.ts NAMESPACE COMMANDS`.
 */
import { readFileSync } from 'node:fs';
import { type Command, ourAnswer } from './ipvsadmOracle.ts';

const [, , name = '', file = ''] = process.argv;
const answers = [];
for (const command of JSON.parse(readFileSync(file, 'utf8')) as Command[]) {
  answers.push(await ourAnswer({ name, networkNamespacePath: `/run/netns/${name}` }, command));
}
process.stdout.write(JSON.stringify(answers));
