/** This program's version: package.json's, which the bundle carries inside. */
import packageJson from '../../package.json' with { type: 'json' };

export const VERSION: string = packageJson.version;
