import type { Api } from '../api/api.ts';

/** The series of a gateway with a METRICS_PORT, by name and labels. */
export async function metricsOf(gateway: Api): Promise<Map<string, number>> {
  const text = await (await fetch(`${monitoringOf(gateway)}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

/** Where a gateway with a METRICS_PORT serves metrics and health. */
export function monitoringOf(gateway: Api): string {
  const line = logOf(gateway).find(({ msg }) => msg === 'metrics and health are served');
  return `http://127.0.0.1:${String(line?.['port'])}`;
}

/** The lines of its log. */
export function logOf({ lines }: Api): Record<string, unknown>[] {
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);
}
