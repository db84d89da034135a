import type { JSX } from 'preact';
import { desk } from '../account/desk.ts';
import { Icon } from '../parts/icons.tsx';
import { Menu } from '../parts/menu.tsx';
import { session } from '../session/session.ts';
import { signOut } from '../session/sign-out.ts';
import { words } from '../words/words.ts';

export function AccountMenu(): JSX.Element {
  const state = session.state.value;
  const name = desk.value?.me.userId ?? (state.kind === 'in' ? state.userId : undefined) ?? '';
  return (
    <Menu
      label={`${words.accountMenu.label}: ${name}`}
      class="account-button"
      button={
        <>
          <span class="account-name">{name}</span>
          <Icon name="down" />
        </>
      }
      items={() => [
        { label: words.accountMenu.account, href: '/account' },
        { label: words.accountMenu.signOut, onSelect: () => void signOut() },
      ]}
    />
  );
}
