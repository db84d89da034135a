import { START_PROBLEM_CODES, type StartProblem as Problem } from '../../../vm/problems/start-problem.ts';
import { builder } from '../builder.ts';

export const StartProblem = builder.objectRef<Problem>('StartProblem').implement({
  description: 'A reason why a VM cannot start now.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description: [
        'One of these.',
        ...Object.entries(START_PROBLEM_CODES).map(([code, meaning]) => `- ${code}: ${meaning}.`),
      ].join('\n'),
    }),
    message: t.exposeString('message', { description: 'What is wrong, human-readable.' }),
    action: t.exposeString('action', { description: 'What to do about it, human-readable.' }),
  }),
});
