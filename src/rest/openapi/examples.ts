import type { SchemaName } from '../schemas/schemas.ts';

const vmid = '1aa62e52-e61c-4ae3-9ac2-c9cb1f46d25f';

/** Bodies that work, by schema. */
export const EXAMPLES: Readonly<Partial<Record<SchemaName, { readonly example: object }>>> = {
  CreateVm: {
    example: {
      config: {
        vmlabel: 'MyWebServer',
        region: { code: 'AU' },
        password: 'your-secure-password',
        storageType: 'persistent',
      },
      os: { distribution: { code: 'ubuntu' }, desktop: 'xfce', cpu: 2, ram: 4 },
    },
  },
  UpdateVm: { example: { config: { vmlabel: 'MyDatabase' }, os: { cpu: 4, ram: 8 } } },
  SetSecret: { example: { vmid, key: 'NEW_SECRET_KEY', value: 'its-secret-value' } },
  AddSubdomain: { example: { vmid, name: 'myapp', internal_port: 5001 } },
  AddPort: { example: { vmid, protocol: 'tcp', internal_port: 25565 } },
};
