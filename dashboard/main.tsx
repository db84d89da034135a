import { render } from 'preact';
import { App } from './app.tsx';
import { applyAppearance } from './session/appearance.ts';
import { takeTokenFromAddress } from './session/token-in-address.ts';
import { session } from './session/session.ts';

// Before anything else can read, log or send the address.
takeTokenFromAddress();
applyAppearance();
session.restore();

const page = document.querySelector('#page');
if (page !== null) render(<App />, page);
