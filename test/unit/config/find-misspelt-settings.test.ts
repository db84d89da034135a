import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../../../src/config/environment.ts';
import { editsBetween, findMisspeltSettings } from '../../../src/config/find-misspelt-settings.ts';

describe('editsBetween', () => {
  it.each([
    ['', '', 0],
    ['', 'PORT', 4],
    ['PORT', 'PORT', 0],
    ['port', 'PORT', 0],
    ['PORTS', 'PORT', 1],
    ['PRT', 'PORT', 1],
    ['PART', 'PORT', 1],
    ['PROT', 'PORT', 1],
    ['TORP', 'PORT', 2],
    ['HOST', 'PORT', 2],
    ['DATABASE', 'DATA_DIR', 4],
  ])('%s to %s is %i, and back', (one, other, edits) => {
    expect([editsBetween(one, other), editsBetween(other, one)]).toEqual([edits, edits]);
  });
});

describe('findMisspeltSettings', () => {
  it.each([
    ['ALOWED_ORIGINS', 'ALLOWED_ORIGINS'],
    ['ALLOWED_ORIGIN', 'ALLOWED_ORIGINS'],
    ['TRUSTED_PROXY', 'TRUSTED_PROXIES'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['JWT_SCERET', 'JWT_SECRET'],
    ['JWT_JWK_URL', 'JWT_JWKS_URL'],
    ['PROT', 'PORT'],
    ['REGION', 'REGIONS'],
    ['BASEDOMAIN', 'BASE_DOMAIN'],
    ['database_url', 'DATABASE_URL'],
  ])('takes %s for %s', (name, meant) => {
    expect(findMisspeltSettings({ [name]: 'x' }, SETTINGS)).toEqual([{ name, meant }]);
  });

  it('takes nothing for a setting that most processes have in their environment', () => {
    const names = `
      PATH HOME PWD OLDPWD USER LOGNAME SHELL SHLVL LANG LC_ALL TERM TZ _ HOSTNAME EDITOR MAIL DISPLAY TMPDIR SSH_TTY
      XDG_RUNTIME_DIR XDG_CACHE_HOME CI NODE_OPTIONS NODE_PATH NODE_VERSION NODE_COMPILE_CACHE INIT_CWD COLOR NO_COLOR
      npm_execpath npm_node_execpath npm_config_cache npm_lifecycle_event npm_package_json PGHOST PGPORT
      POSTGRES_PASSWORD DOCKER_CONTEXT INVOCATION_ID JOURNAL_STREAM KUBERNETES_PORT KUBERNETES_SERVICE_HOST
      SWIFTOR_NO_INSTALL`
      .trim()
      .split(/\s+/);
    expect(findMisspeltSettings(Object.fromEntries(names.map((name) => [name, 'x'])), SETTINGS)).toEqual([]);
  });

  it('says nothing of settings, of empty variables, and where the setting is set, too', () => {
    expect(findMisspeltSettings(Object.fromEntries(SETTINGS.map((name) => [name, 'x'])), SETTINGS)).toEqual([]);
    expect(findMisspeltSettings({ ALOWED_ORIGINS: '' }, SETTINGS)).toEqual([]);
    expect(findMisspeltSettings({ REGION: 'eu', REGIONS: 'EU=unix:///x' }, SETTINGS)).toEqual([]);
  });
});
