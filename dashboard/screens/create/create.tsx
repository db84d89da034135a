import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { DeskData, Distribution } from '../../api/desk.ts';
import { toProblem, type Problem } from '../../api/problem.ts';
import { desk, deskProblem, loadDesk } from '../../account/desk.ts';
import { FailedQuery } from '../../loading/failed-query.tsx';
import { Field } from '../../parts/field.tsx';
import { useTitle } from '../../frame/use-title.ts';
import { createWords as words } from '../../words/create.ts';
import { createAndStart } from './create-and-start.ts';
import { beginDraft, changeDraft, draft, endDraft, nameOf, type Draft } from './draft.ts';
import { Password } from './password.tsx';
import { Preflight, usePreflight } from './preflight.tsx';
import { Files, Where } from './choices.tsx';
import { Size } from './size.tsx';
import { What } from './what.tsx';

/** The form for a new VM. Its defaults are a desktop that starts: Enter in the name is enough. */
export function Create(): JSX.Element {
  useTitle(words.title);
  const { query } = useLocation();
  useEffect(() => {
    if (desk.value !== undefined) beginDraft(desk.value, query['from']);
  }, [desk.value === undefined, query['from']]);
  if (desk.value === undefined && deskProblem.value !== undefined)
    return <FailedQuery problem={deskProblem.value} onRetry={() => void loadDesk()} />;
  return (
    <>
      <div class="title-bar">
        <h1>{words.title}</h1>
      </div>
      {desk.value !== undefined && draft.value !== undefined && <Form desk={desk.value} draft={draft.value} />}
    </>
  );
}

function passwordHint(chosen: Distribution | undefined): string {
  if (chosen === undefined) return '';
  return chosen.signIn === null ? words.noPassword : words.passwordHint(chosen.signIn.user);
}

function Form({ desk: { distributions, regions, me }, draft }: { desk: DeskData; draft: Draft }): JSX.Element {
  const { route } = useLocation();
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);
  const name = nameOf(draft, distributions);
  const chosen = distributions.find(({ code }) => code === draft.distribution);
  const violations = usePreflight(me, draft);
  const submit = async (mayStart: boolean): Promise<void> => {
    if (isSending) return;
    setSending(true);
    setProblem(undefined);
    try {
      const id = await createAndStart(draft, { vmlabel: name, mayStart: mayStart && violations.length === 0 });
      endDraft();
      route(`/vm/${id}`);
    } catch (error) {
      setSending(false);
      setProblem(toProblem(error));
      requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid=true]')?.focus());
    }
  };
  const others = problem?.fields.length === 0 ? problem : undefined;
  return (
    <form
      class="create"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(true);
      }}
    >
      <What distributions={distributions} me={me} draft={draft} chosen={chosen} />
      <Field label={words.name} problem={problem?.ofField('vmlabel')}>
        {(attributes) => (
          <input
            {...attributes}
            class="wide-input"
            required
            maxLength={100}
            value={name}
            onInput={(event) => changeDraft({ ownName: event.currentTarget.value })}
          />
        )}
      </Field>
      <Where regions={regions} draft={draft} />
      <Size me={me} draft={draft} problem={problem?.ofField('cpu') ?? problem?.ofField('ram')} />
      <Files gb={me.plan.storageGb} draft={draft} />
      <Password problem={problem?.ofField('password')} hint={passwordHint(chosen)} />
      <Preflight violations={violations} />
      {others !== undefined && (
        <p class="problem" role="alert">
          {[others.message, ...others.violations.map(({ message }) => message)].join(' ')}
        </p>
      )}
      <div class="buttons create-buttons">
        <button type="button" class="button" aria-disabled={isSending} onClick={() => void submit(false)}>
          {words.submitOnly}
        </button>
        <button type="submit" class="button primary" aria-disabled={isSending}>
          {isSending ? words.creating : violations.length > 0 ? words.submitLater : words.submit}
        </button>
      </div>
    </form>
  );
}
