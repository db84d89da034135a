import type { JSX } from 'preact';
import type { DeskData, Plan } from '../../api/desk.ts';
import { gigabytes, number } from '../../words/format.ts';
import { accountWords as words } from '../../words/account.ts';

/** The account's plan beside the others, and what it uses. */
export function Plans({ me: { plan, usage }, plans }: { me: DeskData['me']; plans: readonly Plan[] }): JSX.Element {
  return (
    <section class="panel">
      <h2>{words.plan}</h2>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls on narrow screens */}
      <div class="table-frame" tabIndex={0} role="group" aria-label={words.plans}>
        <table class="plans">
          <caption class="hidden">{words.plans}</caption>
          <thead>
            <tr>
              {Object.values(words.columns).map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <tr class="strong">
              <th scope="row">{words.used}</th>
              <td>{number(usage.cpu)}</td>
              <td>{number(usage.ram)} GB</td>
              <td>{gigabytes(usage.storageGb)}</td>
              <td>{number(usage.concurrentVms)}</td>
              <td>{number(usage.vms)}</td>
            </tr>
            {(plans.some(({ code }) => code === plan.code) ? plans : [plan, ...plans]).map((each) => (
              <tr key={each.code} class={each.code === plan.code ? 'own' : ''}>
                <th scope="row">
                  {each.name} {each.code === plan.code && <span class="quiet small">({words.yours})</span>}
                </th>
                <td>{number(each.cpu)}</td>
                <td>{number(each.ram)} GB</td>
                <td>{number(each.storageGb)} GB</td>
                <td>{number(each.concurrentVms)}</td>
                <td>{number(each.vms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
