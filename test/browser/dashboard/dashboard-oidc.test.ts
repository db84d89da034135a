import { expect, it, onTestFinished } from 'vitest';
import { keepScreenshot, openBrowser } from '../../support/browser/browser.ts';
import { eventually } from '../../support/eventually.ts';
import { createTestGateway } from '../../support/gateway/gateway.ts';
import { AUDIENCE, CLIENT_ID, startOidcIssuer } from '../../support/browser/oidc-issuer.ts';
import { useOperationsFile } from '../../support/api/operations-file.ts';
import { freePort } from '../../support/ports.ts';

const files = useOperationsFile();
/** Renewed at 80 % of this. */
const TTL_SECONDS = 5;

it('signs in with OpenID Connect, returns to the same address, renews its token and signs out at the issuer', async () => {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  await using issuer = await startOidcIssuer({ redirectUri: `${origin}/sign-in/done`, ttlSeconds: TTL_SECONDS });
  await using _gateway = await createTestGateway({
    env: {
      PORT: String(port),
      JWT_SECRET: '',
      JWT_JWKS_URL: issuer.jwksUrl,
      JWT_ISSUER: issuer.url,
      JWT_AUDIENCE: AUDIENCE,
      OIDC_ISSUER: issuer.url,
      OIDC_CLIENT_ID: CLIENT_ID,
      OIDC_NAME: 'Test Issuer',
      // The page works where only known operations are taken.
      PERSISTED_OPERATIONS: await files.write('none.json', '{}'),
      PERSISTED_OPERATIONS_ONLY: '1',
    },
  });
  const browser = await openBrowser();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const urls: string[] = [];
  page.on('request', (request) => void urls.push(request.url()));
  await page.goto(`${origin}/catalog`);
  await page.getByRole('button', { name: 'Sign in with Test Issuer' }).waitFor();
  await keepScreenshot(page, 'dashboard-sign-in-issuer');
  await page.getByRole('button', { name: 'Sign in with Test Issuer' }).click();

  await page.getByPlaceholder('Enter any login').fill('ada');
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: /sign-in/i }).click();
  await page.getByRole('button', { name: 'Continue' }).click();

  await page.getByRole('heading', { name: 'Catalog' }).waitFor();
  expect(page.url()).toBe(`${origin}/catalog`);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Account menu: ada' }).waitFor();
  const kept = 'JSON.stringify([{ ...localStorage }, { ...sessionStorage }])';
  expect(await page.evaluate(kept)).not.toContain('"swiftor.token"');

  // Over the life of two tokens, without a reload or a sign-in.
  await eventually(() => issuer.issues >= 3, { deadline: 20_000 });
  await page.getByText('Live', { exact: true }).waitFor();

  // In the middle of a renewal: the refresh token that the page has is used up, and the next one is on its way.
  const held = await issuer.holdNextTokens();
  await page.reload();
  await page.getByText('Signing you in…').waitFor();
  held.release();
  await page.getByText('Live', { exact: true }).waitFor();
  // And in the middle of that of the reload before.
  await Promise.all([issuer.holdNextTokens().then(({ release }) => release()), page.reload()]);
  await page.reload();
  await page.getByText('Live', { exact: true }).waitFor();

  await page.getByRole('button', { name: /^Account menu/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.waitForURL((url) => url.origin === issuer.url && url.pathname.startsWith('/session/end'));
  await page.getByRole('button', { name: /yes, sign me out/i }).click();
  await page.getByRole('button', { name: 'Sign in with Test Issuer' }).waitFor();
  expect(new URL(page.url()).origin).toBe(origin);
  expect(urls.filter((url) => /[?&#](access_token|id_token|token)=/.test(url))).toEqual([]);
}, 90_000);
