/** What the gateway tells the page before anybody has signed in: /dashboard.json. */
export interface DashboardConfig {
  /** The path of the page's script, which changes with each build. */
  readonly build: string;
  readonly oidc: OidcClient | null;
  readonly graphiql: boolean;
}

export interface OidcClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: string;
  readonly name: string;
  readonly token: 'access' | 'id';
}

const DEADLINE_MS = 15_000;

let config: Promise<DashboardConfig> | undefined;

/** As it was when first asked. Rejects if the gateway cannot be reached; a failure is not kept. */
export function dashboardConfig(): Promise<DashboardConfig> {
  config ??= fetchConfig();
  config.catch(() => (config = undefined));
  return config;
}

/** As it is now. */
export async function fetchConfig(): Promise<DashboardConfig> {
  const response = await fetch('/dashboard.json', { credentials: 'omit', signal: AbortSignal.timeout(DEADLINE_MS) });
  if (!response.ok) throw new Error(`/dashboard.json: ${response.status}`);
  return (await response.json()) as DashboardConfig;
}
