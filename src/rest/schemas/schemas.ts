import { ERROR_SCHEMAS } from './error-schemas.ts';
import { LIVE_SCHEMAS } from './live-schemas.ts';
import { SETTING_SCHEMAS } from './setting-schemas.ts';
import { VM_SCHEMAS } from './vm-schemas.ts';

/** All schemas of the OpenAPI document, by name. */
export const SCHEMAS = { ...VM_SCHEMAS, ...SETTING_SCHEMAS, ...LIVE_SCHEMAS, ...ERROR_SCHEMAS };

export type SchemaName = keyof typeof SCHEMAS;
