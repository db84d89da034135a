import { time } from './format.ts';

/** Who may open a VM. */
export const shareWords = {
  title: (name: string) => `Share ${name}`,
  hint: 'A link opens it for one person, once. Make one for each. It can neither start the VM nor see your account.',
  role: 'What may they do?',
  VIEW: 'Look on',
  CONTROL: 'Take part: everything that you can do in the app',
  lasts: 'For how long?',
  durations: { '15m': '15 minutes', '1h': 'an hour', '4h': '4 hours', '12h': '12 hours' },
  make: 'Make a link',
  making: 'Making it…',
  link: 'The link',
  copy: 'Copy the link',
  copyNow: 'Copy it now: it is shown only here.',
  list: 'Who may open it now',
  nobody: 'Nobody.',
  you: 'Your browser',
  guest: { VIEW: 'Somebody who looks on', CONTROL: 'Somebody who takes part' },
  unused: 'link not used yet',
  from: (address: string) => `from ${address}`,
  until: (at: string) => `until ${time(at)}`,
  end: 'End',
  endOf: (who: string) => `End: ${who}`,
};
