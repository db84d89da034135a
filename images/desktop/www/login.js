const asked = new URLSearchParams(location.search);
const problem = document.getElementById('problem');
const button = document.querySelector('button');

/** @param {string} text */
function tell(text) {
  if (problem === null) return;
  problem.textContent = text;
  problem.hidden = false;
}

/** @param {number} seconds */
function countDown(seconds) {
  tell(seconds > 0 ? `Too many wrong passwords. Try again in ${seconds} s.` : 'You may try again now.');
  if (button !== null) button.disabled = seconds > 0;
  if (seconds > 0) setTimeout(() => countDown(seconds - 1), 1000);
}

if (asked.has('wrong')) tell('That password is not right.');
if (asked.has('wait')) countDown(Number(asked.get('wait')) || 5);

// Desktops look alike: the address says which one this is.
const address = document.getElementById('address');
if (address !== null) address.textContent = location.hostname;
